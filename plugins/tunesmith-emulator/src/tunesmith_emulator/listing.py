"""Parts of lists. The database reads no more rows than a part has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a list that a client asks for."""

    start: int
    limit: int
    counted: bool = False
    """Whether the client asks how long the whole list is."""


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A part of a list."""

    items: Sequence[T]
    more: bool
    """Whether the list goes on after it."""
    total: int | None = None
    """The length of the whole list, if it was asked for."""

    def map(self, change: Callable[[T], U]) -> Part[U]:
        """Return the part with changed items."""
        return Part([change(item) for item in self.items], self.more, self.total)


ReadPart = Callable[[Window], Part[Any]]


def whole(items: Sequence[Any]) -> ReadPart:
    """Return what reads the parts of a list that is in memory."""

    def read(window: Window) -> Part[Any]:
        end = window.start + window.limit
        return Part(items[window.start : end], end < len(items), len(items))

    return read


def read_part(
    session: Session,
    query: Select[T],
    order: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    window: Window,
) -> Part[T]:
    """Read the rows of ``query`` that ``window`` names.

    Args:
        session: an open session.
        query: selects one entity, in no order.
        order: an index has these columns in this order, after those that the query compares.
        window: names the part.
    """
    # One row more tells whether the list goes on.
    chosen = query.order_by(*order).offset(window.start).limit(window.limit + 1)
    rows = session.scalars(chosen).all()
    total = None
    if window.counted:
        counting = query.with_only_columns(func.count(), maintain_column_froms=True)
        total = session.scalar(counting)
    return Part(rows[: window.limit], len(rows) > window.limit, total)


def read_after(
    session: Session,
    query: Select[T],
    key: tuple[Any, Any],
    last: tuple[Any, Any] | None,
    window: Window,
    *,
    newest_first: bool,
) -> Part[T]:
    """Read the rows of ``query`` behind the last one that a client has.

    Args:
        session: an open session.
        query: selects one entity, in no order.
        key: the columns of the order; see :func:`read_part`.
        last: the values of these columns in the last row that the client has.
        window: its ``limit`` counts the rows.
        newest_first: whether the order is descending.
    """
    if last is not None:
        row, bound = tuple_(*key), tuple_(*last)
        query = query.where(row < bound if newest_first else row > bound)
    order = [column.desc() if newest_first else column.asc() for column in key]
    return read_part(session, query, order, window)
