"""Connecting to a backend, and what backends that run in this process share."""
