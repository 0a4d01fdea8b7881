"""The audit of a data set, before anything is tuned on it and in every run.

It reports copies and leaks, label conflicts, class balance, lengths, affixes that the parts do not
share, labels that a tokenizer splits or confuses, and the difference that the test rows establish.
"""

from __future__ import annotations

from tunesmith.audit.auditing import Audit, Overlaps, PartAudit, audit_data, find_overlaps
from tunesmith.audit.findings import SEVERITIES, Finding
from tunesmith.audit.lengths import Reader, TokenCounts, token_counts

__all__ = [
    "SEVERITIES",
    "Audit",
    "Finding",
    "Overlaps",
    "PartAudit",
    "Reader",
    "TokenCounts",
    "audit_data",
    "find_overlaps",
    "token_counts",
]
