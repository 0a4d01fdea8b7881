"""Asks the models and turns their text into labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tunesmith.calibration import Part, ScoredRow
from tunesmith.dataset import few_shot_examples
from tunesmith.labels import LabelSet
from tunesmith.methods import PLACEHOLDER, FewShot, Method, render
from tunesmith.progress import SILENT, Progress
from tunesmith.records import Deployment, Generation, ModelRole, Prediction, Row

if TYPE_CHECKING:
    from tunesmith.backend import Backend, GenerationParams, Target
    from tunesmith.experiment import Experiment

Note = Callable[[str], None]
"""Takes a sentence that the run's readers must know."""

CHUNK = 64
"""Rows per call: enough for any batching, few enough for a progress bar that moves."""


def hard_prompt(method: Method, train: Sequence[Row], labels: LabelSet, seed: int) -> str:
    """Return the template that a prompting method puts around each input."""
    if not isinstance(method, FewShot):
        return method.input_template
    examples = few_shot_examples(train, labels, method.examples_per_label, seed)
    solved = (
        render(method.template, row.input) + labels.surface(str(row.output)) + method.separator
        for row in examples
    )
    return "".join(solved) + method.template


def predict_tuned(
    experiment: Experiment,
    backend: Backend,
    rows: Sequence[Row],
    deployment: Deployment,
    progress: Progress = SILENT,
    note: Note = lambda text: None,
) -> list[Prediction]:
    """Ask the tuned model; whoever serves it applies the template of its method."""
    inputs = [row.input for row in rows]
    generations = _generate(backend, deployment, inputs, experiment.generation, progress)
    _note_cuts(generations, "tuned", note)
    prompts = [render(experiment.method.input_template, text) for text in inputs]
    return _predictions("tuned", rows, prompts, generations, experiment.labels)


def predict_base(
    experiment: Experiment,
    backend: Backend,
    rows: Sequence[Row],
    train: Sequence[Row],
    progress: Progress = SILENT,
    note: Note = lambda text: None,
) -> list[Prediction]:
    """Ask the untuned model."""
    prompts = base_prompts(experiment, rows, train)
    generations = _generate(
        backend, experiment.base_model, prompts, experiment.generation, progress
    )
    _note_cuts(generations, "base", note)
    return _predictions("base", rows, prompts, generations, experiment.labels)


def base_prompts(experiment: Experiment, rows: Sequence[Row], train: Sequence[Row]) -> list[str]:
    """Return what the untuned model reads for each row.

    Beside a tuning method it gets exactly the row's input, as in the tutorial; a prompting method
    gives it its hard prompt.
    """
    template = PLACEHOLDER
    if not experiment.method.tunes:
        template = hard_prompt(experiment.method, train, experiment.labels, experiment.seed)
    return [render(template, row.input) for row in rows]


def classify_tuned(
    experiment: Experiment,
    backend: Backend,
    part: Part,
    rows: Sequence[Row],
    deployment: Deployment,
    progress: Progress = SILENT,
) -> list[ScoredRow]:
    """Ask the tuned model how probable each label is for each row of ``part``."""
    scored: list[ScoredRow] = []
    for start in range(0, len(rows), CHUNK):
        inputs = [row.input for row in rows[start : start + CHUNK]]
        found = backend.predictor.classify(deployment, inputs, experiment.labels)
        scored += [
            _scored(part, start + place, rows[start + place], one.probabilities)
            for place, one in enumerate(found)
        ]
        progress.predicted(len(scored), len(rows))
    return scored


def _scored(part: Part, index: int, row: Row, probabilities: dict[str, float]) -> ScoredRow:
    return ScoredRow(
        part=part,
        row=index,
        expected=row.output,
        label=max(probabilities, key=probabilities.__getitem__),
        probabilities=probabilities,
    )


def _generate(
    backend: Backend,
    target: Target,
    inputs: Sequence[str],
    params: GenerationParams,
    progress: Progress,
) -> list[Generation]:
    generations: list[Generation] = []
    for start in range(0, len(inputs), CHUNK):
        part = inputs[start : start + CHUNK]
        generations += backend.predictor.generate(target, part, params)
        progress.predicted(len(generations), len(inputs))
    return generations


def _note_cuts(generations: Sequence[Generation], model: ModelRole, note: Note) -> None:
    cut = sum(generation.truncated for generation in generations)
    if cut:
        note(f"{cut} of {len(generations)} inputs were cut from the left for the {model} model")


def _predictions(
    model: ModelRole,
    rows: Sequence[Row],
    prompts: Sequence[str],
    generations: Sequence[Generation],
    labels: LabelSet,
) -> list[Prediction]:
    return [
        Prediction(
            row=index,
            model=model,
            input=row.input,
            prompt=prompt if generation.prompt is None else generation.prompt,
            text=generation.text,
            label=labels.parse(generation.text),
            expected=row.output,
            input_tokens=generation.input_token_count,
            generated_tokens=generation.generated_token_count,
        )
        for index, (row, prompt, generation) in enumerate(
            zip(rows, prompts, generations, strict=True)
        )
    ]
