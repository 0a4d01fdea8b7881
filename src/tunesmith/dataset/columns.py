"""The columns of the text and of the label, found by name and by content."""

from __future__ import annotations

from array import array
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
Records = Iterable[Mapping[Any, Any]]
"""The records of all rows; they are iterated several times."""


class _Column:
    """What the values of a column have in common; the values themselves are not held."""

    def __init__(self) -> None:
        self._values = self._texts = self._words = self._kinds = 0
        self._hashes = array("q")

    def add(self, value: Any) -> None:
        if value in (None, ""):
            return
        self._values += 1
        self._kinds += isinstance(value, str | int) and not isinstance(value, bool)
        if isinstance(value, str):
            self._texts += 1
            self._words += len(value.split())
        self._hashes.append(hash(str(value)))

    @property
    def is_text(self) -> bool:
        return 0 < self._values == self._texts

    @property
    def is_wordy(self) -> bool:
        return self.is_text and self._words >= WORDS * self._values

    @property
    def repeats(self) -> bool:
        """Whether a value occurs twice or more on average."""
        return self._values >= 2 * self._distinct

    @property
    def may_be_label(self) -> bool:
        return self._values == self._kinds and self._distinct >= 2 and self.repeats

    @property
    def _distinct(self) -> int:
        import numpy as np

        return len(np.unique(np.frombuffer(self._hashes, dtype=np.int64)))


def names_both(cells: Iterable[str]) -> bool:
    """Return whether one of ``cells`` is a usual name of the text, and another of the label."""
    plain = [_plain(cell) for cell in cells]
    return any(name in TEXT_NAMES for name in plain) and any(name in LABEL_NAMES for name in plain)


def find_text(source: str, records: Records, label: str | None) -> str:
    """Return the column of the text, which is not ``label``.

    Raises:
        DatasetError: several columns could be the text; the message names them.
    """
    columns = [name for name in _names(records) if name != label]
    named = [name for name in columns if _plain(name) in TEXT_NAMES]
    if len(named) == 1:
        return named[0]
    known = _columns(records, columns)
    texts = [name for name in columns if known[name].is_text]
    named = [name for name in named if name in texts]
    wordy = [name for name in texts if known[name].is_wordy]
    varied, others = (
        [name for name in names if not known[name].repeats] for names in (wordy, texts)
    )
    return _only(source, "text", "input", (named, varied, wordy, others, texts))


def find_label(source: str, records: Records, text: str | None) -> str:
    """Return the column of the label, which is not ``text``.

    Raises:
        DatasetError: several columns could be the label; the message names them.
    """
    columns = [name for name in _names(records) if name != text]
    named = [name for name in columns if _plain(name) in LABEL_NAMES]
    named = _words_of_numbers(records, named)
    if len(named) == 1:
        return named[0]
    known = _columns(records, columns)
    repeated = [name for name in columns if known[name].may_be_label]
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


def _names(records: Records) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _columns(records: Records, names: Sequence[str]) -> dict[str, _Column]:
    columns = {name: _Column() for name in names}
    for record in records:
        for name, column in columns.items():
            column.add(record.get(name))
    return columns


def _plain(name: object) -> str:
    return "".join(filter(str.isalnum, str(name))).lower()


def _words_of_numbers(records: Records, names: list[str]) -> list[str]:
    """Of ``label`` and ``label_text``, numbers and words with one meaning, keep the words."""
    if len(names) != 2:
        return names
    one, other = dict[str, str](), dict[str, str]()
    for record in records:
        first, second = (str(record.get(name)) for name in names)
        if one.setdefault(first, second) != second or other.setdefault(second, first) != first:
            return names
    numbers = [all(text.lstrip("-").isdecimal() for text in side) for side in (one, other)]
    return [names[numbers.index(False)]] if numbers.count(True) == 1 else names
