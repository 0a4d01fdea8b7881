"""One check, before anything runs: every label can be the answer, in every reading of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tunesmith.backend import Backend
from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.evaluation.readings import READINGS
from tunesmith.methods import PLACEHOLDER, ZeroShot, render
from tunesmith.pipeline.prompts import full_template
from tunesmith.records import BaseInput, Reading, Row
from tunesmith.spec import TuningSpec

LeftOut = Mapping[Reading, str]
"""The reading that is left out, if there is one, with the reason."""


def check_readings(
    spec: TuningSpec,
    backend: Backend,
    inputs: Sequence[str],
    train: Sequence[Row],
    answer: Reading,
    base_input: BaseInput = "same",
) -> LeftOut:
    """Refuse labels that cannot be the answer in the reading ``answer``.

    Args:
        spec: the settings.
        backend: with the base model.
        inputs: those that the models will be asked about.
        train: rows for solved examples.
        answer: the reading on which the verdict is based.
        base_input: the input of the untuned model beside a tuned one.

    Returns:
        The other reading, if a label cannot be the answer in it.

    Raises:
        ExperimentError: names the setting that is in the way, and the remedy.
        UnsupportedError: the backend has no label scores for such labels.
    """
    can = backend.capabilities(spec.base_model)
    models = list(_models(spec, backend, train, base_input))
    scores = can.label_scores or can.base_label_scores
    if None in (template for _, template in models):
        # The service renders the conversation: no text is there to score a label after.
        answer, scores = "text", False
    left_out: dict[Reading, str] = {}
    for reading in READINGS if scores else ("text",):
        try:
            for model, template in models:
                writes = can.inference if model.method.tunes else can.base_inference
                if reading == "text" and not writes:
                    raise UnsupportedError(
                        f"answer: text: {spec.base_model!r} writes no text on backend "
                        f"{backend.name!r}, it only decides; set answer: decision"
                    )
                prompts = [] if template is None else [render(template, text) for text in inputs]
                backend.predictor.check_answers(model, prompts, reading)
        except (ExperimentError, UnsupportedError) as error:
            bare = "; or set base_input=same" if model.method.tunes < spec.method.tunes else ""
            if reading == answer:
                raise type(error)(f"{error}{bare}") from None
            left_out[reading] = f"{error}{bare}"
    return left_out


def notes(left_out: LeftOut) -> tuple[str, ...]:
    """Return a sentence about the reading that is left out."""
    return tuple(f"the {name} reading was left out: {why}" for name, why in left_out.items())


def _models(
    spec: TuningSpec, backend: Backend, train: Sequence[Row], base_input: BaseInput
) -> Iterator[tuple[TuningSpec, str | None]]:
    """Yield each model with its whole template; None if only the service renders it."""
    ways = [spec]
    if getattr(spec.method, "chat", False) == "auto":  # either way may be chosen
        chat = backend.capabilities(spec.base_model).chat
        ways = [spec.asked_in(way) for way in ((True, False) if chat else (False,))]
    for way in ways:
        template = full_template(way, backend, train)
        if template is not None or not spec.method.tunes:  # else it is tuned on plain text
            yield way, template
    if spec.method.tunes and base_input == "bare":
        yield spec.model_copy(update={"method": ZeroShot()}), PLACEHOLDER
