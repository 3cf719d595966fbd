"""Budgets of any costs, what is planned to change in them, and what both say about the months to come."""
