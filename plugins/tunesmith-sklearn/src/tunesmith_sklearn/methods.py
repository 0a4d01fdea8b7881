"""The three methods. Each is a frozen record of settings that makes an unfitted classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tunesmith.methods import Method


class Majority(Method):
    """Always the most frequent label of the training rows. Any tuning must do better."""

    name: ClassVar[str] = "majority"
    tunes: ClassVar[bool] = True

    def classifier(self, seed: int, texts: Sequence[str] = ()) -> Any:
        """Return an unfitted scikit-learn classifier of texts, for these training texts."""
        del texts
        from sklearn.dummy import DummyClassifier

        return DummyClassifier(strategy="prior", random_state=seed)


class TfidfLogreg(Method):
    """TF-IDF of word n-grams and logistic regression.

    The defaults are the same for every data set. The figure in a report is therefore never the
    best of several settings.
    """

    name: ClassVar[str] = "tfidf_logreg"
    tunes: ClassVar[bool] = True

    ngram_max: Annotated[int, Field(ge=1, le=3)] = 2
    """Words in the longest n-gram; the shortest is one word."""
    c: Annotated[float, Field(ge=0.001, le=1000)] = 10.0
    """Inverse strength of the L2 penalty (``C`` of ``LogisticRegression``)."""

    def classifier(self, seed: int, texts: Sequence[str] = ()) -> Any:
        """Return an unfitted scikit-learn classifier of texts, for these training texts."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        vectorizer = TfidfVectorizer(ngram_range=(1, self.ngram_max))
        if texts and not any(map(vectorizer.build_analyzer(), texts)):
            # Emoji, signs or single letters alone: what is between two spaces counts as a word.
            vectorizer.set_params(token_pattern=r"\S+")  # noqa: S106  # no password
        return make_pipeline(
            vectorizer,
            LogisticRegression(C=self.c, max_iter=1000, random_state=seed),
        )


class EmbeddingsLogreg(Method):
    """Sentence embeddings and logistic regression.

    The embeddings are those of all-MiniLM-L6-v2, which stays as it is. This is SetFit (Tunstall
    et al. 2022) without its contrastive fine-tuning.
    """

    name: ClassVar[str] = "embeddings_logreg"
    tunes: ClassVar[bool] = True

    c: Annotated[float, Field(ge=0.001, le=1000)] = 10.0
    """Inverse strength of the L2 penalty (``C`` of ``LogisticRegression``)."""

    def classifier(self, seed: int, texts: Sequence[str] = ()) -> Any:
        """Return an unfitted scikit-learn classifier of texts, for these training texts."""
        del texts
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        from tunesmith_sklearn.embeddings import SentenceEmbeddings

        return make_pipeline(
            SentenceEmbeddings(), LogisticRegression(C=self.c, max_iter=1000, random_state=seed)
        )


METHODS: dict[str, type[Majority | TfidfLogreg | EmbeddingsLogreg]] = {
    method.name: method for method in (Majority, TfidfLogreg, EmbeddingsLogreg)
}
