"""Who did what, when and as whom: an append-only trail. Knows no model of ours, so that everything may record in it."""
