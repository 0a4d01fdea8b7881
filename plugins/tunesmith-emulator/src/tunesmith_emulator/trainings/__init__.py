"""Trainings: accepted at once, run one at a time in the background."""
