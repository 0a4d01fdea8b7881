"""Chooses the template and label words with which an untuned model decides best.

They are tried on training rows only. The choice can therefore be evaluated on the test rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise, permutations

from tunesmith.backend import Backend
from tunesmith.dataset import stratified_sample
from tunesmith.errors import ExperimentError
from tunesmith.labels import LabelSet
from tunesmith.methods import PLACEHOLDER, ZeroShot, render
from tunesmith.pipeline.predict import in_chunks
from tunesmith.pipeline.prompts import full_template
from tunesmith.progress import SILENT, Progress
from tunesmith.records import Record, Row
from tunesmith.spec import TuningSpec

ROWS = 200
"""Training rows that are asked, at most."""
LABELS_READ = 2400
"""Rows times labels for one template, about: with more labels, fewer rows are asked."""
NAMED = 12
"""With more labels than this, a question does not name them, and no capitals are tried."""
LONG = 20
"""Characters of a word that takes a model many steps to learn."""
SHORT = 60
"""Characters of all labels together, at most, that a line in front of the answer names."""
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

    @property
    def longest(self) -> int:
        """Characters of the longest word."""
        return max(map(len, self.words.values()))


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
        """The wording with most right decisions; of equals the one with the shortest words."""
        return _best(self.tried)

    @property
    def sayings(self) -> tuple[Tried, ...]:
        """The wordings with the words that a model is tuned to say.

        They are the words of :attr:`best`, or the shortest ones if those are long. A model learns
        a short word in fewer steps than a long text.
        """
        known = self.best.wording
        if known.longest > LONG:
            known = min(self.tried, key=lambda one: one.wording.longest).wording
        return tuple(one for one in self.tried if one.wording.words == known.words)

    @property
    def best_asked(self) -> Tried:
        """The wording for the untuned model, with the words that the tuned model says."""
        return _best(self.sayings)

    @property
    def best_tuned(self) -> Tried | None:
        """The wording for a tuned model: the answer begins a line.

        Rows that are prompts already get no second template. Otherwise it is the last of several
        templates, which says most about the task. The right decisions of the untuned model do not
        predict those of the tuned one; decision 22 has the figures.
        """
        plain = [one for one in self.sayings if not one.wording.chat]
        bare = [one for one in plain if one.wording.template == PLACEHOLDER]
        fit = [one for one in plain if one.wording.template.endswith("\n")]
        found = bare or fit
        return found[-1] if found else None


def _best(tried: Sequence[Tried]) -> Tried:
    return max(tried, key=lambda one: (one.correct, -one.wording.longest))


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
        labels: their names, which are not changed, only the words for them.
        limit: rows that are asked, at most 200.
        progress: gets the progress.

    Raises:
        ExperimentError: no wording gives words that this model can write.
        TunesmithError: the backend cannot answer.
    """
    # The time grows with rows times labels; each label is to be asked about once at least.
    affordable = max(len(labels), LABELS_READ // len(labels))
    sample = stratified_sample(rows, min(limit, ROWS, affordable), seed=0)
    model = _Model(backend, base_model, sample)
    can = backend.capabilities(base_model)
    templates = list(candidate_templates(labels, can.chat, prompts=are_prompts(rows)))
    tried: list[Tried] = []
    for number, (template, chat) in enumerate(templates, 1):
        how = " in the chat template" if chat else ""
        progress.stage(f"template {number} of {len(templates)}: {template!r}{how}")
        tried += model.tried(template, chat, list(candidate_words(labels)))
    if not tried:
        raise ExperimentError(
            f"labels: {base_model!r} can write none of the words that were tried for "
            f"{', '.join(map(repr, labels))}; give words of your own under labels"
        )
    return Choice(base_model=base_model, rows=len(sample), tried=tuple(tried))


def are_prompts(rows: Sequence[Row]) -> bool:
    """Return whether all texts end in a line break: they have a template of their own."""
    return all(row.input.endswith("\n") for row in rows)


def candidate_templates(
    labels: Sequence[str], chat: bool, *, prompts: bool = False
) -> Iterator[tuple[str, bool]]:
    """Return the templates to try, each with whether it is a chat message.

    Plain ones come first, and of those that end in a line break the ones that say least.

    Args:
        labels: their names.
        chat: whether the model has a chat template.
        prompts: whether the texts are prompts already, which are tried as they are too.
    """
    text, review = f"Text: {PLACEHOLDER}\n", f"Review: {PLACEHOLDER}\n"
    plain = [f"{PLACEHOLDER}\n", f"{text}Label:\n", f"{text}Label:"]
    if {label.lower() for label in labels} <= SENTIMENT or _are_codes(labels):
        plain += [f"{review}Sentiment:\n", f"{review}Sentiment:"]
        plain += [f"{review}The sentiment of this review is"]
    elif sum(map(len, labels)) <= SHORT:
        plain.append(f"{text}{_alternatives(labels)}:\n")
    if {label.lower() for label in labels} == set(OPPOSITES[0]) or _are_codes(labels):
        plain.append(f"{EXAMPLES}Review: {PLACEHOLDER}\nSentiment:")
    asked = f"{PLACEHOLDER}\n\n{_question(labels)}"
    plain.append(f"{asked}\nAnswer:")
    # A label may hold the placeholder, and a template has it once.
    every = [*((template, False) for template in plain), *([(asked, True)] if chat else [])]
    if prompts:
        every += [(PLACEHOLDER, False), *([(PLACEHOLDER, True)] if chat else [])]
    yield from ((template, chat) for template, chat in every if template.count(PLACEHOLDER) == 1)


def candidate_words(labels: Sequence[str]) -> Iterator[dict[str, str]]:
    """Return words to try for each label, the label itself first. No two labels share a word."""
    as_they_are = {label: label for label in labels}
    spaced = {label: " ".join(label.replace("_", " ").split()) or label for label in labels}
    every = [as_they_are, spaced]
    if len(labels) <= NAMED:
        every.append({label: word[:1].upper() + word[1:] for label, word in spaced.items()})
    if _are_codes(labels):
        orders = (order for pair in OPPOSITES for order in permutations(pair))
        every += [dict(zip(labels, order, strict=True)) for order in orders]
    every.append(_distinctive(spaced))
    for place, words in enumerate(every):
        if words not in every[:place] and len(set(words.values())) == len(words):
            yield words


def _distinctive(texts: Mapping[str, str]) -> dict[str, str]:
    """Return one word of each text: one that the fewest texts have, the longest of equals."""
    counts = Counter(word for text in texts.values() for word in set(text.split()))
    return {
        label: min(text.split(), key=lambda word: (counts[word], -len(word)), default=text)
        for label, text in texts.items()
    }


def forms(words: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the surface forms of each label: its word, and its own name if that is another."""
    taken = set(words.values())
    return {
        label: [word] if word == label or label in taken else [word, label]
        for label, word in words.items()
    }


def _are_codes(labels: Sequence[str]) -> bool:
    return len(labels) == 2 and all(label.isdecimal() for label in labels)


def _question(labels: Sequence[str]) -> str:
    if _are_codes(labels):
        return "Is this negative or positive?"
    if len(labels) > NAMED:
        return "What is this about?"
    return f"Is this {_alternatives(labels)}?"


def _alternatives(labels: Sequence[str]) -> str:
    *others, last = (label.replace("_", " ") for label in labels)
    return f"{', '.join(others)} or {last}"


@dataclass(frozen=True, slots=True)
class _Model:
    """The untuned model, and the rows that it is asked about."""

    backend: Backend
    base_model: str
    rows: Sequence[Row]

    def tried(self, text: str, chat: bool, every: Sequence[dict[str, str]]) -> Iterator[Tried]:
        """Try all words that the model can write with one template."""
        prompts = self._prompts(text, chat)
        sayable = [words for words in every if self._can_say(prompts, words)] if prompts else []
        for words, shares in self._scored(prompts, sayable):
            decided = (max(words, key=lambda label: one[words[label]]) for one in shares)
            right = sum(label == row.output for label, row in zip(decided, self.rows, strict=True))
            yield Tried(wording=Wording(template=text, chat=chat, words=words), correct=right)

    def _prompts(self, text: str, chat: bool) -> list[str]:
        """Return the prompt of each row; none if the service renders conversations itself."""
        method, labels = ZeroShot(template=text, chat=chat), LabelSet.model_validate(["a", "b"])
        spec = TuningSpec(base_model=self.base_model, method=method, labels=labels)
        full = full_template(spec, self.backend, self.rows)
        return [] if full is None else [render(full, row.input) for row in self.rows]

    def _can_say(self, prompts: Sequence[str], words: Mapping[str, str]) -> bool:
        try:
            labels = LabelSet.model_validate(forms(words))
            spec = TuningSpec(base_model=self.base_model, method=ZeroShot(), labels=labels)
            self.backend.predictor.check_answers(spec, prompts, "decision")
        except (ExperimentError, ValueError):
            return False
        return True

    def _scored(
        self, prompts: Sequence[str], every: Sequence[dict[str, str]]
    ) -> Iterator[tuple[dict[str, str], list[Mapping[str, float]]]]:
        """Return the scores for each of ``every``, except those that the model cannot write."""
        said = list(dict.fromkeys(word for words in every for word in words.values()))
        # If one word is the beginning of another, the score includes the end of the text. Such
        # words are scored separately.
        if len(every) > 1 and not any(b.startswith(a) for a, b in pairwise(sorted(said))):
            with suppress(ExperimentError):
                shares = self._ask(prompts, said)
                yield from ((words, shares) for words in every)
                return
        if len(every) > 1:
            yield from self._scored(prompts, every[:-1])
        for words in every[-1:]:
            with suppress(ExperimentError):
                yield words, self._ask(prompts, list(words.values()))

    def _ask(self, prompts: Sequence[str], words: Sequence[str]) -> list[Mapping[str, float]]:
        classify = self.backend.predictor.classify
        found = in_chunks(prompts, lambda part: classify(self.base_model, part, words), SILENT)
        return [one.probabilities for one in found]
