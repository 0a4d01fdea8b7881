"""Connections to backends, their options, and jobs that run in this process."""
