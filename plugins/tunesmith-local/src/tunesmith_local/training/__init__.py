"""Tuning: from rows and settings to a tuned model."""
