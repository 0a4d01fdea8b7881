"""The frame of a part: what nearly every row has before and after its own text.

An instruction, ``Comment: `` and the like. A tuned model has learned its frame, so training and
test rows must have the same one; and two rows are the same text whatever frame is around them.
"""

from __future__ import annotations

import math
import os.path
import re
from collections.abc import Sequence

from tunesmith.audit.findings import Finding, finding, quoted
from tunesmith.records import Record

SHARE = 0.95
"""So many of the rows must have a text at an end before it counts as frame."""
LACKS = 0.9
"""Fewer rows of the other part than this, and the other part lacks the frame."""
FEWEST_TEXTS = 3
LOOKED_AT = 4000
"""Characters at each end of a row in which a frame is looked for."""

# Ends where a template would: at a line break, a closing mark (Chinese and Japanese ones too), or
# a mark and a space.
_MARKED = re.compile(r".*(?:\n\s*|[:>\])}\"'`|»\uff1a\u3011\u300d\u3002]\s*|[^\w\s]\s+)", re.S)
_PHRASE = 3
"""Words without a mark behind them that make a prefix; fewer may start every row by chance."""


class Frame(Record):
    """What stands around the texts of a part."""

    prefix: str = ""
    suffix: str = ""

    def bare(self, text: str) -> str:
        """Return ``text`` without its frame."""
        inner = text.removeprefix(self.prefix).removesuffix(self.suffix)
        # What a phrase without a mark leaves over may be a number or an article.
        told = not self.prefix or _MARKED.fullmatch(self.prefix) or len(inner.split()) > 1
        return inner if told and inner.strip() else text


def find_frame(texts: Sequence[str]) -> Frame:
    """Return the longest prefix and suffix, cut to whole words, of ``SHARE`` of the texts."""
    distinct = list(dict.fromkeys(texts))
    if len(distinct) < FEWEST_TEXTS:
        return Frame()
    prefix = _cut(_shared([text[:LOOKED_AT] for text in distinct]), _PHRASE)
    suffix = _cut(_shared([text[: -LOOKED_AT - 1 : -1] for text in distinct]), 1)[::-1]
    return Frame(prefix=prefix, suffix=suffix)


def settled(frame: Frame, other: Frame) -> Frame:
    """Return ``frame`` without a mark at its inner end that ``other`` does not have.

    Where every test comment happens to end in a full stop, the stop is no frame.
    """
    prefix, suffix = frame.prefix, frame.suffix
    if prefix.startswith(other.prefix) and not _tells(prefix.removeprefix(other.prefix)):
        prefix = other.prefix
    if suffix.endswith(other.suffix) and not _tells(suffix.removesuffix(other.suffix)):
        suffix = other.suffix
    return Frame(prefix=prefix, suffix=suffix)


def frame_findings(
    train: Sequence[str], test: Sequence[str], frames: tuple[Frame, Frame]
) -> list[Finding]:
    """Say where the frames of the parts differ."""
    ours, theirs = frames
    found = [
        _mismatch("start", ours.prefix, theirs.prefix, train, test),
        _mismatch("end", ours.suffix, theirs.suffix, train, test),
    ]
    return [one for one in found if one is not None]


def _mismatch(
    end: str, ours: str, theirs: str, train: Sequence[str], test: Sequence[str]
) -> Finding | None:
    if ours == theirs or not (
        _lacking(end, ours, test, train) or _lacking(end, theirs, train, test)
    ):
        return None
    only_space = "".join(ours.split()) == "".join(theirs.split())
    return finding(
        "warning" if only_space else "problem",
        f"format_{end}",
        _difference(end, ours, theirs),
        "A tuned model was tuned on the form of the training rows: write both files alike, or "
        "leave an instruction out of both and put it into method.verbalizer",
    )


def _difference(end: str, ours: str, theirs: str) -> str:
    if _added(end, theirs, ours):
        return f"test rows {end} with {quoted(_added(end, theirs, ours))}, training rows do not"
    if _added(end, ours, theirs):
        return f"training rows {end} with {quoted(_added(end, ours, theirs))}, test rows do not"
    return f"training rows {end} with {quoted(ours)}, test rows with {quoted(theirs)}"


def _added(end: str, longer: str, shorter: str) -> str:
    """Return what ``longer`` has outside ``shorter``; empty where it is not the longer one."""
    if end == "start":
        return longer.removesuffix(shorter) if longer.endswith(shorter) else ""
    return longer.removeprefix(shorter) if longer.startswith(shorter) else ""


def _lacking(end: str, frame: str, texts: Sequence[str], owners: Sequence[str]) -> bool:
    """Return whether ``texts`` lack a frame that the ``owners`` have."""
    if not frame or not texts or not owners:
        return False
    has = str.startswith if end == "start" else str.endswith
    share = sum(has(text, frame) for text in texts) / len(texts)
    # Marks alone, such as "!!", may be the manner of a time or a place.
    return share < (LACKS if re.search(r"\w", frame) else 0.5)


def _shared(texts: list[str]) -> str:
    # Texts with one prefix stand together in sorted order: slide a window of SHARE of them.
    texts.sort()
    window = math.ceil(SHARE * len(texts))
    pairs = zip(texts, texts[window - 1 :], strict=False)
    return max((os.path.commonprefix(pair) for pair in pairs), key=len)  # noqa: RUF071  # of any texts


def _cut(text: str, phrase: int) -> str:
    """Cut ``text`` behind its last mark, or behind the words after it where they are many."""
    marked = _MARKED.match(text)
    head = marked.group() if marked else ""
    tail = re.sub(r"\S+$", "", text[len(head) :])
    whole = head + tail if len(tail.split()) >= phrase else head
    return whole if _tells(whole) else ""


def _tells(text: str) -> bool:
    """Return whether ``text`` is more than one mark or white space."""
    return len(text.strip()) > 1
