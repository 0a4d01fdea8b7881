"""Makes records of runs with given right and wrong answers, and their pages.

The test modules of the report share this; pytest collects nothing here.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from tunesmith.evaluation.calibration import Calibration, calibrate
from tunesmith.evaluation.comparison import compare
from tunesmith.evaluation.metrics import evaluate
from tunesmith.labels import LabelSet
from tunesmith.records import (
    EpochLoss,
    LearningCurve,
    ModelRole,
    Prediction,
    StepLoss,
    TunedModel,
)
from tunesmith.runs.record import Baseline, DataRecord, RunRecord

YES_NO = LabelSet.model_validate(["0", "1"])
FIVE = LabelSet.model_validate(["billing", "shipping", "quality", "website", "staff"])
HOSTILE = "Comment: <script>alert('x')</script> <img src=http://evil.example/x> \x1b[31m\u202ered"
REVIEWS = (
    "Comment: Biscuit came home calm, dry and smelling of oats. We will be back.\nSatisfaction:\n",
    "Comment: They were forty minutes late and then cut one ear shorter.\nSatisfaction:\n",
    "Comment: The owner is kind, but the drying cage frightens our old dog, and nobody seemed to "
    "notice until I asked twice.\nSatisfaction:\n",
    HOSTILE,
)
START = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)


def predictions(
    role: ModelRole, rights: str, labels: LabelSet = YES_NO, said: str | None = None
) -> list[Prediction]:
    """One for each character: ``+`` right, ``-`` another label, ``?`` unparsable."""
    names = labels.names
    made = []
    for i, mark in enumerate(rights):
        expected = names[i * 7 % len(names)]
        wrong = names[(i * 7 + 1 + i % (len(names) - 1)) % len(names)]
        text = {"+": expected, "-": wrong, "?": said or "\nI think so"}[mark]
        made.append(
            Prediction(
                row=i, model=role, input=f"{REVIEWS[i % len(REVIEWS)]}", prompt="p", text=text,
                label=labels.parse(text), expected=expected,
            )
        )  # fmt: skip
    return made


def curve(epochs: int = 12, steps: int = 3) -> LearningCurve:
    draw = random.Random(7)
    losses = [2.6 * 0.93**i + 0.12 + 0.25 * draw.random() for i in range(epochs * steps)]
    return LearningCurve(
        steps=tuple(
            StepLoss(step=i + 1, epoch=i // steps + 1, loss=loss) for i, loss in enumerate(losses)
        ),
        epochs=tuple(
            EpochLoss(
                epoch=e + 1,
                loss=sum(losses[e * steps : (e + 1) * steps]) / steps,
                validation_loss=losses[e * steps] + 0.002 * (e - 7) ** 2,
            )
            for e in range(epochs)
        ),
        best_epoch=epochs - 3,
    )


def made(
    tuned: str | None = None,
    base: str | None = None,
    cheap: str | None = None,
    labels: LabelSet = YES_NO,
    **changes: Any,
) -> tuple[RunRecord, list[Prediction]]:
    """Return the record and predictions of a run with the given right and wrong answers."""
    answers: dict[ModelRole, list[Prediction]] = {}
    if tuned:
        answers["tuned"] = predictions("tuned", tuned, labels)
    if base:
        answers["base"] = predictions("base", base, labels)
    own = answers.get("tuned") or answers["base"]
    method = {"name": "prompt_tuning" if tuned else "zero_shot", "num_epochs": 12}
    values: dict[str, Any] = {
        "name": "grooming reviews",
        "created_at": START,
        "experiment": {
            "name": "grooming reviews", "method": method, "seed": 7,
            "labels": labels.model_dump(mode="json"),
            "generation": {"decoding_method": "greedy", "max_new_tokens": 4, "top_k": None},
        },
        "backend": "local",
        "options": {"store": "runs/store", "api_key": "**********"},
        "base_model": "ibm-granite/granite-4.0-350m",
        "seed_honored": True,
        "data": {
            "train": DataRecord(source="train.json", rows=464, fingerprint="ab" * 32),
            "test": DataRecord(source="test.json", rows=len(own), fingerprint="cd" * 32),
        },
        "job_id": "job-1",
        "model": _model(labels, method) if tuned else None,
        "evaluations": {role: evaluate(given, labels) for role, given in answers.items()},
        "comparison": compare(answers["tuned"], answers["base"]) if len(answers) > 1 else None,
        "baselines": _baselines(own, cheap, labels) if cheap else (),
        "seconds": {"tune": 412.5, "deploy": 0.3, "predict tuned": 3.25, "predict base": 3.5},
        "notes": ("The init text was repeated to 100 tokens.",),
        "provenance": {
            "tunesmith": "0.1.0", "python": "3.11.9", "system": "Linux x86_64", "cpus": 2,
            "versions": {"torch": "2.13.0", "peft": "0.21.2"},
            "git": {"commit": "0123abc" * 5, "dirty": True},
        },
    }  # fmt: skip
    return RunRecord(**{**values, **changes}), [p for given in answers.values() for p in given]


def _model(labels: LabelSet, method: dict[str, Any]) -> TunedModel:
    return TunedModel(
        id="m", backend="local", base_model="ibm-granite/granite-4.0-350m", labels=labels,
        method={**method, "learning_rate": 0.3, "verbalizer": "classify {0, 1} {{input}}"},
        job_id="job-1", curve=curve(), created_at=START,
        details={"optimizer_steps": 36, "truncated_rows": 0, "device": "cpu", "notes": ["x"]},
    )  # fmt: skip


def _baselines(own: list[Prediction], cheap: str, labels: LabelSet) -> tuple[Baseline, ...]:
    first = labels.names[0]
    majority = [p.model_copy(update={"text": first, "label": first}) for p in own]
    return tuple(
        Baseline(
            method=method, evaluation=evaluate(given, labels), seconds=seconds,
            comparison=compare(own, given, (own[0].model, method)),
        )
        for method, given, seconds in (
            ("majority", majority, 0.011),
            ("tfidf_logreg", predictions("tuned", cheap, labels), 0.042),
        )
    )  # fmt: skip


def rights(rows: int, wrong: int, seed: int, mark: str = "-") -> str:
    misses = set(random.Random(seed).sample(range(rows), wrong))
    return "".join(mark if i in misses else "+" for i in range(rows))


def calibration(rows: int = 60) -> Calibration:
    """Of a model that is surer than it is right."""
    draw = random.Random(5)
    sure = [0.5 + 0.5 * draw.random() for _ in range(rows)]
    scored = [[p, 1 - p] for p in sure], [int(draw.random() > 0.9 * p) for p in sure]
    return calibrate(scored, scored, 0.8)


VARIANTS = {
    "both": made(rights(116, 4, 1), rights(116, 25, 2, "?"), rights(116, 8, 3)),
    "tuned only": made(rights(40, 5, 1)),
    "calibrated": made(rights(60, 15, 1), calibration=calibration()),
    "zero shot": made(None, rights(40, 9, 1), rights(40, 9, 1)),
    "five labels": made(
        rights(150, 20, 1), rights(150, 70, 2, "?"), rights(150, 30, 3), labels=FIVE
    ),
}  # fmt: skip


class Page(HTMLParser):
    """Collects what a page holds and refuses tags that do not close."""

    VOID = frozenset({"meta"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag not in {"span", "strong", "code", "bdi", "a", "text"}:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def values(self, *names: str) -> list[str]:
        return [str(v) for _, attrs in self.tags for k, v in attrs.items() if k in names]
