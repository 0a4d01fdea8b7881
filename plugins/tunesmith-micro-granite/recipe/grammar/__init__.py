"""Hand-written grammar of customer reviews with true labels, for pre-training."""

from __future__ import annotations

from recipe.grammar.compose import sample_review
from recipe.grammar.review import ASPECTS, DEPARTMENTS, Review
from recipe.grammar.trades import BUSINESSES

__all__ = ["ASPECTS", "BUSINESSES", "DEPARTMENTS", "Review", "sample_review"]
