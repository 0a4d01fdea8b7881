"""Chooses the template and label words with which an untuned model decides best.

They are tried on training rows only. The choice can therefore be evaluated on the test rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, permutations
from typing import TYPE_CHECKING

from tunesmith.dataset import stratified_sample
from tunesmith.errors import ExperimentError
from tunesmith.labels import LabelSet
from tunesmith.methods import PLACEHOLDER, ZeroShot, render
from tunesmith.pipeline.prompts import conversation, hard_prompt
from tunesmith.progress import SILENT, Progress
from tunesmith.records import Record, Row

if TYPE_CHECKING:
    from tunesmith.backend import Backend

ROWS = 200
"""Training rows that are asked, at most."""
LABELS_READ = 2400
"""Rows times labels for one template, about: with more labels, fewer rows are asked."""
CHUNK = 64
NAMED = 12
"""With more labels than this, a question does not name them, and no capitals are tried."""
SENTIMENT = frozenset({"negative", "positive", "neutral", "neg", "pos", "mixed"})
EXAMPLES = (
    "Review: a joy from start to end\nSentiment: positive\n\n"
    "Review: a dull waste of time\nSentiment: negative\n\n"
)
"""Invented examples, which are in no data set. They show the form of an answer."""
OPPOSITES = (("negative", "positive"), ("no", "yes"))
"""Possible meanings of two codes such as 0 and 1."""


class Wording(Record):
    """A template, and the word that the model is to write for each label."""

    template: str
    chat: bool
    """Whether the template is a message in the model's chat template."""
    words: dict[str, str]


class Tried(Record):
    """A wording, and the number of rows on which the untuned model was right with it."""

    wording: Wording
    correct: int


class Choice(Record):
    """All wordings that were tried, in order."""

    base_model: str
    rows: int
    """Training rows that were asked each time, every label in turn."""
    tried: tuple[Tried, ...]

    @property
    def best(self) -> Tried:
        """The wording with most right decisions; the first one if several are equal."""
        return max(self.tried, key=lambda one: one.correct)

    @property
    def best_tuned(self) -> Tried | None:
        """The wording for a tuned model: the answer begins a line, with the words of :attr:`best`.

        If the template of :attr:`best` was tried with a line break at its end, that one; otherwise
        the one with most right decisions.
        """
        best = self.best.wording
        plain = [one for one in self.tried if not one.wording.chat]
        fit = [one for one in plain if one.wording.template.endswith("\n")]
        same = [one for one in fit if one.wording.words == best.words]
        ending = best.template.rstrip()
        alike = [one for one in same if ending.endswith(one.wording.template.rstrip())]
        return max(alike or same, key=lambda one: one.correct, default=None)


def choose_wording(
    backend: Backend,
    base_model: str,
    rows: Sequence[Row],
    labels: Sequence[str],
    *,
    limit: int = ROWS,
    progress: Progress = SILENT,
) -> Choice:
    """Try templates and label words on a sample of training rows, the same at every call.

    Args:
        backend: with label scores of the untuned model.
        base_model: its portable name.
        rows: training rows.
        labels: the names of the labels. They are not changed, only the words for them.
        limit: rows that are asked, at most 200.
        progress: gets the progress.

    Raises:
        ExperimentError: no wording gives words that this model can write.
        TunesmithError: the backend cannot answer.
    """
    sample = stratified_sample(rows, min(limit, _affordable(len(labels))), seed=0)
    chats = backend.capabilities(base_model).chat
    templates = list(candidate_templates(labels, chats))
    tried: list[Tried] = []
    for number, (template, chat) in enumerate(templates, 1):
        progress.stage(f"template {number} of {len(templates)}: {_shown(template, chat)}")
        tried += _try(backend, base_model, (template, chat), sample, labels)
    if not tried:
        raise ExperimentError(
            f"labels: {base_model!r} can write none of the words that were tried for "
            f"{', '.join(map(repr, labels))}; give words of your own under labels"
        )
    return Choice(base_model=base_model, rows=len(sample), tried=tuple(tried))


