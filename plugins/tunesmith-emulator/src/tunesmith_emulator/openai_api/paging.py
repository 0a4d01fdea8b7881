"""Lists in pages: ``after`` is the id of the last item that a client has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith_serve.refusals import wrong


def page(
    items: Sequence[Mapping[str, Any]],
    query: Mapping[str, str],
    *,
    usual: int = 20,
    most: int = 100,
) -> dict[str, Any]:
    """Return the part of ``items`` that a query asks for.

    Args:
        items: all of them, each with its ``id``, in the order of the list.
        query: may have ``after`` and ``limit``.
        usual: the number of items if the query has no ``limit``.
        most: the highest limit.

    Raises:
        Refusal: 400, names the parameter.
    """
    ids = [item["id"] for item in items]
    after, start = query.get("after"), 0
    if after is not None:
        if after not in ids:
            raise wrong(f"{after!r:.100} is no id of this list", "after")
        start = ids.index(after) + 1
    part = items[start : start + _limit(query, usual, most)]
    return {
        "object": "list",
        "data": list(part),
        "first_id": part[0]["id"] if part else None,
        "last_id": part[-1]["id"] if part else None,
        "has_more": start + len(part) < len(items),
    }


def _limit(query: Mapping[str, str], usual: int, most: int) -> int:
    given = query.get("limit", str(usual))
    if not re.fullmatch("[0-9]{1,9}", given) or not 1 <= int(given) <= most:
        raise wrong(f"a whole number from 1 to {most}, not {given!r:.40}", "limit")
    return int(given)
