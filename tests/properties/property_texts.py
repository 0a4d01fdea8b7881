"""Texts and labels that people have, and those that break programs."""

from __future__ import annotations

from hypothesis import strategies as st

WORDS = (
    "lovely",
    "staff",
    "rude",
    "late",
    "the dog",
    "clean",
    "Grüße",
    "寿司",
    "мир",
    "👩‍👩‍👧",
    "e\u0301",
    "\u00e9",
)
SEPARATORS = (
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1e",
    "\x85",
    "\u2028",
    "\u2029",
    "\xa0",
    "\u3000",
)
CONTROLS = (
    "\x00",
    "\x07",
    "\x1b[31m",
    "\x7f",
    "\x9f",
    "\xad",
    "\ufeff",
    "\u200b",
    "\u200f",
    "\u202e",
    "\u2066",
)
MARKS = (
    '"', '""', "'", ",", ";", "|", "\\", "\\n", "\\u2028", "#", ": ", "- ", "[", "{", "}", "=",
    "sep=;", "%", "&amp;",
    "</script>", "<!--", "```", "---", "...", "*", "{{input}}", "{% raw %}", "a\tb\nc", "input",
    "output",
)  # fmt: skip
ENDS_OF_PLANES = ("\ufffe", "\uffff", "\U0001fffe", "\U000e0001", "\U0010ffff", "\ufdd0", "\ue000")
HALF = "\ud83d"
"""Half of an emoji: JSON can escape it, and no file can hold it."""

_joined = st.builds(
    str.join,
    st.sampled_from(("", " ")),
    st.lists(
        st.sampled_from((*WORDS, *SEPARATORS, *CONTROLS, *MARKS, *ENDS_OF_PLANES)),
        min_size=1,
        max_size=7,
    ),
)
_ordinary = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
_any = st.text(max_size=12)
_long = st.builds(
    str.__mul__, st.sampled_from(("x", "ab ", 'é"', "line\n")), st.integers(200, 1500)
)
_halves = st.builds("{}{}{}".format, _ordinary, st.just(HALF), _any)

texts = st.one_of(_ordinary, _joined, _joined, _joined, _any, _long).filter(str.strip)
"""Texts with a character that is no white space; UTF-8 can hold them."""
odd_texts = st.one_of(*[texts] * 30, st.sampled_from(("", " ", "\n\t", "\u2028", HALF)), _halves)
"""The same, and now and then one that no row may have."""

_yaml_words = (
    "no", "yes", "on", "true", "null", "~", "01", "010", "0x1f", "1e3", "1_000", "12:30",
    "1:00:00", ".5", "+1", "-1",
    "0", "1", "2", "10", ".inf", "2026-01-01", "<<", "=", "!!int", "*a", "&a", "@", "`", "%", "?",
    "-", "[]", "{}",
)  # fmt: skip
_look_alikes = (
    "e\u0301",
    "\u00e9",
    "ﬁ",
    "fi",
    "A",
    "\u0410",
    "\u0391",
    "K",
    "\u212a",
    "İ",
    "ß",
    "a\u200b",
    "a",
    "\uff41",
    "\u0661",
    "²",
)
_prefixes = ("pos", "positive", "positively", "posit", "neg", "negative", "not negative")
_words_of_files = (
    "input",
    "output",
    "label",
    "text",
    "prediction",
    "None",
    "nan",
    "messages",
    "(unparsable)",
)
labels = st.one_of(
    st.sampled_from(_yaml_words),
    st.sampled_from(_look_alikes),
    st.sampled_from(_prefixes),
    st.sampled_from(_words_of_files),
    _joined,
    st.text(min_size=1, max_size=8),
    st.integers(0, 10**20).map(str),
    st.builds(str.__mul__, st.sampled_from("7xé"), st.sampled_from((60, 300, 1200))),
).filter(str.strip)
"""Label texts, some with white space at the ends."""
label_sets = st.lists(labels, min_size=2, max_size=5, unique_by=str.strip)