def _affordable(labels: int) -> int:
    # The time grows with rows times labels; each label is to be asked about once at least.
    return min(ROWS, max(labels, LABELS_READ // labels))


def candidate_templates(labels: Sequence[str], chat: bool) -> Iterator[tuple[str, bool]]:
    """Return the templates to try, plain ones first, each with whether it is a chat message."""
    plain = [f"{PLACEHOLDER}\n", f"Text: {PLACEHOLDER}\nLabel:\n", f"Text: {PLACEHOLDER}\nLabel:"]
    if {label.lower() for label in labels} <= SENTIMENT or _are_codes(labels):
        review = f"Review: {PLACEHOLDER}\n"
        plain += [f"{review}Sentiment:\n", f"{review}Sentiment:"]
        plain += [f"{review}The sentiment of this review is"]
    if {label.lower() for label in labels} == set(OPPOSITES[0]) or _are_codes(labels):
        plain.append(f"{EXAMPLES}Review: {PLACEHOLDER}\nSentiment:")
    asked = f"{PLACEHOLDER}\n\n{_question(labels)}"
    plain.append(f"{asked}\nAnswer:")
    yield from ((template, False) for template in plain)
    if chat:
        yield asked, True


def candidate_words(labels: Sequence[str]) -> Iterator[dict[str, str]]:
    """Return words to try for each label, the label itself first. No two labels share a word."""
    as_they_are = {label: label for label in labels}
    spaced = {label: " ".join(label.replace("_", " ").split()) or label for label in labels}
    every = [as_they_are, spaced]
    if len(labels) <= NAMED:
        every.append({label: word[:1].upper() + word[1:] for label, word in spaced.items()})
    if _are_codes(labels):
        every += [
            dict(zip(labels, order, strict=True))
            for pair in OPPOSITES
            for order in permutations(pair)
        ]
    yield from _distinct(every)


def forms(words: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the surface forms of each label: its word, and its own name if that is another."""
    taken = set(words.values())
    return {
        label: [word] if word == label or label in taken else [word, label]
        for label, word in words.items()
    }


def _distinct(every: Sequence[dict[str, str]]) -> Iterator[dict[str, str]]:
    seen: list[dict[str, str]] = []
    for words in every:
        if words not in seen and len(set(words.values())) == len(words):
            seen.append(words)
            yield words


def _are_codes(labels: Sequence[str]) -> bool:
    return len(labels) == 2 and all(label.isdecimal() for label in labels)


def _question(labels: Sequence[str]) -> str:
    if _are_codes(labels):
        return "Is this negative or positive?"
    if len(labels) > NAMED:
        return "What is this about?"
    names = [label.replace("_", " ") for label in labels]
    return f"Is this {', '.join(names[:-1])} or {names[-1]}?"


def _shown(template: str, chat: bool) -> str:
    return f"{template!r}{' in the chat template' if chat else ''}"


def _try(
    backend: Backend,
    base_model: str,
    template: tuple[str, bool],
    rows: Sequence[Row],
    labels: Sequence[str],
) -> Iterator[Tried]:
    """Ask about all words of one template: together if that changes no score."""
    text, chat = template
    prompts = _prompts(backend, base_model, text, chat, rows)
    if prompts is None:
        return
    sayable = [w for w in candidate_words(labels) if _can_say(backend, base_model, prompts, w)]
    for words, shares in _scored(backend, base_model, prompts, sayable):
        right = sum(_decided(one, words) == row.output
                    for one, row in zip(shares, rows, strict=True))  # fmt: skip
        yield Tried(wording=Wording(template=text, chat=chat, words=words), correct=right)


def _scored(
    backend: Backend, base_model: str, prompts: Sequence[str], every: Sequence[dict[str, str]]
) -> Iterator[tuple[dict[str, str], list[Mapping[str, float]]]]:
    """Return the scores for each of ``every``, except those that the model cannot write."""
    for group in _groups(every):
        asked = list(dict.fromkeys(word for words in group for word in words.values()))
        try:
            shares = _ask(backend, base_model, prompts, asked)
        except ExperimentError:
            if len(group) > 1:
                for words in group:
                    yield from _scored(backend, base_model, prompts, [words])
            continue
        yield from ((words, shares) for words in group)


def _prompts(
    backend: Backend, base_model: str, text: str, chat: bool, rows: Sequence[Row]
) -> list[str] | None:
    method, none = ZeroShot(template=text), LabelSet.model_validate(["a", "b"])
    full: str | None = hard_prompt(method, rows, none, 0)
    if chat:
        messages = conversation(method, rows, none, 0)
        full = backend.predictor.chat_text(base_model, messages)
    return None if full is None else [render(full, row.input) for row in rows]


def _can_say(
    backend: Backend, base_model: str, prompts: Sequence[str], words: Mapping[str, str]
) -> bool:
    from tunesmith.spec import GenerationParams

    try:
        LabelSet.model_validate(forms(words))
        said = list(words.values())
        backend.predictor.check_labels(base_model, prompts, said, GenerationParams())
    except (ExperimentError, ValueError):
        return False
    return True


def _groups(every: Sequence[dict[str, str]]) -> list[list[dict[str, str]]]:
    # If one word is the beginning of another, the score includes the end of the text. Such words
    # are scored separately.
    said = sorted({word for words in every for word in words.values()})
    begun = any(b.startswith(a) for a, b in pairwise(said))
    return [[words] for words in every] if begun else [list(every)] if every else []


def _ask(
    backend: Backend, base_model: str, prompts: Sequence[str], words: Sequence[str]
) -> list[Mapping[str, float]]:
    return [
        one.probabilities
        for start in range(0, len(prompts), CHUNK)
        for one in backend.predictor.classify(base_model, prompts[start : start + CHUNK], words)
    ]


def _decided(shares: Mapping[str, float], words: Mapping[str, str]) -> str:
    return max(words, key=lambda label: shares[words[label]])
