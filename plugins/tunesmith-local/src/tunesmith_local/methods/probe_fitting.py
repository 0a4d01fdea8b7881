"""Fits a linear probe on training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tunesmith.errors import DatasetError, ExperimentError
from tunesmith.labels import LabelSet
from tunesmith.records import Row
from tunesmith_local.engine.encoding import EncodedPrompt, encode_prompt
from tunesmith_local.methods.linear_probe import Probe, read_features, write_probe
from tunesmith_local.methods.settings import LinearProbe
from tunesmith_local.model.chat_templates import template_of
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.training.preparation import check_rows

_STRENGTHS = (0.0001, 0.001, 0.01, 0.1, 1.0)
_FOLDS = 5
_FALLBACK = 0.01
"""Where a label has too few rows for two folds."""


@dataclass(frozen=True, eq=False)
class FittedProbe:
    """A probe with what its record should say."""

    base: BaseLM
    probe: Probe
    facts: dict[str, Any]
    notes: tuple[str, ...] = field(default=())

    def save(self, directory: Path) -> None:
        """Write the probe into an empty directory."""
        write_probe(self.probe, directory)


def encode_rows(
    base: BaseLM,
    method: LinearProbe,
    labels: LabelSet,
    train: Sequence[Row],
    validation: Sequence[Row] | None,
) -> list[EncodedPrompt]:
    """Check settings and rows, and encode the training rows.

    Raises:
        ExperimentError: the settings cannot work with this base model.
        DatasetError: a row is empty or has no label of ``labels``, or all have the same.
    """
    check_rows(labels, train, validation)
    limit = None if base.is_seq2seq else base.max_positions
    if limit is not None and method.max_input_tokens > limit:
        raise ExperimentError(
            f"method.max_input_tokens is {method.max_input_tokens}, but {base.name!r} has {limit} "
            "positions; lower it"
        )
    if len({row.output for row in train}) < 2:
        raise DatasetError("all training rows have the same label; a probe needs rows of two")
    encoded = [method_prompt(base, method, row.input) for row in train]
    for index, prompt in enumerate(encoded):
        if not prompt.token_ids:
            raise DatasetError(f"train row {index}: the input is empty: it has no tokens to read")
    return encoded


def method_prompt(base: BaseLM, method: LinearProbe, text: str) -> EncodedPrompt:
    """Encode one input as the probe reads it."""
    return encode_prompt(
        base.tokenizer,
        text,
        template=template_of(base, method),
        max_tokens=method.max_input_tokens,
    )


def fit_probe(
    base: BaseLM,
    method: LinearProbe,
    labels: LabelSet,
    seed: int,
    train: Sequence[Row],
    validation: Sequence[Row] | None,
    *,
    batch_size: int = 32,
    before_batch: Callable[[], None] = lambda: None,
) -> FittedProbe:
    """Read the training rows and fit.

    The validation rows are left alone: nothing is stopped early, and ``c`` is chosen on training
    rows, so they stay fit for calibration.

    Args:
        base: the base model.
        method: the settings.
        labels: which labels count, and in which order.
        seed: draws the folds of the cross-validation.
        train: rows to fit on.
        validation: rows to check, and no more.
        batch_size: rows read at once.
        before_batch: called before each batch of rows; what it raises ends the fit.

    Raises:
        ExperimentError: as :func:`encode_rows`.
        DatasetError: as :func:`encode_rows`.
    """
    encoded = encode_rows(base, method, labels, train, validation)
    rows = [prompt.token_ids for prompt in encoded]
    features = read_features(base, rows, method.pooling, batch_size, before_batch=before_batch)
    given = [str(row.output) for row in train]
    c, notes = (method.c, []) if method.c is not None else _choose_c(features, given, seed)
    truncated = sum(prompt.truncated for prompt in encoded)
    if truncated:
        notes.append(f"{truncated} rows were cut on the left to {method.max_input_tokens} tokens")
    if validation is not None:
        notes.append("the probe does not use the validation rows; its c comes from training rows")
    facts = {
        "c": c,
        "features": features.shape[1],
        "rows": len(train),
        "truncated_rows": truncated,
        "padding_exact": base.padding_exact,
    }
    return FittedProbe(base, _fit(features, given, labels, method, c), facts, tuple(notes))


def _choose_c(features: torch.Tensor, given: list[str], seed: int) -> tuple[float, list[str]]:
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    folds = min(_FOLDS, *Counter(given).values())
    if folds < 2:
        return _FALLBACK, [f"a label has one training row: c is {_FALLBACK}, not cross-validated"]
    search = GridSearchCV(
        _classifier(1.0),
        {"logisticregression__C": _STRENGTHS},
        scoring="neg_log_loss",
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
        refit=False,
    ).fit(features.double().numpy(), given)
    c = float(search.best_params_["logisticregression__C"])
    return c, [f"c is {c:g}, chosen by {folds}-fold cross-validation on the training rows"]


def _classifier(c: float) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=5000))


def _fit(
    features: torch.Tensor, given: list[str], labels: LabelSet, method: LinearProbe, c: float
) -> Probe:
    scaler, regression = _classifier(c).fit(features.double().numpy(), given)
    coefficients = torch.tensor(regression.coef_, dtype=torch.float64)
    intercept = torch.tensor(regression.intercept_, dtype=torch.float64)
    if len(coefficients) == 1:  # of two labels scikit-learn keeps the second, against zero
        coefficients = torch.cat([torch.zeros_like(coefficients), coefficients])
        intercept = torch.cat([torch.zeros_like(intercept), intercept])
    places = {str(label): place for place, label in enumerate(regression.classes_)}
    seen = [label for label in labels if label in places]
    order = [places[label] for label in seen]
    return Probe(
        labels={label: labels.surface(label) for label in seen},
        pooling=method.pooling,
        coefficients=coefficients[order],
        intercept=intercept[order],
        mean=torch.tensor(scaler.mean_, dtype=torch.float64),
        scale=torch.tensor(scaler.scale_, dtype=torch.float64),
    )
