"""Prompt templates: stored, rendered, and filled in by their deployments."""
