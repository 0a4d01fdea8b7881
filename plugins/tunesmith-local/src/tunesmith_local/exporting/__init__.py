"""Tuned models for others: files for vLLM, and adapters on the Hugging Face hub."""
