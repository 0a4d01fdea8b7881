"""Every error that tunesmith raises on purpose.

A message says what happened, where (file, row, field) and what to do next. The command line
prints it as it is and exits with the ``exit_code`` of the family.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

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


class ColumnError(DatasetError):
    """The column of the text or of the label is missing or not clear.

    The remedy is an option, a key or an argument. ``way`` says which, for the caller that it has.
    """

    def __init__(self, message: str, field: str) -> None:
        """Keep the message, and ``field``: ``input_field`` or ``output_field``."""
        super().__init__(message, field)
        self.field = field
        self.way = f"data.{field} of the experiment, or the argument {field}"

    def __str__(self) -> str:
        """Return the message with the remedy."""
        return f"{self.args[0]} Name the column: {self.way}"


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


class ClosedError(BackendError):
    """The backend is being closed; what waited for it is not answered."""


class Remedy(NamedTuple):
    """What to do about an error of the operating system."""

    fix: str
    otherwise: str = ""
    """What else or what next, unless a command to continue is named."""

    def __str__(self) -> str:
        """Return the whole remedy."""
        return f"{self.fix} {self.otherwise}".rstrip()


_AGAIN, _ELSEWHERE = "and run again", "or choose another place"
REMEDIES = {
    errno.ENOSPC: Remedy("free some space", _AGAIN),
    errno.EDQUOT: Remedy("delete some files, because your quota is used up", _AGAIN),
    errno.EFBIG: Remedy("raise the limit of the size of a file (ulimit -f)", _AGAIN),
    errno.EMFILE: Remedy("raise the limit of open files (ulimit -n)", _AGAIN),
    errno.ENFILE: Remedy("end other programs, because they have too many open files", _AGAIN),
    errno.EIO: Remedy("repair the disk or its connection (the system log names the fault)", _AGAIN),
    errno.ESTALE: Remedy("mount the network drive again", _AGAIN),
    errno.EACCES: Remedy("change its permissions", _ELSEWHERE),
    errno.EPERM: Remedy("change its permissions", _ELSEWHERE),
    errno.EROFS: Remedy("make its file system writable", _ELSEWHERE),
    errno.ENOENT: Remedy("check the path"),
    errno.ENOTDIR: Remedy("check the path"),
    errno.EISDIR: Remedy("name a file"),
    errno.ENAMETOOLONG: Remedy("choose a shorter name"),
}
"""By the number of the error."""


def near_misses(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'a' or 'b'?`` for names close to ``name``, else an empty string."""
    others = [other for other in known if other != name]
    close = difflib.get_close_matches(name, others, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(f'{c!r:.80}' for c in close)}?" if close else ""


def remedy_of(error: OSError) -> Remedy:
    """Return the remedy for an error of the operating system."""
    return REMEDIES.get(error.errno or 0, Remedy("check the path and its permissions"))


def io_reason(error: OSError, path: object = None) -> str:
    """Return ``path: reason`` of a failed access to a file.

    Args:
        error: the error of the operating system.
        path: of the file, if the error does not name it.
    """
    where = error.filename or path
    return f"{f'{where}: ' if where else ''}{error.strerror or error}"


def io_problem(error: OSError, path: object = None) -> str:
    """Return ``path: reason; remedy`` of a failed access to a file, as :func:`io_reason`."""
    return f"{io_reason(error, path)}; {remedy_of(error)}"


def reason_of(error: BaseException) -> str:
    """Return the message of ``error`` for a record; one of the system gets a remedy."""
    return io_problem(error) if isinstance(error, OSError) else str(error)


def unreadable(error: OSError | UnicodeDecodeError, path: object) -> str:
    """Return ``path: reason; remedy`` of a text file that cannot be read or is not UTF-8."""
    if isinstance(error, OSError):
        return io_problem(error, path)
    return f"{path}: not UTF-8 text: {error.reason} at byte {error.start}. Save the file as UTF-8"


def near_keys(name: str, known: Iterable[str]) -> str:
    """Return ``near_misses`` for the last part of a dotted key, so that no group hides a key."""
    keys = {key.rpartition(".")[2]: key for key in known if key != name}
    last = name.rpartition(".")[2]
    close = [last] if last in keys else difflib.get_close_matches(last, keys, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(keys[c]) for c in close)}?" if close else ""


def first_problem(error: ValidationError, known: Iterable[str] = ()) -> str:
    """Return ``field.path: message`` of the first problem, without the value itself.

    The value is left out because it may be a secret. ``known`` are the dotted keys that there are;
    those near an unknown one are named.
    """
    problem, *others = error.errors(include_url=False, include_input=False)
    where = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    message = {
        "extra_forbidden": "no such key",
        "string_type": "must be text; write it in quotes",
    }.get(problem["type"], message)
    more = f" (and {len(others)} more)" if others else ""
    if problem["type"] == "extra_forbidden" and (near := near_keys(where, known)):
        more += f".{near}"
    named = not where or message.startswith(where)
    return f"{message}{more}" if named else f"{where}: {message}{more}"
