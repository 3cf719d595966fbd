"""Whose costs they are: trees of business context, allocation rules, people's assignments."""
