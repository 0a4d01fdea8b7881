"""Embeddings and ranking: the models, what computes, and the rules."""
