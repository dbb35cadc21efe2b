"""The budgets of modelport, each measured beside its peer or floor in the same run: python -m bench."""
