"""Asks the models for text and for label probabilities, and makes predictions of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from tunesmith.errors import UnsupportedError
from tunesmith.evaluation.calibration import Part, ScoredRow
from tunesmith.evaluation.readings import probabilities_of
from tunesmith.methods import render
from tunesmith.pipeline.prompts import BasePrompts
from tunesmith.progress import SILENT, Progress
from tunesmith.records import (
    Classification,
    Deployment,
    Generation,
    ModelRole,
    Prediction,
    Reading,
    Row,
    decided,
)

if TYPE_CHECKING:
    from tunesmith.backend import Backend, Target
    from tunesmith.labels import LabelSet
    from tunesmith.spec import TuningSpec

S = TypeVar("S")
T = TypeVar("T")
Note = Callable[[str], None]
"""Takes a sentence for the notes of the run."""

CHUNK = 64
"""Rows per call: enough for any batching, few enough for a progress bar that moves."""


def predict_tuned(
    spec: TuningSpec,
    backend: Backend,
    rows: Sequence[Row],
    deployment: Deployment,
    progress: Progress = SILENT,
    note: Note = lambda text: None,
    answer: Reading = "text",
) -> list[Prediction]:
    """Ask the tuned model; the backend applies the template of its method.

    Args:
        spec: the labels and the generation parameters.
        backend: the backend of the deployment.
        rows: the rows to predict.
        deployment: of the tuned model.
        progress: gets the progress.
        note: takes notes for the run.
        answer: the reading of each prediction's label.
    """
    inputs = [row.input for row in rows]
    generations = _in_chunks(
        inputs,
        lambda part: backend.predictor.generate(deployment, part, spec.generation),
        progress,
    )
    _note_cuts(generations, "tuned", note)
    shares = None
    if backend.capabilities(spec.base_model).label_scores:
        shares = classify(backend, deployment, inputs, spec.labels, progress)
    prompts = [render(spec.method.input_template, text) for text in inputs]
    return list(_predictions("tuned", rows, prompts, generations, shares, spec, answer))


def predict_base(
    spec: TuningSpec,
    backend: Backend,
    rows: Sequence[Row],
    prompts: BasePrompts,
    progress: Progress = SILENT,
    note: Note = lambda text: None,
    answer: Reading = "text",
) -> list[Prediction]:
    """Ask the untuned model, which reads one of ``prompts`` for each row.

    The other arguments are those of :func:`predict_tuned`.
    """
    name, params, ask = spec.base_model, spec.generation, backend.predictor
    if prompts.conversations is None:
        generations = _in_chunks(
            prompts.texts, lambda part: ask.generate(name, part, params), progress
        )
    else:
        generations = _in_chunks(
            prompts.conversations, lambda part: ask.chat(name, part, params), progress
        )
    _note_cuts(generations, "base", note)
    shares = None
    if prompts.conversations is None and backend.capabilities(name).base_label_scores:
        shares = _base_shares(spec, backend, prompts.texts, progress, note, answer)
    return list(_predictions("base", rows, prompts.texts, generations, shares, spec, answer))


def _base_shares(
    spec: TuningSpec,
    backend: Backend,
    texts: Sequence[str],
    progress: Progress,
    note: Note,
    answer: Reading,
) -> list[Classification] | None:
    """Return the label probabilities; None if they cost money and the verdict needs none."""
    name, labels = spec.base_model, spec.labels
    if answer == "decision":
        return classify(backend, name, texts, labels, progress)
    if backend.capabilities(name).costs_money:
        note(
            "the untuned model's decision was not measured: it would cost a request for each row "
            "and label; method.name=zero_shot with answer=decision measures it"
        )
        return None
    try:
        return classify(backend, name, texts, labels, progress)
    except UnsupportedError as error:
        note(f"the untuned model's decision was not measured: {error}")
        return None


def classify(
    backend: Backend,
    target: Target,
    inputs: Sequence[str],
    labels: LabelSet,
    progress: Progress = SILENT,
) -> list[Classification]:
    """Return how probable each label is for each input, by label.

    Raises:
        PredictionError: a probability is not a number.
    """
    texts = {name: name if isinstance(target, Deployment) else labels.surface(name)
             for name in labels}  # fmt: skip
    return _in_chunks(
        inputs,
        lambda part: [
            probabilities_of(one, texts, backend.name)
            for one in backend.predictor.classify(target, part, list(texts.values()))
        ],
        progress,
    )


def scored_rows(
    part: Part, model: ModelRole, rows: Sequence[Row], shares: Sequence[Classification]
) -> list[ScoredRow]:
    """Return the rows of ``part`` with what ``model`` found for them."""
    return [
        ScoredRow(
            part=part,
            model=model,
            row=index,
            expected=row.output,
            label=decided(one.probabilities),
            probabilities=one.probabilities,
        )
        for index, (row, one) in enumerate(zip(rows, shares, strict=True))
    ]


def _in_chunks(
    inputs: Sequence[S], ask: Callable[[Sequence[S]], list[T]], progress: Progress
) -> list[T]:
    answers: list[T] = []
    for start in range(0, len(inputs), CHUNK):
        answers += ask(inputs[start : start + CHUNK])
        progress.predicted(len(answers), len(inputs))
    return answers


def _note_cuts(generations: Sequence[Generation], model: ModelRole, note: Note) -> None:
    cut = sum(generation.truncated for generation in generations)
    if cut:
        note(f"{cut} of {len(generations)} inputs were cut from the left for the {model} model")


def _predictions(
    model: ModelRole,
    rows: Sequence[Row],
    prompts: Sequence[str],
    generations: Sequence[Generation],
    shares: Sequence[Classification] | None,
    spec: TuningSpec,
    answer: Reading,
) -> Iterator[Prediction]:
    for index, (row, prompt, generation) in enumerate(zip(rows, prompts, generations, strict=True)):
        written = Prediction(
            row=index,
            model=model,
            input=row.input,
            prompt=prompt if generation.prompt is None else generation.prompt,
            text=generation.text,
            label=spec.labels.parse(generation.text),
            expected=row.output,
            probabilities=None if shares is None else shares[index].probabilities,
            input_tokens=generation.input_token_count,
            generated_tokens=generation.generated_token_count,
        )
        yield written.read_as(answer) or written
