"""Every error that tunesmith raises on purpose.

A message says what happened, where (file, row, field) and what to do next. The command line
prints it as it is and exits with the ``exit_code`` of the family.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pydantic import ValidationError


class TunesmithError(Exception):
    """Root of the tree. ``exit_code`` is the exit code of the command line."""

    exit_code: ClassVar[int] = 1


class ExperimentError(TunesmithError, ValueError):
    """The experiment, an option or a setting is wrong."""

    exit_code = 2


class DatasetError(TunesmithError, ValueError):
    """A data file or one of its rows is wrong."""

    exit_code = 2


class RunError(TunesmithError, ValueError):
    """A run directory or a record file is missing, unfinished or unreadable."""

    exit_code = 2


class PluginError(TunesmithError):
    """A plugin or an optional package is missing or broken, or two plugins claim one name."""

    exit_code = 3


class UnsupportedError(TunesmithError):
    """The backend does not declare the feature; nothing was sent to it."""

    exit_code = 4


class BackendError(TunesmithError):
    """The provider failed."""

    exit_code = 5


class AuthenticationError(BackendError):
    """The provider does not accept the credentials."""


class QuotaError(BackendError):
    """A rate limit or the limit of a plan."""


class NotFoundError(BackendError):
    """The provider has no such model, job or deployment."""


class BackendTimeoutError(BackendError):
    """No answer in time."""


class TuningError(BackendError):
    """The tuning failed or was cancelled."""


class DeploymentError(BackendError):
    """The deployment failed."""


class PredictionError(BackendError):
    """Generation failed."""


def near_misses(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'a' or 'b'?`` for names close to ``name``, else an empty string."""
    others = [other for other in known if other != name]
    close = difflib.get_close_matches(name, others, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""


def first_problem(error: ValidationError) -> str:
    """Return ``field.path: message`` of the first problem, without the value itself.

    The value is left out because it may be a secret.
    """
    problem, *others = error.errors(include_url=False, include_input=False)
    where = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "no such key"
    more = f" (and {len(others)} more)" if others else ""
    named = not where or message.startswith(where)
    return f"{message}{more}" if named else f"{where}: {message}{more}"
