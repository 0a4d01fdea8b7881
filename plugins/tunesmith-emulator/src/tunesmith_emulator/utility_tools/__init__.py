"""Utility agent tools: what the service lists, and why none of them runs here."""
