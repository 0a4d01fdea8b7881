"""What both ways of reading share: a quiet transformers, and what it could not fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from logging import ERROR
from typing import Any

from transformers.utils import logging

from tunesmith_local.model.gguf.header import Header
from tunesmith_local.model.gguf.problems import unusable


@contextmanager
def quietly() -> Iterator[None]:
    """Hide the reports of transformers inside, and the bar of its GGUF reader.

    What the reports list is checked by :func:`refuse_unfilled`; the bar is tqdm's own and heeds
    no setting.
    """
    level = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logging.set_verbosity(level)


def refuse_unfilled(header: Header, found: Mapping[str, Any]) -> None:
    """Raise a NotFoundError if ``found``, transformers' report, has weights that are random.

    They are those for which the file has no tensor, or one of another shape.
    """
    for name in sorted(found["missing_keys"]):
        raise unusable(header.place, f"it has no tensor for {name}")
    for name, stored, wanted in sorted(found["mismatched_keys"]):
        raise unusable(
            header.place,
            f"its tensors do not fit its fields ({header.architecture}.*): the one for {name} is "
            f"{list(stored)}, and by the fields it is {list(wanted)}",
        )
