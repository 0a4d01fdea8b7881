"""Deployments of tuned models."""
