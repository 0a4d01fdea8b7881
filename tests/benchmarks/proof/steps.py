"""The steps of a proof: each is one ordinary run, most with settings written by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .rows import Files
from .sizes import DataSet, Size

LOCAL, SKLEARN = "local", "sklearn"
CHOSEN = "zero_shot_chosen"
TUNED, INIT = "prompt_tuning", "prompt_tuning_init"
EMBEDDINGS = "embeddings_logreg"
VALIDATION = 0.15
NEW_TOKENS = 10
TITLES = {
    "majority": "majority class",
    "tfidf_logreg": "TF-IDF + logistic regression",
    EMBEDDINGS: "sentence embeddings + logistic regression",
    "linear_probe": "linear probe",
    "zero_shot": "zero-shot, plain",
    "zero_shot_chat": "zero-shot, chat template",
    CHOSEN: "zero-shot, as `tunesmith init` chose",
    "few_shot": "few-shot",
    TUNED: "prompt tuning",
    INIT: "prompt tuning, as `tunesmith init` writes it",
    "lora": "LoRA",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One run of a proof."""

    data: DataSet
    title: str
    """The method; a key of ``TITLES``."""
    seed: int
    backend: str
    experiment: Mapping[str, Any]
    """Values of an ``Experiment``; of ``CHOSEN`` without template and words, of ``INIT`` those
    that are not in the file of ``tunesmith init``."""
    weight: float
    """Approximate work, in forward passes over a row."""

    @property
    def name(self) -> str:
        """Unique among the steps of a proof."""
        return f"{self.data.name}/{self.title}-{self.seed}"

    @property
    def key(self) -> str:
        """The folder of the step. Every change of a setting gives another one."""
        text = json.dumps([self.backend, self.experiment], sort_keys=True)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The data of the steps of one data set."""

    data: DataSet
    files: Files
    size: Size
    model: str
    chat: bool
    """Whether the model has a chat template."""
    train_rows: int
    test_rows: int

    def steps(self) -> Iterator[Step]:
        """Return the steps, cheap ones first."""
        yield self._cheap("majority")
        yield self._cheap("tfidf_logreg")
        yield self._cheap(EMBEDDINGS)
        yield self._asked("zero_shot", {"name": "zero_shot", "template": self.data.template})
        if self.chat:
            yield self._asked("zero_shot_chat", self._in_chat())
        yield self._asked(CHOSEN, {"name": "zero_shot"})
        yield self._asked("few_shot", self._few_shot(), longer=4)
        yield self._tuned("linear_probe", self._probe(), 0, passes=1)
        for seed in range(self.size.seeds.get(self.data.name, 1)):
            yield self._tuned(TUNED, self._prompt(), seed, passes=3 * self.size.epochs)
        for seed in range(self.size.init_seeds):
            yield self._as_init(seed)
        if self.data.name in self.size.lora:
            yield self._tuned("lora", self._lora(), 0, passes=4 * self.size.epochs)

    def labels(self) -> dict[str, list[str]]:
        """Return the labels, each with the words that a model would write for it."""
        return {label: [spoken(label)] for label in self.files.labels}

    def _values(self, method: Mapping[str, Any], seed: int) -> dict[str, Any]:
        return {
            "name": f"{self.data.name} {method['name']}",
            "base_model": self.model,
            "method": dict(method),
            "labels": self.labels(),
            "data": {"train": str(self.files.train), "test": str(self.files.test)},
            "seed": seed,
        }

    def _written(self, values: dict[str, Any]) -> dict[str, Any]:
        # Enough for every label and for the beginning of other answers; more would cost time.
        return {**values, "generation": {"max_new_tokens": NEW_TOKENS}}

    def _cheap(self, name: str) -> Step:
        values = self._values({"name": name}, 0)
        return Step(self.data, name, 0, SKLEARN, values, weight=0)

    def _asked(self, title: str, method: Mapping[str, Any], longer: int = 1) -> Step:
        values = self._written(self._values(method, 0))
        return Step(self.data, title, 0, LOCAL, values, weight=3 * longer * self.test_rows)

    def _tuned(self, title: str, method: Mapping[str, Any], seed: int, passes: int) -> Step:
        values = self._written(self._values(method, seed))
        values["data"]["validation"] = VALIDATION
        weight = passes * self.train_rows + 6 * self.test_rows
        return Step(self.data, title, seed, LOCAL, values, weight)

    def _as_init(self, seed: int) -> Step:
        values = self._values({"name": TUNED}, seed)
        del values["method"]
        # With a search that costs as much as the tuning.
        weight = 6 * self.size.epochs * self.train_rows + 6 * self.test_rows
        return Step(self.data, INIT, seed, LOCAL, values, weight)

    def _in_chat(self) -> dict[str, Any]:
        words = [form for forms in self.labels().values() for form in forms]
        question = self.data.question.replace("{{labels}}", ", ".join(words))
        return {"name": "zero_shot", "template": question, "chat": True}

    def _few_shot(self) -> dict[str, Any]:
        shots = self.data.examples_per_label
        return {"name": "few_shot", "template": self.data.template, "examples_per_label": shots}

    def _probe(self) -> dict[str, Any]:
        return {"name": "linear_probe", "verbalizer": self.data.template}

    def _prompt(self) -> dict[str, Any]:
        return {
            **self._gradient("prompt_tuning"),
            "num_virtual_tokens": 20,
            "learning_rate": 0.3,
            "init_method": "text",
            "init_text": f"Classify the text. Answer with {', '.join(self.labels())}.",
        }

    def _lora(self) -> dict[str, Any]:
        return {**self._gradient("lora"), "learning_rate": 0.0005, "rank": 8}

    def _gradient(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "verbalizer": self.data.template,
            "num_epochs": self.size.epochs,
            "batch_size": 8,
            "accumulate_steps": 1,
        }


def spoken(label: str) -> str:
    """Return the words for a label: ``card arrival`` for ``card_arrival``."""
    return " ".join(label.replace("_", " ").split())
