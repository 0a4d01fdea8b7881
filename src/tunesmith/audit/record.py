"""What an audit leaves behind: a value that survives JSON and goes into the run record."""

from __future__ import annotations

from pydantic import Field

from tunesmith.audit.findings import Finding
from tunesmith.audit.frames import Frame
from tunesmith.audit.lengths import Lengths, TokenCounts
from tunesmith.records import LabelTokens, Record


class PartAudit(Record):
    """What one part of the data looks like."""

    source: str
    rows: int
    labels: dict[str, int]
    """Rows of each label."""
    unlabelled: int
    """Rows without a label."""
    frame: Frame
    """What nearly every row has around its own text."""
    characters: Lengths | None
    """None where there are no rows."""
    words: Lengths | None
    tokens: TokenCounts | None
    """None where no tokenizer was asked."""


class Audit(Record):
    """What is to be known about a training file and a test file.

    What belongs to the test rows is None where there are none. Counts of copies are explained in
    ``tunesmith.audit.copies``, those of near copies in ``tunesmith.audit.near``.
    """

    train: PartAudit
    test: PartAudit | None
    duplicate_train_rows: int
    """Copies beyond the first."""
    duplicate_test_rows: int | None
    leaked_test_rows: int | None
    """Test rows whose text is a training row's."""
    near_duplicate_train_rows: int
    """Rows that are no copy, and nearly an earlier row."""
    near_leaked_test_rows: int | None
    """Test rows that are no copy, and nearly a training row."""
    label_conflicts: int
    """Texts with more than one label, in either part or across."""
    smallest_difference: float | None
    """In accuracy, that so many test rows establish with 80 % power; None where none."""
    labels: dict[str, LabelTokens] = Field(default_factory=dict)
    """How the untuned model would write each label, if it was asked."""
    findings: tuple[Finding, ...]
    """The most serious first."""

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that make the results of a run say less than they seem to."""
        return tuple(found for found in self.findings if found.severity == "problem")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a run must know."""
        return tuple(found.message for found in self.problems)
