"""Costs as a FOCUS file: `columns` says what stands in it, `rows` reads it, `writers` write it, `exports` is the door."""
