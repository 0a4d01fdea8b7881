"""Connections to backends, their options, and what backends share: jobs, records, requests."""
