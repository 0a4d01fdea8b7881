"""The tokens with which an untuned model would write each label, and their probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunesmith.dataset import stratified_sample
from tunesmith.methods import render
from tunesmith.pipeline.prompts import full_template
from tunesmith.records import LabelTokens, Row

if TYPE_CHECKING:
    from tunesmith.backend import Backend
    from tunesmith.spec import TuningSpec

ROWS = 16
"""Training rows over whose prompts the probabilities are averaged."""
UNLIKELY = 0.01
"""Below this share of all continuations, the labels do not fit the model."""


def label_uses(spec: TuningSpec, backend: Backend, train: Sequence[Row]) -> dict[str, LabelTokens]:
    """Return the tokens and the mean probability of each label after a few training rows.

    Empty if the base model has no label scores here, or if every row would cost a request.

    Raises:
        ExperimentError: the base model cannot write a label.
    """
    capabilities = backend.capabilities(spec.base_model)
    if not capabilities.base_label_scores or capabilities.remote:
        return {}
    template = full_template(spec, backend, train)
    if template is None:
        return {}
    rows = stratified_sample(train, ROWS, spec.seed)
    prompts = [render(template, row.input) for row in rows]
    texts = [spec.labels.surface(name) for name in spec.labels]
    found = backend.predictor.label_tokens(spec.base_model, prompts, texts)
    return dict(zip(spec.labels, (found[text] for text in texts), strict=True))


def unlikely(uses: Mapping[str, LabelTokens]) -> list[str]:
    """Return a sentence if the model would hardly ever write one of the labels, or nothing."""
    mass = sum(use.mass for use in uses.values())
    if not uses or mass >= UNLIKELY:
        return []
    return [
        f"the untuned model would write one of the labels in {mass:.2%} of all continuations: "
        "other label words, or another end of the template, may suit it better; "
        "'tunesmith init' compares some"
    ]
