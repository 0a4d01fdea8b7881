"""The ways in which generated texts are no label, with a setting against each."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from tunesmith.labels import LabelSet
from tunesmith.records import Record

WayKind = Literal["goes on", "runs on", "other form", "inside", "empty", "other"]
LABEL_KINDS: tuple[WayKind, ...] = ("goes on", "runs on", "other form")
"""Answers that a reader would take for a label."""
SHOWN_FORMS = 3
"""Other forms of one label that are suggested."""

_AROUND = " \t\r\n.,;:!?\"'`*()[]{}<>\u201c\u201d\u2018\u2019"
"""Characters around a label that do not change its meaning."""
_BULLET = re.compile(r"^\s*[-\u2022]\s+")
"""The mark of an item of a list; the sign of a number has no space behind it."""


class Way(Record):
    """One way in which answers are no label."""

    kind: WayKind
    count: int
    what: str
    """In words, after a count: ``name no label``."""
    example: str
    """The first such answer."""
    remedy: str
    """The remedy in words; empty if no setting is known to help."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the experiment against it, as in ``--set KEY=VALUE``."""

    @property
    def line(self) -> str:
        """The way on one line."""
        said = " ".join(f"--set {setting_text(k, v)}" for k, v in self.settings.items())
        return f"{self.count} {self.what}" + (f": {self.remedy}, {said}" if said else "")


def setting_text(key: str, value: Any) -> str:
    """Return ``KEY=VALUE`` as a shell takes it and ``--set`` reads it."""
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z_]\w*", value)
    return shlex.quote(f"{key}={value if plain else json.dumps(value, ensure_ascii=False)}")


def ways_of(
    texts: Sequence[str],
    labels: LabelSet,
    *,
    decides: bool = True,
    template: tuple[str, str] | None = None,
) -> tuple[Way, ...]:
    """Return the ways in which ``texts`` are none of ``labels``, the commonest first.

    Args:
        texts: as they were generated; those that are a label are left out.
        labels: with their surface forms.
        decides: whether label scores can be had, so that ``answer: decision`` is a remedy.
        template: key and text of the template that was used, if there is one.
    """
    by_kind: dict[WayKind, list[str]] = {}
    for text in texts:
        if labels.parse(text) is None:
            by_kind.setdefault(_kind(text, labels), []).append(text)
    ranked = sorted(by_kind.items(), key=lambda item: -len(item[1]))
    return tuple(_way(kind, found, labels, decides, template) for kind, found in ranked)


_WHAT: dict[WayKind, str] = {
    "goes on": "begin with a label and continue behind a line break",
    "runs on": "begin with a label and continue in the same line",
    "other form": "are a label in another case or with marks around it",
    "inside": "hold a label inside a sentence",
    "empty": "are empty",
    "other": "name no label",
}


def _kind(text: str, labels: LabelSet) -> WayKind:
    if not text.strip():
        return "empty"
    if _meant(text, labels) is not None:
        return "other form"
    if _meant(text.partition("\n")[0], labels) is not None:
        return "goes on"
    forms = [form for form, _ in _forms(labels)]
    if any(_begins(text, form) for form in forms):
        return "runs on"
    words = (rf"(?<!\w){re.escape(form)}(?!\w)" for form in forms)
    return "inside" if any(re.search(one, text, re.IGNORECASE) for one in words) else "other"


def _meant(text: str, labels: LabelSet) -> str | None:
    """Return the label that equals ``text`` apart from case and marks around it."""
    bare = _bare(text)
    return next((label for form, label in _forms(labels) if bare and bare == _bare(form)), None)


def _bare(text: str) -> str:
    return _BULLET.sub("", text).strip(_AROUND).casefold()


def _forms(labels: LabelSet) -> list[tuple[str, str]]:
    return [(form, label) for label, forms in labels.root.items() for form in forms]


def _begins(text: str, form: str) -> bool:
    """Return whether ``text`` begins with ``form``, as a separate word."""
    start = text.lstrip(_AROUND).casefold()
    return start.startswith(form.casefold()) and not start[len(form) :][:1].isalnum()


def _way(
    kind: WayKind, texts: Sequence[str], labels: LabelSet, decides: bool,
    template: tuple[str, str] | None,
) -> Way:  # fmt: skip
    remedy, settings = "", dict[str, Any]()
    if kind == "other form":
        remedy, settings = "count it as a form of the label", {"labels": _with_forms(texts, labels)}
    elif kind == "goes on":
        lines = [text.partition("\n")[0] for text in texts]
        remedy, settings = "stop after the label", {"generation.stop_sequences": ["\n"]}
        if any(labels.parse(line) is None for line in lines):
            settings["labels"] = _with_forms(lines, labels)
    elif decides:
        remedy, settings = "read the answer as a decision", {"answer": "decision"}
    elif template is not None and not template[1].endswith("\n"):
        remedy, settings = "end the template in a line break", {template[0]: template[1] + "\n"}
    return Way(
        kind=kind, count=len(texts), what=_WHAT[kind], example=texts[0], remedy=remedy,
        settings=settings,
    )  # fmt: skip


def _with_forms(texts: Sequence[str], labels: LabelSet) -> dict[str, list[str]]:
    """Return the labels with the forms in ``texts``, at most a few of each."""
    forms = {label: list(own) for label, own in labels.root.items()}
    for text, _ in Counter(text.strip() for text in texts).most_common():
        label = _meant(text, labels)
        if label is not None and labels.parse(text) is None:
            forms[label].append(text)
    return {label: own[: len(labels.root[label]) + SHOWN_FORMS] for label, own in forms.items()}
