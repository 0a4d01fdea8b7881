"""Stores tuned models and deployments as JSON files.

A model is stored as its training rows and settings, and fitted again when it is first used. All
methods are deterministic, their slowest step is one pass of a small network over the rows, and no
pickle file has to be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.atomic import write_atomically
from tunesmith.errors import NotFoundError
from tunesmith.labels import numbered
from tunesmith.records import Deployment, Record, Row
from tunesmith_sklearn.methods import METHODS

KEPT = 32
"""Fitted classifiers that stay in memory, at most: a grid search makes hundreds."""


@dataclass(frozen=True)
class Fitted:
    """A fitted classifier, and the labels of its columns."""

    labels: Sequence[str]
    classifier: Any

    def probabilities(self, inputs: Sequence[str]) -> list[list[float]]:
        """Return the probability of each label for each input."""
        found: list[list[float]] = self.classifier.predict_proba(list(inputs)).tolist()
        return found


class FittedFrom(Record):
    """The settings, the seed and the rows of a fitted classifier."""

    method: dict[str, Any]
    seed: int
    rows: tuple[Row, ...]

    def fit(self) -> Fitted:
        """Return the fitted classifier."""
        settings = dict(self.method)
        method = METHODS[settings.pop("name")].model_validate(settings)
        inputs = [row.input for row in self.rows]
        labels, numbers = numbered([str(row.output) for row in self.rows])
        return Fitted(labels, method.classifier(self.seed, inputs).fit(inputs, numbers))


class Store:
    """The folder that the option ``store`` names. Processes may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fitted: dict[str, Fitted] = {}

    def save_model(self, model_id: str, source: FittedFrom, fitted: Fitted) -> str:
        """Write a model and return its path, relative to the root. ``fitted`` stays in memory."""
        path = self._path("models", model_id)
        write_atomically(path, source.to_json())
        self._keep(model_id, fitted)
        return path.relative_to(self._root).as_posix()

    def classifier(self, model_id: str) -> Fitted:
        """Return the fitted classifier of a model. The latest ones stay in memory.

        Raises:
            NotFoundError: no such model.
        """
        found = self._fitted.get(model_id)
        if found is None:
            found = FittedFrom.from_json(self._read("models", model_id)).fit()
            self._keep(model_id, found)
        return found

    def _keep(self, model_id: str, fitted: Fitted) -> None:
        self._fitted[model_id] = fitted
        for oldest in list(self._fitted)[:-KEPT]:
            self._fitted.pop(oldest, None)  # another thread may have been faster

    def save_deployment(self, deployment: Deployment) -> None:
        """Write a deployment."""
        write_atomically(self._path("deployments", deployment.id), deployment.to_json())

    def deployment(self, deployment_id: str) -> Deployment:
        """Return a deployment.

        Raises:
            NotFoundError: no such deployment.
        """
        return Deployment.from_json(self._read("deployments", deployment_id))

    def deployments(self) -> Sequence[Deployment]:
        """Return all deployments, oldest first."""
        files = (self._root / "deployments").glob("[!.]*.json")
        found = [Deployment.from_json(path.read_text(encoding="utf-8")) for path in files]
        return sorted(found, key=lambda deployment: deployment.created_at)

    def remove_deployment(self, deployment_id: str) -> None:
        """Remove a deployment, if it is there."""
        if deployment_id.isalnum():  # an id is never part of a path
            self._path("deployments", deployment_id).unlink(missing_ok=True)

    def _path(self, kind: str, record_id: str) -> Path:
        return self._root / kind / f"{record_id}.json"

    def _read(self, kind: str, record_id: str) -> str:
        path = self._path(kind, record_id)
        if not record_id.isalnum() or not path.is_file():
            raise NotFoundError(
                f"backend 'sklearn' has no {kind.removesuffix('s')} {record_id!r} in its store; "
                "check option 'store', or tune and deploy again"
            )
        return path.read_text(encoding="utf-8")
