"""The columns of the text and of the label, found by name and by content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunesmith.errors import ColumnError

TEXT_NAMES = (
    "input", "text", "sentence", "sms", "message", "review", "comment", "tweet", "question",
    "query", "utterance", "prompt", "content", "document", "description",
)  # fmt: skip
LABEL_NAMES = (
    "output", "label", "labels", "labelname", "labeltext", "category", "class", "target", "intent",
    "sentiment", "topic", "department", "completion", "answer",
)  # fmt: skip
WORDS = 3
"""Mean words of a column from which it may be the text by content."""
Records = Sequence[Mapping[Any, Any]]


def names_both(cells: Iterable[str]) -> bool:
    """Return whether one of ``cells`` is a usual name of the text, and another of the label."""
    plain = [_plain(cell) for cell in cells]
    return any(name in TEXT_NAMES for name in plain) and any(name in LABEL_NAMES for name in plain)


def find_text(source: str, records: Records, label: str | None) -> str:
    """Return the column of the text, which is not ``label``.

    Raises:
        DatasetError: several columns could be the text; the message names them.
    """
    columns = [name for name in _columns(records) if name != label]
    texts = [name for name in columns if _is_text(_values(records, name))]
    named = [name for name in columns if _plain(name) in TEXT_NAMES]
    if len(named) > 1:
        named = [name for name in named if name in texts]
    wordy = [name for name in texts if _mean_words(_values(records, name)) >= WORDS]
    varied, others = (
        [name for name in names if not _repeats(_values(records, name))] for names in (wordy, texts)
    )
    return _only(source, "text", "input", (named, varied, wordy, others, texts))


def find_label(source: str, records: Records, text: str | None) -> str:
    """Return the column of the label, which is not ``text``.

    Raises:
        DatasetError: several columns could be the label; the message names them.
    """
    columns = [name for name in _columns(records) if name != text]
    named = [name for name in columns if _plain(name) in LABEL_NAMES]
    named = _words_of_numbers(records, named)
    repeated = [name for name in columns if _may_be_label(_values(records, name))]
    rest = columns if len(columns) == 1 else []
    return _only(source, "label", "output", (named, repeated, rest))


def _only(source: str, what: str, usual: str, candidates: Sequence[Sequence[str]]) -> str:
    """Return the column of the first candidates that are not empty; refuse several."""
    found: Sequence[str] = next(filter(None, candidates), ())
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(f"{name!r:.60}" for name in found)
        raise ColumnError(f"{source}: the columns {names} could be the {what}.", f"{usual}_field")
    return usual  # The first row then says that it lacks this field, and which ones it has.


def _columns(records: Records) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _values(records: Records, name: str) -> list[Any]:
    return [record[name] for record in records if record.get(name) not in (None, "")]


def _plain(name: object) -> str:
    return "".join(filter(str.isalnum, str(name))).lower()


def _is_text(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(value, str) for value in values)


def _mean_words(values: Sequence[str]) -> float:
    return sum(len(value.split()) for value in values) / len(values)


def _repeats(values: Sequence[Any]) -> bool:
    """Return whether a value occurs twice or more on average."""
    return len(values) >= 2 * len({str(value) for value in values})


def _may_be_label(values: Sequence[Any]) -> bool:
    kinds = all(isinstance(value, str | int) and not isinstance(value, bool) for value in values)
    return kinds and len({str(value) for value in values}) >= 2 and _repeats(values)


def _words_of_numbers(records: Records, names: list[str]) -> list[str]:
    """Of ``label`` and ``label_text``, numbers and words with one meaning, keep the words."""
    if len(names) != 2:
        return names
    pairs = {(str(r.get(names[0])), str(r.get(names[1]))) for r in records}
    firsts, seconds = ({pair[i] for pair in pairs} for i in (0, 1))
    if len(pairs) == len(firsts) == len(seconds):
        numbers = [all(text.lstrip("-").isdecimal() for text in side) for side in (firsts, seconds)]
        if numbers.count(True) == 1:
            return [names[numbers.index(False)]]
    return names
