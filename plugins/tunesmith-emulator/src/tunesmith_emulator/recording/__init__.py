"""Recordings of a service: their file, what is never written, and how requests are matched."""
