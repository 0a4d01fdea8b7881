"""Silences transformers while it loads weights, and refuses a model that lacks some."""

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
    """Hide the load reports of transformers, and the progress bar of its GGUF reader.

    :func:`refuse_unfilled` checks what the reports list. The bar goes to stderr, because it is
    made by tqdm directly and no setting of transformers turns it off.
    """
    level = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logging.set_verbosity(level)


def refuse_unfilled(header: Header, found: Mapping[str, Any]) -> None:
    """Raise a NotFoundError if weights were initialized at random.

    ``found`` is the report of transformers. It lists the weights for which the file has no tensor,
    or a tensor of another shape.
    """
    for name in sorted(found["missing_keys"]):
        raise unusable(header.path, f"it has no tensor for {name}")
    for name, stored, wanted in sorted(found["mismatched_keys"]):
        raise unusable(
            header.path,
            f"its tensors do not fit its fields ({header.architecture}.*): the one for {name} is "
            f"{list(stored)}, and by the fields it is {list(wanted)}",
        )
