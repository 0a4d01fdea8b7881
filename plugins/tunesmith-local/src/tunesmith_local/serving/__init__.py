"""Deployments: tuned models that answer."""
