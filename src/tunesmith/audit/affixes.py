"""Affixes of a part: the text that nearly every row has before or after its own text.

Examples are an instruction and ``Comment: ``. A tuned model has learned the affixes of its training
rows, so the test rows must have the same ones. Two rows with different affixes can still have the
same text.
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from tunesmith.audit.findings import Finding, finding, quoted
from tunesmith.audit.numbered import first_rows, hashes_of
from tunesmith.records import Record

SHARE = 0.95
"""Smallest share of the rows that must have a text for it to count as an affix."""
LACKS = 0.9
"""The other part lacks an affix if a smaller share of its rows has it."""
FEWEST_TEXTS = 3
LOOKED_AT = 4000
"""Characters at each end of a row that are searched for an affix."""
SAMPLED = 1001
"""Distinct texts that are sorted to find one with the affix: the one in the middle, because those
with the affix stand side by side and are most. If there are more texts, the sample could mislead
with a probability of 10^-300."""

# A template ends at a line break, at a closing mark (Chinese and Japanese ones too), or at a mark
# and a space.
_MARKED = re.compile(r".*(?:\n\s*|[:>\])}\"'`|»\uff1a\u3011\u300d\u3002]\s*|[^\w\s]\s+)", re.S)
_PHRASE = 3
"""Words without a mark after them that make a prefix. Fewer may start every row by chance."""


class Affixes(Record):
    """The text before and after the texts of a part."""

    prefix: str = ""
    suffix: str = ""

    def bare(self, text: str) -> str:
        """Return ``text`` without its affixes."""
        inner = text.removeprefix(self.prefix).removesuffix(self.suffix)
        # After a phrase without a mark, one remaining word may be a number or an article.
        sure = not self.prefix or _MARKED.fullmatch(self.prefix) or len(inner.split()) > 1
        return inner if sure and inner.strip() else text


def find_affixes(texts: Sequence[str]) -> Affixes:
    """Return the longest prefix and suffix, cut to whole words, of ``SHARE`` of the texts."""
    distinct = first_rows(hashes_of(texts, len(texts)))
    if len(distinct) < FEWEST_TEXTS:
        return Affixes()
    size = min(SAMPLED, len(distinct))
    sample = [texts[distinct[i]] for i in random.Random(0).sample(range(len(distinct)), size)]
    ahead, behind = _middle(map(_ahead, sample)), _middle(map(_behind, sample))
    starts, ends = ([0] * (LOOKED_AT + 1) for _ in range(2))
    for row in distinct:
        text = texts[row]
        starts[_common(_ahead(text), ahead)] += 1
        ends[_common(_behind(text), behind)] += 1
    prefix = _cut(ahead[: _shared(starts)], _PHRASE)
    suffix = _cut(behind[: _shared(ends)], 1)[::-1]
    return Affixes(prefix=prefix, suffix=suffix)


def _ahead(text: str) -> str:
    return text[:LOOKED_AT]


def _behind(text: str) -> str:
    return text[: -LOOKED_AT - 1 : -1]


def _middle(texts: Iterable[str]) -> str:
    found = sorted(texts)
    return found[len(found) // 2]


def without_chance_marks(affixes: Affixes, other: Affixes) -> Affixes:
    """Return ``affixes`` without a mark at the inner end that ``other`` does not have.

    If every test comment happens to end in a full stop, the full stop is not an affix.
    """
    prefix, suffix = affixes.prefix, affixes.suffix
    if prefix.startswith(other.prefix) and not _is_more(prefix.removeprefix(other.prefix)):
        prefix = other.prefix
    if suffix.endswith(other.suffix) and not _is_more(suffix.removesuffix(other.suffix)):
        suffix = other.suffix
    return Affixes(prefix=prefix, suffix=suffix)


def affix_findings(
    train: Sequence[str], test: Sequence[str], affixes: tuple[Affixes, Affixes]
) -> Iterator[Finding]:
    """Yield a finding for each end at which the parts have different affixes."""
    first, second = affixes
    ends = ("start", first.prefix, second.prefix), ("end", first.suffix, second.suffix)
    for end, ours, theirs in ends:
        if ours == theirs or not (_lacking(end, ours, test) or _lacking(end, theirs, train)):
            continue
        only_space = "".join(ours.split()) == "".join(theirs.split())
        yield finding(
            "warning" if only_space else "problem",
            f"format_{end}",
            _difference(end, ours, theirs),
            "A tuned model expects the format of the training rows: use one format in both files, "
            "or remove the instruction from both and put it into method.verbalizer",
        )


def _difference(end: str, ours: str, theirs: str) -> str:
    if more := _added(end, theirs, ours):
        return f"test rows {end} with {quoted(more)}, training rows do not"
    if more := _added(end, ours, theirs):
        return f"training rows {end} with {quoted(more)}, test rows do not"
    return f"training rows {end} with {quoted(ours)}, test rows with {quoted(theirs)}"


def _added(end: str, longer: str, shorter: str) -> str:
    """Return the part of ``longer`` outside ``shorter``, or "" if it does not contain it."""
    if end == "start":
        return longer.removesuffix(shorter) if longer.endswith(shorter) else ""
    return longer.removeprefix(shorter) if longer.startswith(shorter) else ""


def _lacking(end: str, affix: str, texts: Sequence[str]) -> bool:
    """Return whether ``texts`` lack an affix of the other part."""
    if not affix or not texts:
        return False
    has = str.startswith if end == "start" else str.endswith
    share = sum(has(text, affix) for text in texts) / len(texts)
    # Marks alone, such as "!!", may be typical of a source or a period.
    return share < (LACKS if re.search(r"\w", affix) else 0.5)


def _common(one: str, other: str) -> int:
    """Return the number of characters at the start that two texts share."""
    if one[:1] != other[:1]:
        return 0
    sizes = range(1, min(len(one), len(other)) + 1)
    return bisect_left(sizes, True, key=lambda size: one[:size] != other[:size])


def _shared(counts: Sequence[int]) -> int:
    """Return the largest size that ``SHARE`` of the texts have; ``counts`` has those of a size."""
    left, size = math.ceil(SHARE * sum(counts)), len(counts)
    while left > 0:
        size -= 1
        left -= counts[size]
    return size


def _cut(text: str, phrase: int) -> str:
    """Cut ``text`` after its last mark, or after the words that follow if these are many."""
    marked = _MARKED.match(text)
    head = marked.group() if marked else ""
    tail = re.sub(r"\S+$", "", text[len(head) :])
    whole = head + tail if len(tail.split()) >= phrase else head
    return whole if _is_more(whole) else ""


def _is_more(text: str) -> bool:
    """Return whether ``text`` is more than one mark or white space."""
    return len(text.strip()) > 1
