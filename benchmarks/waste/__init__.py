"""A synthetic estate: what is healthy, what is wasted, and what only looks like waste. Facts, without a database."""
