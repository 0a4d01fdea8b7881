"""Computes the numbers of a proof from its runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from statistics import mean
from typing import Any

from tunesmith.evaluation.comparison import compare_seeds
from tunesmith.evaluation.statistics import ALPHA, holm
from tunesmith.pipeline.wording import Choice
from tunesmith.records import Prediction
from tunesmith.runs.provenance import git_state

from . import errors_left, headlines
from .choosing import best
from .running import Done
from .steps import EMBEDDINGS, INIT, TITLES, TUNED

LIBRARIES = ("tunesmith", "torch", "transformers", "peft", "tokenizers", "scikit-learn")
CHEAP = ("majority", "tfidf_logreg")
"""The baselines of every run, with which its headline compares it."""
COMPARED = (
    *CHEAP, EMBEDDINGS, "zero_shot", "zero_shot_chat", "zero_shot_chosen", "few_shot",
)  # fmt: skip
"""The methods with which prompt tuning is compared; with the settings of ``tunesmith init`` it is
compared with those written by hand too."""


def of_data_set(title: str, done: Sequence[Done], rows: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of one data set."""
    answers = {name: _answers(done, name) for name in TITLES}
    return {
        "title": title,
        **rows,
        "methods": {name: _method(done, name) for name in TITLES if _of(done, name)},
        "failed": {d.step.name: d.error for d in done if d.error},
        "against": {name: _against(name, answers) for name in (TUNED, INIT) if answers[name]},
        "settings": [_chosen_settings(d) for d in _of(done, INIT)],
        "runs": [_run(d, answers) for d in done if d.run],
        "choice": next((_wording(d.choice) for d in done if d.choice), None),
        "errors_left": _left(answers[INIT] or answers[TUNED]),
    }


def _wording(choice: Choice) -> dict[str, Any]:
    return {
        "experiment": best(choice),
        "rows": choice.rows,
        "correct": choice.best.correct,
        "tried": [one.model_dump(mode="json") for one in choice.tried],
    }


def _left(answers: Sequence[Sequence[Prediction]]) -> dict[str, Any] | None:
    return asdict(errors_left.commonest_error(answers[0])) if answers else None


def _chosen_settings(done: Done) -> dict[str, Any]:
    """Return what the backend chose in one tuning, and the time of search and tuning."""
    assert done.run is not None  # see _of
    record = done.run.record
    assert record.model is not None  # the run is finished
    return {
        "seed": done.step.seed,
        "choices": [one.model_dump(mode="json") for one in record.model.choices],
        "search_seconds": sum(one.seconds for one in record.model.choices),
        "tune_seconds": record.seconds["tune"],
    }


def _of(done: Sequence[Done], title: str) -> list[Done]:
    return [d for d in done if d.step.title == title and d.run is not None]


def _answers(done: Sequence[Done], title: str) -> list[list[Prediction]]:
    return [d.run.answers() for d in _of(done, title) if d.run]


def _method(done: Sequence[Done], title: str) -> dict[str, Any]:
    records = [(d, d.run.record) for d in _of(done, title) if d.run]
    found = [record.evaluations[record.primary] for _, record in records]
    return {
        "title": TITLES[title],
        "accuracy": mean(e.accuracy for e in found),
        "accuracies": [e.accuracy for e in found],
        "interval": list(found[0].accuracy_interval),
        "f1_macro": mean(e.f1_macro for e in found),
        "rows": found[0].rows,
        "unparsable": [e.unparsable for e in found],
        "answer": records[0][1].answer,
        "text_accuracy": _text_accuracy(record for _, record in records),
        "seeds": [d.step.seed for d, _ in records],
        "seconds": mean(sum(record.seconds.values()) for _, record in records),
    }


def _text_accuracy(records: Iterable[Any]) -> float | None:
    others = [record.other_reading for record in records]
    if any(other is None or other.answer != "text" for other in others):
        return None
    primary = "tuned" if "tuned" in others[0].evaluations else "base"
    return float(mean(other.evaluations[primary].accuracy for other in others))


def _against(title: str, answers: Mapping[str, Sequence[Sequence[Prediction]]]) -> dict[str, Any]:
    """Compare prompt tuning, all seeds together, with each other method; Holm over all of them."""
    own, compared = answers[title], {}
    for name in (*COMPARED, *([TUNED] if title == INIT else [])):
        if found := answers[name]:
            theirs = found if len(found) == len(own) else [found[0]] * len(own)
            compared[name] = compare_seeds(own, theirs, (title, name))
    corrected = holm([c.p_value for c in compared.values()])
    return {
        name: {
            "difference": c.difference,
            "p": c.p_value,
            "corrected_p": p,
            "verdict": _verdict(c.difference, p),
        }
        for (name, c), p in zip(compared.items(), corrected, strict=True)
    }


def _verdict(difference: float, p: float) -> str:
    if p >= ALPHA:
        return "not established"
    return "established" if difference > 0 else "wrong direction"


def _run(done: Done, answers: Mapping[str, Sequence[Sequence[Prediction]]]) -> dict[str, Any]:
    run = done.run
    assert run is not None  # see of_data_set
    report = json.loads((run.directory / "report.json").read_text(encoding="utf-8"))
    line = f"{report['headline']['lead']} {report['headline']['sentence']}"
    own = headlines.right_by_scores(run.answers())
    rivals = _rivals(done, answers)
    return {
        "step": done.step.name,
        "backend": done.step.backend,
        "seed": done.step.seed,
        "headline": line,
        "overturned": headlines.overturned(line, own, rivals) if own else None,
        "labels_in_other_words": errors_left.counted_kinds(run),
        "not_mended": errors_left.uncorrected(run),
        "method": run.record.experiment["method"],
        "labels": run.record.experiment["labels"],
        "notes": list(run.record.notes),
        "seconds": run.record.seconds,
    }


def _rivals(
    done: Done, answers: Mapping[str, Sequence[Sequence[Prediction]]]
) -> dict[str, list[bool]]:
    """Return the rows that the opponents of a run have right: baselines and untuned model."""
    rivals = {name: headlines.right(answers[name][0]) for name in CHEAP if answers[name]}
    assert done.run is not None  # see of_data_set
    base = [p for p in done.run.predictions() if p.model == "base"]
    scored = headlines.right_by_scores(base) if done.run.record.primary == "tuned" else None
    return rivals | ({"untuned model": scored} if scored else {})


def versions() -> dict[str, str]:
    """Return the versions of the libraries."""
    return {name: version(name) for name in LIBRARIES}


def commit() -> str | None:
    """Return the commit of the code, with a plus sign if files were changed since."""
    state = git_state()
    return None if state is None else state["commit"] + ("+" if state["dirty"] else "")
