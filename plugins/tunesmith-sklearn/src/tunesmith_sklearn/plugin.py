"""The plugin: it registers one backend by name, without importing scikit-learn."""

from __future__ import annotations

from tunesmith.hookspecs import BackendEntry, MethodEntry, hookimpl


@hookimpl
def register_backends() -> list[BackendEntry]:
    """Return the backend ``sklearn`` with its three methods."""
    return [
        BackendEntry(
            name="sklearn",
            summary="majority class and TF-IDF + logistic regression, in seconds on any CPU",
            target="tunesmith_sklearn.backend:SklearnBackend",
            requires=("sklearn",),
            install="pip install 'tunesmith[sklearn]'",
            methods=(
                MethodEntry(
                    "majority",
                    "Always the most frequent label",
                    "tunesmith_sklearn.methods:Majority",
                    kind="constant",
                    place=0,
                    baseline=True,
                ),
                MethodEntry(
                    "tfidf_logreg",
                    "TF-IDF of word n-grams and logistic regression",
                    "tunesmith_sklearn.methods:TfidfLogreg",
                    kind="classifier",
                    place=10,
                    title="TF-IDF",
                    long_title="TF-IDF with logistic regression",
                    baseline=True,
                ),
                MethodEntry(
                    "embeddings_logreg",
                    "Sentence embeddings (all-MiniLM-L6-v2) and logistic regression",
                    "tunesmith_sklearn.methods:EmbeddingsLogreg",
                    kind="classifier",
                    place=15,
                    title="sentence embeddings",
                    long_title="sentence embeddings with logistic regression",
                ),
            ),
        )
    ]
