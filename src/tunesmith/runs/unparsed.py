"""The ways in which generated texts are no label, with a setting against each."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
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
    return tuple(
        Way(
            kind=kind, count=len(found), what=_WHAT[kind], example=found[0],
            remedy=remedy, settings=settings,
        )
        for kind, found in ranked
        for remedy, settings in (_remedy(kind, found, labels, decides, template),)
    )  # fmt: skip


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
    if _head(text, labels) is not None:
        return "runs on"
    return "inside" if _inside(text, labels) else "other"


def _meant(text: str, labels: LabelSet) -> str | None:
    """Return the label that equals ``text`` apart from case and marks around it."""
    bare = _bare(text)
    for label, forms in labels.root.items():
        if bare and any(bare == _bare(form) for form in forms):
            return label
    return None


def _bare(text: str) -> str:
    return _BULLET.sub("", text).strip(_AROUND).casefold()


def _head(text: str, labels: LabelSet) -> str | None:
    """Return the label that ``text`` begins with, as a separate word."""
    start = text.lstrip(_AROUND).casefold()
    forms = ((form, label) for label, forms in labels.root.items() for form in forms)
    # The longest first: one label may begin another.
    for form, label in sorted(forms, key=lambda pair: -len(pair[0])):
        if start.startswith(form.casefold()) and not start[len(form) :][:1].isalnum():
            return label
    return None


def _inside(text: str, labels: LabelSet) -> bool:
    return any(
        re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text, re.IGNORECASE)
        for forms in labels.root.values()
        for form in forms
    )


def _remedy(
    kind: WayKind, texts: Sequence[str], labels: LabelSet, decides: bool,
    template: tuple[str, str] | None,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    if kind == "other form":
        return "count it as a form of the label", {"labels": _with_forms(texts, labels)}
    if kind == "goes on":
        return "stop after the label", _stopped(texts, labels)
    if decides:
        return "read the answer as a decision", {"answer": "decision"}
    if template is not None and not template[1].endswith("\n"):
        return "end the template in a line break", {template[0]: template[1] + "\n"}
    return "", {}


def _stopped(texts: Sequence[str], labels: LabelSet) -> dict[str, Any]:
    lines = [text.partition("\n")[0] for text in texts]
    stop: dict[str, Any] = {"generation.stop_sequences": ["\n"]}
    if all(labels.parse(line) is not None for line in lines):
        return stop
    return {**stop, "labels": _with_forms(lines, labels)}


def _with_forms(texts: Sequence[str], labels: LabelSet) -> dict[str, list[str]]:
    """Return the labels with the forms in ``texts``, at most a few of each."""
    said = Counter(text.strip() for text in texts)
    forms: Mapping[str, list[str]] = {name: list(own) for name, own in labels.root.items()}
    room = dict.fromkeys(forms, SHOWN_FORMS)
    for text, _ in said.most_common():
        label = _meant(text, labels)
        if label is not None and room[label] and labels.parse(text) is None:
            forms[label].append(text)
            room[label] -= 1
    return dict(forms)
