"""Base models in GGUF files, the form in which llama.cpp, Ollama and LM Studio keep them.

The package ``gguf`` is optional: only :mod:`.reading` and what it imports need it.
"""
