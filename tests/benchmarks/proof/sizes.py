"""The three sizes of a proof: their data sets, rows, seeds and methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"


@dataclass(frozen=True, slots=True)
class DataSet:
    """One public data set of the proof, with its prompts."""

    name: str
    title: str
    test_part: str
    """The ready file whose rows are the test rows, e.g. ``sst2_dev``."""
    template: str
    """Of every method whose settings are written by hand. It ends in a line break."""
    question: str
    """The template as a message to a chat model."""
    examples_per_label: int
    """Of few-shot."""


DATA_SETS = (
    DataSet(
        name="sst2",
        title="SST-2",
        test_part="sst2_dev",
        template="Review: {{input}}\nSentiment:\n",
        question="Review: {{input}}\n\nIs the sentiment of this review negative or positive? "
        "Answer with one word.",
        examples_per_label=4,
    ),
    DataSet(
        name="banking77",
        title="banking77",
        test_part="banking77_test",
        template="Question: {{input}}\nTopic:\n",
        question="Question of a customer: {{input}}\n\nWhich topic is it about: {{labels}}? "
        "Answer with the topic alone.",
        examples_per_label=1,
    ),
    DataSet(
        name="sms_spam",
        title="SMS spam",
        test_part="sms_spam_test",
        template="Message: {{input}}\nSpam or ham:\n",
        question="Message: {{input}}\n\nIs this message spam or ham? Answer with one word.",
        examples_per_label=4,
    ),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """The number of rows of a data set; None means all."""

    train: int | None
    test: int | None
    labels: int | None = None
    """The labels with most training rows, alphabetical among equals; None means all."""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a proof."""

    name: str
    rows: Mapping[str, Rows]
    """By name of the data set."""
    seeds: Mapping[str, int] = field(default_factory=dict)
    """Seeds of prompt tuning, by name of the data set; one if it is not there."""
    init_seeds: int = 3
    """Seeds of prompt tuning as ``tunesmith init`` writes it."""
    epochs: int = 4
    """Of the methods whose settings are written by hand."""
    lora: tuple[str, ...] = ("sst2",)
    """Data sets on which LoRA is tuned, with one seed."""
    title: str = ""


DEFAULT = Size(
    name="default",
    title="a sample of the training rows",
    rows={
        "sst2": Rows(train=500, test=None),
        "banking77": Rows(train=300, test=None, labels=10),
        "sms_spam": Rows(train=300, test=500),
    },
    seeds={"sst2": 3},
)
LONG = Size(
    name="long",
    title="all rows and labels",
    rows={name: Rows(None, None) for name in ("sst2", "banking77", "sms_spam")},
    seeds={"sst2": 3, "banking77": 3, "sms_spam": 3},
)
QUICK = Size(
    name="quick",
    title="a few rows, to see that it works",
    rows={
        "sst2": Rows(train=40, test=20),
        "banking77": Rows(train=40, test=20, labels=3),
        "sms_spam": Rows(train=40, test=20),
    },
    init_seeds=1,
    epochs=1,
    lora=(),
)
SIZES = {size.name: size for size in (DEFAULT, LONG, QUICK)}
