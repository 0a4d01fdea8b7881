"""A scikit-learn classifier of texts over any backend: ``SoftPromptClassifier``."""

from __future__ import annotations

from tunesmith.errors import PluginError

try:
    import sklearn as _  # noqa: F401
except ImportError:
    raise PluginError(
        "tunesmith.sklearn needs scikit-learn; install it with: pip install 'tunesmith[sklearn]'"
    ) from None

from tunesmith.sklearn.classifier import SoftPromptClassifier

__all__ = ["SoftPromptClassifier"]
