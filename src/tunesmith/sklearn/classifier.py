"""The estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tunesmith.backend import Backend
from tunesmith.dataset import Dataset, stratified_split
from tunesmith.errors import ExperimentError, NotFoundError, UnsupportedError
from tunesmith.methods import PromptTuning
from tunesmith.pipeline.predict import classify
from tunesmith.plugins import DEFAULT_BACKEND, DEFAULT_BASE_MODEL
from tunesmith.progress import SILENT, Progress
from tunesmith.records import Row, TunedModel
from tunesmith.sklearn.connections import connected, deployed
from tunesmith.sklearn.inputs import classes_of, names_of, texts_of
from tunesmith.sklearn.settings import PREFIX, MethodLike, changed, nested, settings_of
from tunesmith.spec import TuningSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEDS = 2**31 - 1
MOVED = "bring the folder back, set store_ to its new place, or fit again"


# scikit-learn has no types, so its classes are Any to a type checker.
class SoftPromptClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of texts: a soft prompt for a frozen model, or another method of a backend.

    ``predict`` gives the most probable class by label scores, the reading *decision* of a run.

    Args:
        base_model: the portable name of the base model.
        method: the name of a tuning method, or a mapping of ``name`` and settings as in an
            experiment file, e.g. ``{"name": "lora", "rank": 4}``. ``set_params`` and parameter
            grids reach a setting as ``method__rank``.
        backend: the name of the backend.
        options: of the backend, e.g. ``{"device": "cpu"}``. Secrets are refused; they belong in
            the environment or in the options file.
        store: the folder of the saved adapters; None is ``runs/store/BACKEND``.
        label_words: the words that the model is tuned to write, by class, e.g.
            ``{0: "negative", 1: "positive"}``. A class without an entry is its own word.
        validation_fraction: the share of the rows that is held out for early stopping (the setting
            ``early_stopping_patience`` of the method); None holds out nothing.
        random_state: the seed: an integer, a ``RandomState``, or None for another one each time.
        progress: gets the events of a tuning and the number of rows that are answered. It is
            copied and pickled with the estimator.

    Attributes:
        classes_: the sorted classes, shape ``(n_classes,)``; columns of ``predict_proba``.
        tuned_model_: the record of the tuning, with its learning curve.
        store_: the absolute path of the store. Change it if the folder was moved.
    """

    def __init__(
        self,
        base_model: str = DEFAULT_BASE_MODEL,
        method: MethodLike = PromptTuning.name,
        *,
        backend: str = DEFAULT_BACKEND,
        options: Mapping[str, Any] | None = None,
        store: str | Path | None = None,
        label_words: Mapping[Any, str] | None = None,
        validation_fraction: float | None = None,
        random_state: int | np.random.RandomState | None = 0,
        progress: Progress | None = None,
    ) -> None:
        self.base_model = base_model
        self.method = method
        self.backend = backend
        self.options = options
        self.store = store
        self.label_words = label_words
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.progress = progress

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; if ``deep``, also the settings of the method that were given."""
        params: dict[str, Any] = super().get_params(deep=deep)
        return {**params, **nested(self.method)} if deep else params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, or settings of the method as ``method__NAME``.

        Raises:
            ValueError: no such parameter or setting; near misses are named.
        """
        settings = {name: value for name, value in params.items() if name.startswith(PREFIX)}
        super().set_params(**{k: v for k, v in params.items() if k not in settings})
        if settings:
            self.method = changed(self.method, settings)
        return self

    def fit(self, X: Sequence[str], y: Any) -> Self:  # noqa: N803  # scikit-learn's name
        """Tune on the texts ``X`` and their labels ``y``, and save the adapter in the store.

        Args:
            X: ``n`` texts.
            y: ``n`` labels: text, integers or booleans, of two classes or more.

        Raises:
            DatasetError: a row of ``X`` or ``y`` is missing or wrong; the message names it.
            ExperimentError: a parameter or a setting is wrong.
            UnsupportedError: the backend does not offer the method, or has no label scores.
            TunesmithError: the tuning failed. What an earlier ``fit`` learned is kept.
        """
        texts = texts_of(X)
        classes, indices = classes_of(y, len(texts))
        spec = self._spec(classes)
        names = names_of(classes)
        rows = [
            Row(input=text, output=names[index]) for text, index in zip(texts, indices, strict=True)
        ]
        backend = self._connected(self.store)
        self.tuned_model_ = self._tune(backend, spec, rows)
        self.classes_ = classes
        self.store_ = backend.options.store
        return self

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float64]:  # noqa: N803
        """Return the probabilities of the classes, shape ``(n, n_classes)``; each row sums to 1.

        Raises:
            NotFittedError: ``fit`` was not called.
            DatasetError: a row of ``X`` is missing or not text; the message names it.
            NotFoundError: the saved adapter is gone.
        """
        check_is_fitted(self)
        texts, model = texts_of(X), self.tuned_model_
        backend, names = self._connected(self.store_), names_of(self.classes_)
        try:
            with deployed(backend, model) as deployment:
                found = classify(backend, deployment, texts, model.labels, self._progress)
        except NotFoundError as error:
            raise NotFoundError(f"{error}. Saved as: {self.adapter_}; {MOVED}") from None
        return np.array([[one.probabilities[name] for name in names] for one in found])

    def predict(self, X: Sequence[str]) -> NDArray[Any]:  # noqa: N803
        """Return the most probable class of each text, shape ``(n,)``. See ``predict_proba``."""
        found = self.predict_proba(X)
        best: NDArray[Any] = self.classes_[found.argmax(axis=1)]
        return best

    @property
    def adapter_(self) -> Path:
        """The path of the saved adapter."""
        check_is_fitted(self, "tuned_model_")
        return Path(self.store_, self.tuned_model_.location or "")

    def _spec(self, classes: NDArray[Any]) -> TuningSpec:
        words, named = self.label_words or {}, zip(classes.tolist(), names_of(classes), strict=True)
        values = {
            "name": type(self).__name__,
            "base_model": self.base_model,
            "method": settings_of(self.method),
            "labels": {name: [words.get(label, name)] for label, name in named},
            "seed": self._seed(),
        }
        return TuningSpec.from_values(values, source=type(self).__name__)

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(SEEDS))

    def _connected(self, store: str | Path | None) -> Backend:
        given = dict(self.options or {})
        return connected(self.backend, given if store is None else {**given, "store": store})

    @property
    def _progress(self) -> Progress:
        return self.progress or SILENT

    def _tune(self, backend: Backend, spec: TuningSpec, rows: list[Row]) -> TunedModel:
        if not backend.capabilities(spec.base_model).label_scores:
            raise UnsupportedError(
                f"backend {self.backend!r} has no label scores for tuned models, and "
                "predict_proba is made of them; take another backend"
            )
        train, held_out = self._parts(spec, rows)
        self._progress.stage("tune")
        job = backend.tuner.submit(spec, train, held_out)
        try:
            return job.wait(self._progress.tuning)
        except BaseException:
            job.cancel()  # does nothing unless the wait was interrupted
            raise

    def _parts(
        self, spec: TuningSpec, rows: list[Row]
    ) -> tuple[Sequence[Row], Sequence[Row] | None]:
        """Return the training rows and those that are held out."""
        if self.validation_fraction is not None:
            data = Dataset(source="X", rows=tuple(rows))
            train, held_out = stratified_split(data, self.validation_fraction, spec.seed)
            return train.rows, held_out.rows
        if getattr(spec.method, "early_stopping_patience", None) is not None:
            raise ExperimentError(
                "method.early_stopping_patience needs rows that are held out; set "
                "validation_fraction, e.g. 0.15"
            )
        return rows, None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
