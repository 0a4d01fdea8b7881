"""Parts of the rows, drawn with a seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from tunesmith.dataset.rows import Dataset, shown
from tunesmith.dataset.splits import stratified_part
from tunesmith.errors import DatasetError
from tunesmith.labels import LabelSet
from tunesmith.records import Row


def check_training_rows(data: Dataset, labels: LabelSet) -> None:
    """Refuse training rows that hold fewer than two classes.

    Raises:
        DatasetError: all rows have one label; the message names it and those that are missing.
    """
    counts = Counter(row.output for row in data.rows)
    if len(counts) < 2:
        missing = shown(label for label in labels if label not in counts)
        raise DatasetError(
            f"{data.source}: all {len(data)} rows have the output {data.rows[0].output!r}; "
            f"a classifier needs rows of other labels too ({missing})"
        )


def stratified_split(data: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split off ``fraction`` of the rows, every label in proportion, rows in file order.

    Rows with equal input stay in one part. A copy of a training row never validates it.

    Raises:
        DatasetError: a label has too few distinct rows.
    """
    firsts: dict[str, str | None] = {}
    for row in data.rows:
        firsts.setdefault(row.input, row.output)
    inputs = list(firsts)
    try:
        drawn = stratified_part([str(firsts[i]) for i in inputs], fraction, seed)
        chosen = {inputs[row] for row in drawn}
        rest = tuple(row for row in data.rows if row.input not in chosen)
        part = tuple(row for row in data.rows if row.input in chosen)
        # A text may have several labels, and the split goes by its first one.
        if lost := {row.output for row in part} - {row.output for row in rest}:
            raise ValueError(f"no row is left of {shown(map(str, lost))}")
    except ValueError as error:
        raise DatasetError(
            f"{data.source}: cannot split off {fraction:g} of {len(inputs)} distinct rows with "
            f"every label in it ({error}). Give data.validation a file, leave it out, or add rows"
        ) from None
    name = f"{data.source} ({fraction:g})"
    return Dataset(source=data.source, rows=rest), Dataset(source=name, rows=part)


def stratified_sample(rows: Sequence[Row], size: int, seed: int) -> list[Row]:
    """Draw at most ``size`` rows, every label in turn, the same for the same seed."""
    rng = random.Random(seed)
    by_label: dict[str | None, list[Row]] = {}
    for row in rows:
        by_label.setdefault(row.output, []).append(row)
    shuffled = [rng.sample(group, len(group)) for group in by_label.values()]
    turns = (group[turn] for turn in range(size) for group in shuffled if turn < len(group))
    return list(islice(turns, size))


def few_shot_examples(
    rows: Sequence[Row], labels: LabelSet, per_label: int, seed: int
) -> list[Row]:
    """Draw ``per_label`` rows of every label, interleaved, the same for the same seed.

    Raises:
        DatasetError: a label has fewer rows than that.
    """
    rng = random.Random(seed)
    drawn = []
    for label in labels:
        candidates = [row for row in rows if row.output == label]
        if len(candidates) < per_label:
            raise DatasetError(
                f"few_shot: {per_label} examples of {label!r} asked for, "
                f"{len(candidates)} training rows have it"
            )
        drawn.append(rng.sample(candidates, per_label))
    return [row for group in zip(*drawn, strict=True) for row in group]
