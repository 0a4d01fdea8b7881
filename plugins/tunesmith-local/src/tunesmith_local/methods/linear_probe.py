"""A linear probe: logistic regression on hidden states of the frozen base model.

Alain and Bengio 2016, arXiv:1610.01644. The base model reads each text once; a row is the hidden
states of the last layer, pooled to one vector (:mod:`tunesmith_local.engine.features`). Nothing
follows a gradient, and a tuned model answers with the text of its most probable label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from tunesmith.errors import DatasetError, ExperimentError
from tunesmith.labels import numbered
from tunesmith.methods import PLACEHOLDER, ReadByModel, check_template
from tunesmith_local.methods.method import Trained, TrainingRun, TuningMethod
from tunesmith_local.methods.prepared import Prepared

if TYPE_CHECKING:
    import torch

    from tunesmith.labels import LabelSet
    from tunesmith.records import Row
    from tunesmith.spec import GenerationParams
    from tunesmith_local.engine.encoding import EncodedPrompt
    from tunesmith_local.methods.probe import Probe, TunedProbe
    from tunesmith_local.methods.tuned import AdapterFiles
    from tunesmith_local.model.loading import BaseLM

_STRENGTHS = (0.0001, 0.001, 0.01, 0.1, 1.0)
_FOLDS = 5
_FALLBACK = 0.01
"""If a label has too few rows for two folds."""
_BATCH_SIZE = 32


class LinearProbe(ReadByModel):
    """Logistic regression on the hidden states of the frozen base model; nothing goes through it.

    Alain and Bengio 2016, arXiv:1610.01644. It uses only what the base model has already: a tuning
    that does not beat it added nothing.
    """

    name: ClassVar[str] = "linear_probe"
    tunes: ClassVar[bool] = True

    verbalizer: str = PLACEHOLDER
    """The input template, applied at training and at inference."""
    max_input_tokens: Annotated[int, Field(ge=1)] = 256
    """Limit after the template, in tokens; what exceeds it is cut from the left of the input."""
    pooling: Literal["mean", "last"] = "mean"
    """From the last layer's states to one vector: their mean over the text, or the last token's."""
    c: Annotated[float, Field(ge=0.000001, le=1000)] | None = None
    """Inverse strength of the L2 penalty; by default cross-validation on the training rows chooses
    one of 0.0001, 0.001, 0.01, 0.1 and 1."""

    @model_validator(mode="after")
    def _check_verbalizer(self) -> LinearProbe:
        check_template(self.verbalizer, "verbalizer")
        return self

    @property
    def input_template(self) -> str:
        """The verbalizer."""
        return self.verbalizer


@dataclass(frozen=True, eq=False, kw_only=True)
class ProbeRows(Prepared):
    """Encoded training rows with their labels."""

    settings: LinearProbe
    labels: LabelSet
    seed: int
    train: list[EncodedPrompt]
    given: list[str]
    """The label of each training row."""
    validated: bool
    """Whether there are validation rows, which a probe does not use."""

    @property
    def truncated_rows(self) -> int:
        """Training rows whose input was cut."""
        return sum(prompt.truncated for prompt in self.train)


@dataclass(frozen=True, eq=False)
class FittedProbe:
    """A probe with facts and notes for its record."""

    base: BaseLM
    probe: Probe
    facts: dict[str, Any]
    notes: tuple[str, ...] = ()

    def save(self, directory: Path) -> None:
        """Write the probe into an empty directory."""
        from tunesmith_local.methods.probe import write_probe

        write_probe(self.probe, directory)


class LinearProbeMethod(TuningMethod[LinearProbe, ProbeRows]):
    """Reads the training rows once and fits."""

    settings = LinearProbe
    weights_file = "linear_probe.safetensors"

    def check_generation(self, params: GenerationParams) -> None:
        """Refuse parameters that a classifier, which chooses among whole labels, cannot honor."""
        from tunesmith_local.methods.probe import check_parameters

        check_parameters(params)

    def prepare(
        self,
        base: BaseLM,
        settings: LinearProbe,
        labels: LabelSet,
        seed: int,
        train: Sequence[Row],
        validation: Sequence[Row] | None,
    ) -> ProbeRows:
        """Check settings and rows, and encode the training rows.

        The validation rows are checked and left alone: nothing is stopped early, and ``c`` is
        chosen on training rows, so they stay fit for calibration.

        Raises:
            ExperimentError: the settings cannot work with this base model.
            DatasetError: a row is empty or has no label of ``labels``, or all have the same.
        """
        from tunesmith_local.methods.preparation import check_rows, encode_rows
        from tunesmith_local.model.chat_templates import template_of

        check_rows(labels, train, validation)
        _check(base, settings, train)
        template = template_of(base, settings)
        encoded = encode_rows(base, template, settings.max_input_tokens, train)
        for index, prompt in enumerate(encoded):
            if not prompt.token_ids:
                raise DatasetError(
                    f"train row {index}: the input is empty: it has no tokens to read"
                )
        return ProbeRows(
            settings=settings,
            labels=labels,
            seed=seed,
            train=encoded,
            given=[str(row.output) for row in train],
            validated=validation is not None,
            template=template,
            max_input_tokens=settings.max_input_tokens,
        )

    def train(self, base: BaseLM, prepared: ProbeRows, run: TrainingRun) -> Trained:
        """Read the training rows and fit."""
        fitted = fit_probe(base, prepared, before_batch=run.stop_if_asked)
        run.stop_if_asked()
        return Trained(fitted, {**fitted.facts, "notes": list(fitted.notes)})

    def reads(self, files: AdapterFiles) -> bool:
        """Return whether it is a probe."""
        return files.has("linear_probe.json")

    def load(self, base: BaseLM, files: AdapterFiles) -> TunedProbe:
        """Load a probe."""
        from tunesmith_local.methods.probe import TunedProbe, read_probe

        return TunedProbe(base, files.card, read_probe(base, files.directory))


def _check(base: BaseLM, settings: LinearProbe, train: Sequence[Row]) -> None:
    limit = None if base.is_seq2seq else base.max_positions
    if limit is not None and settings.max_input_tokens > limit:
        raise ExperimentError(
            f"method.max_input_tokens is {settings.max_input_tokens}, but {base.name!r} has "
            f"{limit} positions; lower it"
        )
    if len({row.output for row in train}) < 2:
        raise DatasetError("all training rows have the same label; a probe needs rows of two")


def fit_probe(
    base: BaseLM, rows: ProbeRows, *, before_batch: Callable[[], None] = lambda: None
) -> FittedProbe:
    """Read the training rows and fit.

    Args:
        base: the base model.
        rows: the training rows, with the settings; their seed draws the folds of the
            cross-validation.
        before_batch: called before each batch of rows; an exception from it ends the fit.
    """
    from tunesmith_local.engine.features import read_features

    ids, settings = [prompt.token_ids for prompt in rows.train], rows.settings
    features = read_features(base, ids, settings.pooling, _BATCH_SIZE, before_batch=before_batch)
    c, notes = settings.c, list[str]()
    if c is None:
        c, notes = _choose_c(features, rows.given, rows.seed)
    if rows.truncated_rows:
        limit = settings.max_input_tokens
        notes.append(f"{rows.truncated_rows} rows were cut on the left to {limit} tokens")
    if rows.validated:
        notes.append("the probe does not use the validation rows; its c comes from training rows")
    facts = {
        "c": c,
        "features": features.shape[1],
        "rows": len(rows.train),
        "truncated_rows": rows.truncated_rows,
        "padding_exact": base.padding_exact,
    }
    return FittedProbe(base, _fit(features, rows, c), facts, tuple(notes))


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
    ).fit(features.double().numpy(), numbered(given)[1])
    c = float(search.best_params_["logisticregression__C"])
    return c, [f"c is {c:g}, chosen by {folds}-fold cross-validation on the training rows"]


def _classifier(c: float) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=5000))


def _fit(features: torch.Tensor, rows: ProbeRows, c: float) -> Probe:
    import torch

    from tunesmith_local.methods.probe import Probe

    names, numbers = numbered(rows.given)
    scaler, regression = _classifier(c).fit(features.double().numpy(), numbers)
    coefficients = torch.tensor(regression.coef_, dtype=torch.float64)
    intercept = torch.tensor(regression.intercept_, dtype=torch.float64)
    if len(coefficients) == 1:  # of two labels scikit-learn keeps the second, against zero
        coefficients = torch.cat([torch.zeros_like(coefficients), coefficients])
        intercept = torch.cat([torch.zeros_like(intercept), intercept])
    places = {name: place for place, name in enumerate(names)}
    seen = [label for label in rows.labels if label in places]
    order = [places[label] for label in seen]
    return Probe(
        labels={label: rows.labels.surface(label) for label in seen},
        pooling=rows.settings.pooling,
        coefficients=coefficients[order],
        intercept=intercept[order],
        mean=torch.tensor(scaler.mean_, dtype=torch.float64),
        scale=torch.tensor(scaler.scale_, dtype=torch.float64),
    )


METHOD = LinearProbeMethod()
