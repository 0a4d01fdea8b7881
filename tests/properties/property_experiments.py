"""Experiments and label lists, as ``init`` writes them and as people do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from property_texts import label_sets, texts

from tunesmith.dataset import DataSpec
from tunesmith.pipeline.wording import Choice, Tried, Wording, candidate_templates, candidate_words


@dataclass(frozen=True)
class Spec:
    """What ``init`` found out."""

    stem: str
    data: DataSpec
    labels: list[str]
    choice: Choice | None
    acceptable: bool = True

    @property
    def words(self) -> list[str]:
        """The word for each label."""
        if self.choice is None:
            return self.labels
        return list(self.choice.best_asked.wording.words.values())


_stems = texts.map(lambda text: "".join(c for c in text if c not in "/\x00")[:20]).filter(
    lambda stem: stem not in ("", ".", "..")
)
_columns = st.one_of(st.sampled_from(("input", "output", "text", "no", "01")), texts)


@st.composite
def experiments(draw: Any) -> Spec:
    """Draw the arguments of an experiment file."""
    labels = [name.strip() for name in draw(label_sets)]
    data = DataSpec(
        train=f"{draw(_stems)}.csv", test=f"{draw(_stems)}.csv",
        input_field=draw(_columns), output_field=draw(_columns),
        validation=draw(st.sampled_from((None, 0.15))),
    )  # fmt: skip
    choice = draw(_choices(labels)) if draw(st.booleans()) else None
    return Spec(draw(_stems), data, labels, choice)


@st.composite
def _choices(draw: Any, labels: list[str]) -> Choice:
    """Draw what a search tried: templates and words as the real one makes them."""
    templates, words = list(candidate_templates(labels, False)), list(candidate_words(labels))
    pairs = st.tuples(st.sampled_from(templates), st.sampled_from(words), st.integers(0, 20))
    tried = tuple(
        Tried(wording=Wording(template=template, chat=chat, words=said), correct=correct)
        for (template, chat), said, correct in draw(st.lists(pairs, min_size=1, max_size=4))
    )
    return Choice(base_model="any", rows=20, tried=tried)


@dataclass(frozen=True)
class PlainLabels:
    """A list of labels, some in quotes and some not."""

    names: list[str]
    flow: str

    @property
    def experiment(self) -> str:
        """The text of an experiment file."""
        return f"name: x\nlabels: {self.flow}\ndata: {{train: a.csv, test: b.csv}}\n"


@st.composite
def plain_labels(draw: Any) -> PlainLabels:
    """Draw labels, and write those that need no quotes in YAML's syntax without, if so drawn."""
    names = [name.strip() for name in draw(label_sets)]
    cells = [name if _bare(name) and draw(st.booleans()) else _escaped(name) for name in names]
    return PlainLabels(names, f"[{', '.join(cells)}]")


def _bare(name: str) -> bool:
    """Return whether YAML's syntax takes ``name`` as one scalar without quotes."""
    return (
        name.isascii()
        and all(c.isalnum() or c in "_.:+-" for c in name)
        and (name[0].isalnum() and name[-1].isalnum())
    )


def _escaped(name: str) -> str:
    return json.dumps(name) if name.isascii() else "'" + name.replace("'", "''") + "'"
