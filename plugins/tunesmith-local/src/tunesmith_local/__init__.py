"""Soft prompts on torch through PEFT, as a tunesmith backend.

Importing this package loads neither torch nor transformers; its modules do.
"""
