"""The findings of an audit, and data without findings."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import combinations

import pytest
from scipy.stats import binom

from tunesmith.audit import Audit, Reader, audit_data
from tunesmith.audit.affixes import find_affixes
from tunesmith.audit.near import SHINGLE, SIMILAR, Signatures, near_copies
from tunesmith.audit.power import POWER, power_at, rows_needed, smallest_difference
from tunesmith.dataset import Dataset
from tunesmith.evaluation.statistics import ALPHA, mcnemar_exact
from tunesmith.labels import LabelSet
from tunesmith.records import Row

WORDS = [
    "parcel",
    "invoice",
    "kettle",
    "battery",
    "refund",
    "courier",
    "screen",
    "password",
    "shoes",
    "branch",
    "voucher",
    "queue",
    "receipt",
    "colour",
    "garden",
    "window",
    "carpet",
    "ticket",
    "luggage",
    "breakfast",
    "mirror",
    "engine",
]  # readable


def texts(count: int, seed: int = 0) -> list[str]:
    """Distinct texts without a common affix, no two of them similar."""
    draw = random.Random(seed)
    return [" ".join(draw.sample(WORDS, 6)) for _ in range(count)]


def dataset(inputs: Iterable[str], outputs: Sequence[str | None] = ("0", "1")) -> Dataset:
    """Rows with ``outputs`` in turn."""
    rows = [Row(input=x, output=outputs[i % len(outputs)]) for i, x in enumerate(inputs)]
    return Dataset(source="rows", rows=tuple(rows))


def codes(found: Audit) -> set[str]:
    return {one.code for one in found.findings}


def of(found: Audit, code: str) -> str:
    return next(one.message for one in found.findings if one.code == code)


CLEAN = texts(40)


def test_nothing_is_wrong_with_clean_data() -> None:
    found = audit_data(dataset(CLEAN[:20]), dataset(CLEAN[20:]))
    assert codes(found) == {"too_few_test_rows"}
    assert found.duplicate_train_rows == found.duplicate_test_rows == 0
    assert found.leaked_test_rows == found.near_leaked_test_rows == found.label_conflicts == 0
    assert found.problems == found.notes == ()


def test_it_survives_json() -> None:
    found = audit_data(dataset(CLEAN[:20]), dataset(CLEAN[:5]))
    assert Audit.from_json(found.to_json()) == found


def test_copies_are_counted_beyond_the_first_and_a_leak_for_each_test_row() -> None:
    train = [*CLEAN[:10], CLEAN[3], CLEAN[3], CLEAN[4]]
    found = audit_data(dataset(train, ("0",)), dataset([CLEAN[3], CLEAN[3], CLEAN[20]], ("0",)))
    assert found.duplicate_train_rows == 3
    assert found.duplicate_test_rows == 1
    assert found.leaked_test_rows == 2
    leak = next(one for one in found.findings if one.code == "leaked_test_rows")
    assert (leak.severity, leak.part, leak.rows) == ("problem", "test", (0, 1))
    assert "test row 0 is training row 3" in leak.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the café\tis  closed", "  the cafe\u0301 is closed\n"),
        ("🐶 took her\nhome", "🐶 took her home"),
        ("שלום, הכלב שלי", "שלום,  הכלב שלי "),
    ],
    ids=["nfc and white space", "emoji and line break", "right to left"],
)
def test_white_space_and_unicode_form_do_not_make_a_new_text(one: str, other: str) -> None:
    found = audit_data(dataset([*CLEAN[:10], one]), dataset([*CLEAN[20:30], other]))
    assert found.leaked_test_rows == 1


def test_letter_case_and_a_changed_word_make_a_near_copy() -> None:
    long = "they kept our dog for two hours and sent her home with a ribbon and a clean coat"
    train = [*CLEAN[:10], long, long.replace("ribbon", "ribbons")]
    found = audit_data(dataset(train), dataset([*CLEAN[20:30], f"{long.upper()}!!", long]))
    assert found.near_duplicate_train_rows == 1
    assert found.near_leaked_test_rows == 1
    assert found.leaked_test_rows == 1


def brute_force(given: Sequence[str]) -> dict[int, float]:
    shingles = [{t[i : i + SHINGLE] for i in range(max(1, len(t) - SHINGLE + 1))} for t in given]
    best: dict[int, float] = {}
    for (_, a), (i, b) in combinations(enumerate(shingles), 2):
        similarity = len(a & b) / len(a | b)
        if similarity >= SIMILAR:
            best[i] = max(similarity, best.get(i, 0.0))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_near_copies_are_those_of_a_comparison_of_every_pair(seed: int) -> None:
    draw = random.Random(seed)
    given = texts(60, seed)
    for text in draw.sample(given, 25):
        words = [w for w in f"{text} {text[::-1]}".split() if draw.random() > 0.05]
        given += [f"{text} {text[::-1]}", " ".join(words)]
    nearest, expected = near_copies(Signatures(given)), brute_force(given)
    found = {text: other for text, other in enumerate(nearest) if other >= 0}
    assert set(found) <= set(expected)
    # A pair just over the threshold is missed with a probability of 0.002.
    assert {i for i, similarity in expected.items() if similarity > 0.85} <= set(found)
    for text, other in found.items():
        assert other < text
        assert brute_force([given[other], given[text]])[1] >= SIMILAR


def test_the_same_text_with_two_labels_is_a_conflict_in_and_across_parts() -> None:
    train = Dataset(source="a", rows=(*dataset(CLEAN[:10]).rows, Row(input=CLEAN[0], output="1")))
    test = Dataset(source="b", rows=(*dataset(CLEAN[20:30]).rows, Row(input=CLEAN[1], output="0")))
    found = audit_data(train, test)
    assert found.label_conflicts == 2
    assert "2 texts have more than one label, in 3 training rows and 1 test row" in of(
        found, "label_conflicts"
    )


INSTRUCTION = "Classify the comment { 0, 1 }.\n"


@pytest.mark.parametrize("instructed", ["train", "test"])
def test_an_instruction_on_one_file_only(instructed: str) -> None:
    plain = [f"Comment: {t}\nSatisfaction:\n" for t in CLEAN[:20]]
    framed = [f"{INSTRUCTION}Comment: {t}\nSatisfaction:\n" for t in (*CLEAN[20:], CLEAN[2])]
    parts = {"test": (plain, framed), "train": (framed, plain)}[instructed]
    found = audit_data(*map(dataset, parts))
    assert repr(INSTRUCTION) in of(found, "format_start")
    assert "Comment: " not in of(found, "format_start")
    assert found.leaked_test_rows == 1
    assert "format_end" not in codes(found)


@pytest.mark.parametrize(
    ("ours", "theirs", "code"),
    [
        ("{}", "{}\nAnswer:", "format_end"),
        ("{}", "{} Sentiment:", "format_end"),
        ("Review: {}", "Text: {}", "format_start"),
        ("{}", "please rate the following {}", "format_start"),
        ("{}", "评论\uff1a{}", "format_start"),
        ("{}", "<s>{}", "format_start"),
        ("{}", "{} =>", "format_end"),
    ],
)
def test_affixes_that_the_parts_do_not_share(ours: str, theirs: str, code: str) -> None:
    train = [ours.format(text) for text in CLEAN[:20]]
    test = [theirs.format(text) for text in (*CLEAN[20:], CLEAN[0])]
    found = audit_data(dataset(train), dataset(test))
    assert {one.code for one in found.problems} == {"leaked_test_rows", code}
    assert found.leaked_test_rows == 1


def test_a_missing_line_break_at_the_end_is_a_warning() -> None:
    train = [f"{text}\nAnswer:\n" for text in CLEAN[:20]]
    test = [f"{text}\nAnswer:" for text in CLEAN[20:]]
    found = audit_data(dataset(train), dataset(test))
    assert found.problems == ()
    assert "format_end" in codes(found)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (CLEAN[:20], [f"{text}." for text in CLEAN[20:]]),
        ([f"I {text}" for text in CLEAN[:20]], CLEAN[20:]),
        ([f"train comment {i}" for i in range(20)], [f"test comment {i}" for i in range(20)]),
    ],
    ids=["a full stop", "a word", "numbered"],
)
def test_text_shared_by_chance_is_no_affix(ours: list[str], theirs: list[str]) -> None:
    found = audit_data(dataset(ours), dataset(theirs))
    assert not codes(found) & {"format_start", "format_end", "leaked_test_rows"}


def test_a_few_rows_may_lack_the_affix() -> None:
    given = [f"Comment: {text}" for text in texts(40)]
    assert find_affixes([*given, "no prefix here"]).prefix == "Comment: "
    assert find_affixes([*given, *texts(5, seed=9)]).prefix == ""


def test_balance() -> None:
    train = dataset(CLEAN, ("a",) * 19 + ("b",))
    test = dataset(texts(40, 1), ("b", "a", "b", "c"))
    found = audit_data(train, test)
    assert {"imbalance", "few_rows_of_a_label", "labels_missing_in_train", "label_shift"} <= codes(
        found
    )
    assert "'c'" in of(found, "labels_missing_in_train")
    assert found.train.labels == {"a": 38, "b": 2, "c": 0}
    declared = audit_data(
        dataset(CLEAN), dataset(texts(40, 1), ("0",)), labels=LabelSet.model_validate(["1", "0"])
    )
    assert "label '1'" in of(declared, "labels_missing_in_test")
    assert list(declared.train.labels) == ["1", "0"]


def test_equal_shares_are_no_shift() -> None:
    found = audit_data(dataset(texts(400), ("0", "1", "1")), dataset(texts(40, 1), ("0", "1", "1")))
    assert "label_shift" not in codes(found)


def words(given: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(text.replace("é", "e").split()) for text in given]


def test_tokens_are_counted_after_the_template_against_the_limit() -> None:
    reader = Reader(words, template="one two {{input}}", limit=8)
    found = audit_data(dataset([*CLEAN[:20], f"{CLEAN[20]} more"]), reader=reader)
    assert found.train.tokens is not None
    assert (found.train.tokens.minimum, found.train.tokens.maximum) == (8, 9)
    assert found.train.tokens.truncated == 1
    assert "method.max_input_tokens=9" in of(found, "truncated_train_rows")
    assert next(f for f in found.findings if f.code == "truncated_train_rows").rows == (20,)


def test_labels_that_a_model_cannot_distinguish() -> None:
    names = ("store staff", "café", "cafe", "Yes", "yes ", "y")
    found = audit_data(dataset(CLEAN, names), reader=Reader(words))
    assert "'Yes' and 'yes '" in of(found, "labels_alike")
    assert "'cafe' and 'café'" in of(found, "labels_confused")
    assert "'store staff': store staff" in of(found, "labels_split")
    assert "'y' and 'yes '" in of(found, "labels_prefix")


@pytest.mark.parametrize(
    ("twin", "shown"),
    [
        ("pos\u200b", r"'pos' and 'pos\u200b'"),
        ("p\u00ados", r"'pos' and 'p\xados'"),
        ("pos\ufe0f", r"'pos' and 'pos\ufe0f'"),
        ("pos\u3164", r"'pos' and 'pos\u3164'"),
        ("pos\x00", r"'pos' and 'pos\x00'"),
        ("\u202apos", r"'pos' and '\u202apos'"),
        ("Pos", "'Pos' and 'pos'"),
        ("\uff50os", "'pos' and '\uff50os'"),
    ],
)
def test_labels_that_look_the_same_are_named(twin: str, shown: str) -> None:
    found = audit_data(dataset(CLEAN, ("pos", twin, "neg")))
    assert shown in of(found, "labels_alike")


def test_labels_in_two_unicode_forms_are_named_with_escapes() -> None:
    found = audit_data(dataset(CLEAN, ("caf\u00e9", "cafe\u0301", "tea")))
    assert r"'cafe\u0301' and 'caf\xe9'" in of(found, "labels_alike")


def test_rows_without_a_label_are_a_problem() -> None:
    found = audit_data(dataset(CLEAN[:20]), dataset(CLEAN[20:], ("0", "1", None)))
    assert found.test is not None
    assert found.test.unlabelled == 6
    assert "6 of 20 test rows have no label" in of(found, "unlabelled_test_rows")
    bare = audit_data(dataset(CLEAN[:20]), dataset(CLEAN[20:], (None,)))
    assert bare.leaked_test_rows == 0


def test_one_label_and_no_rows() -> None:
    found = audit_data(dataset(CLEAN, ("1",)))
    assert "only the label '1'" in of(found, "too_few_labels")
    assert found.leaked_test_rows is found.test is found.smallest_difference is None
    empty = Dataset(source="none", rows=())
    nothing = audit_data(empty, empty, reader=Reader(words))
    assert {"too_few_labels", "too_few_test_rows"} == codes(nothing)
    assert nothing.train.words is None


def test_power_is_that_of_the_test_which_decides() -> None:
    rows, first, second = 30, 0.3, 0.1
    expected = 0.0
    for n in range(rows + 1):
        for a in range(n + 1):
            if mcnemar_exact(a, n - a) < ALPHA and a > n - a:
                chance = binom.pmf(n, rows, first + second) * binom.pmf(a, n, 0.75)
                expected += float(chance)
    assert power_at(rows, first, second) == pytest.approx(expected, abs=1e-6)


def test_more_rows_establish_smaller_differences() -> None:
    found = [smallest_difference(rows) for rows in (0, 2, 100, 1000, 10_000)]
    assert found[:2] == [None, None]
    assert found[2:] == sorted(found[2:], reverse=True)  # type: ignore[type-var]
    needed = rows_needed(0.05)
    assert power_at(needed, 0.1, 0.05) >= POWER
    assert (smallest_difference(needed) or 1) <= 0.05


def test_a_hundred_thousand_similar_rows_are_not_compared_pair_by_pair() -> None:
    boiler_plate = "your order has been received and will be sent to you within the week number "
    found = audit_data(dataset([f"{boiler_plate}{i}" for i in range(20_000)]))
    assert found.duplicate_train_rows == 0
    assert found.near_duplicate_train_rows > 0
