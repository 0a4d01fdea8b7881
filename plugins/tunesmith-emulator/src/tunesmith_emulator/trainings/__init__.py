"""Trainings: accepted at once, and run one after another in the background."""
