"""Asks the models for text and for label probabilities, and makes predictions of both."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import TypeVar

from tunesmith.backend import Backend, Target
from tunesmith.errors import UnsupportedError
from tunesmith.evaluation.readings import probabilities_of
from tunesmith.labels import LabelSet
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
)
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
    left_out: Container[Reading] = (),
) -> list[Prediction]:
    """Ask the tuned model; the backend applies the template of its method.

    ``note`` takes notes for the run, and ``answer`` is the reading of each prediction's label. The
    reading ``left_out`` is not asked for.
    """
    inputs = [row.input for row in rows]
    ask = backend.predictor.generate
    prompts = [render(spec.method.input_template, text) for text in inputs]
    found = None
    if "text" in left_out:
        prompts = backend.predictor.prompts(deployment, inputs)
    else:
        found = in_chunks(inputs, lambda part: ask(deployment, part, spec.generation), progress)
        _note_cuts(found, "tuned", note)
    shares = None
    if "decision" not in left_out and backend.capabilities(spec.base_model).label_scores:
        shares = classify(backend, deployment, inputs, spec.labels, progress)
    return _predictions("tuned", rows, prompts, found, shares, spec, answer)


def predict_base(
    spec: TuningSpec,
    backend: Backend,
    rows: Sequence[Row],
    prompts: BasePrompts,
    progress: Progress = SILENT,
    note: Note = lambda text: None,
    answer: Reading = "text",
    left_out: Container[Reading] = (),
) -> list[Prediction]:
    """Ask the untuned model, which reads one of ``prompts`` for each row; see `predict_tuned`."""
    name, params, ask = spec.base_model, spec.generation, backend.predictor
    texts, turns, found = prompts.texts, prompts.conversations, None
    can = backend.capabilities(name)
    if turns is not None:
        found = in_chunks(turns, lambda part: ask.chat(name, part, params), progress)
    elif "text" not in left_out and can.base_inference:
        found = in_chunks(texts, lambda part: ask.generate(name, part, params), progress)
    _note_cuts(found or (), "base", note)
    shares = None
    if turns is None and can.base_label_scores and "decision" not in left_out:
        needed = answer == "decision"
        if can.costs_money and not needed:
            note(
                "the untuned model's decision was not measured: it would cost a request for each "
                "row and label; method.name=zero_shot with answer=decision measures it"
            )
        else:
            try:
                shares = classify(backend, name, texts, spec.labels, progress)
            except UnsupportedError as error:
                if needed:
                    raise
                note(f"the untuned model's decision was not measured: {error}")
    return _predictions("base", rows, texts, found, shares, spec, answer)


def classify(
    backend: Backend,
    target: Target,
    inputs: Sequence[str],
    labels: LabelSet,
    progress: Progress = SILENT,
) -> list[Classification]:
    """Return the probability of each label for each input, by label.

    Raises:
        PredictionError: a probability is not a number.
    """
    texts = {name: name if isinstance(target, Deployment) else labels.surface(name)
             for name in labels}  # fmt: skip

    def ask(part: Sequence[str]) -> Iterator[Classification]:
        for one in backend.predictor.classify(target, part, list(texts.values())):
            yield probabilities_of(one, texts, backend.name)

    return in_chunks(inputs, ask, progress)


def in_chunks(
    inputs: Sequence[S], ask: Callable[[Sequence[S]], Iterable[T]], progress: Progress
) -> list[T]:
    """Return the answers of ``ask``, which gets some of ``inputs`` at a time."""
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
    generations: Sequence[Generation] | None,
    shares: Sequence[Classification] | None,
    spec: TuningSpec,
    answer: Reading,
) -> list[Prediction]:
    found = []
    for index, (row, prompt) in enumerate(zip(rows, prompts, strict=True)):
        written = Prediction(
            row=index,
            model=model,
            input=row.input,
            prompt=prompt,
            text=None,
            label=None,
            expected=row.output,
            probabilities=None if shares is None else shares[index].probabilities,
        )
        if generations is not None:
            written = _with_text(written, generations[index], spec.labels)
        found.append(written.read_as(answer) or written)
    return found


def _with_text(answer: Prediction, written: Generation, labels: LabelSet) -> Prediction:
    return answer.model_copy(
        update={
            "prompt": answer.prompt if written.prompt is None else written.prompt,
            "text": written.text,
            "label": labels.parse(written.text),
            "input_tokens": written.input_token_count,
            "generated_tokens": written.generated_token_count,
        }
    )
