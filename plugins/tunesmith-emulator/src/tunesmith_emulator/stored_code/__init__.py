"""Stored functions and AI services that run, each in a process of its own."""
