"""The templates of the pages. All but our own charts is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tunesmith.evaluation.comparison import format_p, p_text
from tunesmith.report import charts
from tunesmith.report import formatting as words

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def filled(template: str, **values: Any) -> str:
    """Return a page; the same values give the same text."""
    page = environment().get_template(template).render(**values)
    return re.sub(r"\n\s*\n+", "\n", page).strip() + "\n"


def drawn(draw: Callable[..., str], what: Any) -> dict[str, Markup] | str | None:
    """Draw ``what`` for a page and for a phone.

    Returns None if there is nothing to draw, and a sentence if there is nothing to draw with.
    """
    if not what:
        return None
    if not charts.available():
        return charts.UNAVAILABLE
    from markupsafe import Markup

    # Safe: our own charts, whose text matplotlib escapes.
    return {
        "wide": Markup(draw(what, width=charts.WIDE)),  # noqa: S704
        "narrow": Markup(draw(what, width=charts.NARROW)),  # noqa: S704
    }


def _classes(*names: str | None) -> Markup:
    """Return the attribute ``class`` of an element; nothing without a name."""
    from markupsafe import Markup

    found = " ".join(filter(None, names))
    return Markup(' class="{}"').format(found) if found else Markup()


@cache
def environment() -> Environment:
    """Return the templates with their filters."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tunesmith"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "percent": words.percent, "signed": words.signed,
        "span": words.span, "signed_span": words.signed_span, "duration": words.duration,
        "plain": words.plain, "latency": words.latency,
        # Every p stays on the line of its value.
        "unbroken": lambda text: re.sub(r"\bp ([<=]) ", "p\xa0\\1\xa0", text),
        "cut": lambda value: words.cut(str(value)), "said": words.answer,
        "p_text": p_text,
        "kind": lambda block: type(block).__name__,
        "interval": lambda evaluation: words.span(evaluation.accuracy_interval), "path": quote,
    }  # fmt: skip
    environment.globals |= {
        "format_p": format_p, "count": words.count, "classes": _classes, "drawn": drawn,
    }  # fmt: skip
    return environment
