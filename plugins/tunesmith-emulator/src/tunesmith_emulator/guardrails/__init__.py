"""Guardrails: rules that find personal data and harmful words in texts."""
