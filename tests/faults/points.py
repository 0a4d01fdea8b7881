"""The points of a process at which the disk can fail, and the hooks that let one of them fail.

A point is one call that changes the disk below one folder: opening a file to write it, writing,
truncating, syncing, renaming, linking, making a folder, changing a mode, a safetensors file, and a
connection or a commit of SQLite.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import re
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

KILL = "kill"
FULL = "full"
"""The disk is full from the point on; each other fault happens once."""
ERRNOS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES, FULL: errno.ENOSPC}
FAULTS = (*ERRNOS, KILL)
_SQLITE = {
    errno.ENOSPC: "database or disk is full",
    errno.EIO: "disk I/O error",
    errno.EACCES: "attempt to write a readonly database",
}
_CREATES = os.O_CREAT | os.O_EXCL
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DIFFERENT = (
    (re.compile(r"\d{8}-\d{6}-"), "TIME-"),
    (re.compile(r"-[0-9a-f]{4}(?=/|$)"), "-ID"),
    (re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}"), "ID"),
    # Names of temporary files: .run.json.x7_d1kq9, .scratch-x7_d1kq9, .ID-x7_d1kq9, tmpx7_d1kq9.
    (re.compile(r"((?:^|/)(?:\.[^/]*?[.-]|\w*tmp))[a-z0-9_]{8}(?=[./]|$)"), r"\1TEMPORARY"),
)


class Point(NamedTuple):
    """The ``number``-th time that ``call`` changes ``path``."""

    call: str
    path: str
    """Below the folder, without what differs from run to run."""
    number: int

    def __str__(self) -> str:
        return f"{self.call} {self.path} #{self.number}"


def stable(path: str) -> str:
    """Return ``path`` without ids, times and the names of temporary files."""
    for pattern, instead in _DIFFERENT:
        path = pattern.sub(instead, path)
    return path


@dataclass
class Injector:
    """Counts the points of this process, and lets ``target`` fail with ``fault``.

    A process that installs it keeps it until it ends.
    """

    folder: Path
    target: Point | None = None
    fault: str = KILL
    fired: Callable[[], None] = lambda: None
    """Called before the fault."""

    def __post_init__(self) -> None:
        self.points: list[Point] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.RLock()
        self._full = False
        self._inside = threading.local()

    def install(self) -> None:
        """Hook the calls of Python, of safetensors and of SQLite."""
        sys.addaudithook(self._audit)
        builtins.open = io.open = self._open  # type: ignore[assignment]
        for name in ("write", "fsync", "sendfile"):
            setattr(os, name, self._on_descriptor(name, getattr(os, name)))
        self._hook_safetensors()
        self._hook_sqlite()

    def fails(self, call: str, path: Any) -> OSError | None:
        """Count a point. Return the error with which it is to fail, or end the process."""
        below = self._below(path)
        if below is None:
            return None
        with self._lock:
            self._counts[call, below] += 1
            point = Point(call, below, self._counts[call, below])
            self.points.append(point)
            if point != self.target and not self._full:
                return None
            if point == self.target:
                self.fired()
            self._full = self.fault == FULL
        if self.fault == KILL:
            return OSError(0, KILL)
        number = ERRNOS[self.fault]
        return OSError(number, os.strerror(number))

    def _below(self, path: Any) -> str | None:
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100  # not resolved: links are points
        inside = full.startswith(f"{self.folder}{os.sep}")
        return stable(full[len(str(self.folder)) + 1 :]) if inside else None

    def _check(self, call: str, path: Any, *, named: bool = True) -> None:
        error = self.fails(call, path)
        if error is None:
            return
        if error.strerror == KILL:
            die()
        raise OSError(error.errno, error.strerror, *([os.fspath(path)] if named else []))

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            taken = flags & _CREATES == _CREATES and isinstance(path, str) and os.path.lexists(path)
            if flags & _WRITES and not taken:
                self._check("open", path)
        elif event == "os.mkdir":
            path = os.fspath(arguments[0])
            # Otherwise the call fails for another reason.
            if not os.path.lexists(path) and Path(os.fsdecode(path)).absolute().parent.is_dir():
                self._check("mkdir", path)
        elif event in ("os.rename", "os.link", "os.symlink"):
            self._check(event.removeprefix("os."), arguments[1])
        elif event in ("os.chmod", "os.utime", "os.truncate"):
            self._check(event.removeprefix("os."), arguments[0])

    def _open(
        self, file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None,
        errors: Any = None, newline: Any = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        plain = (mode, buffering, encoding, errors, newline, closefd, opener)
        if not set(mode) & set("wax+"):
            return _OPEN(file, *plain)
        path = _path_of(file) if isinstance(file, int) else file
        if self._below(path) is None:
            return _OPEN(file, *plain)
        raw = _Raw(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        raw.check = lambda call: self.fails(call, path)
        if buffering == 0:
            return raw
        made = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return made if "b" in mode else io.TextIOWrapper(made, encoding, errors, newline)

    def _on_descriptor(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def checked(descriptor: int, *arguments: Any) -> Any:
            self._check(name, _path_of(descriptor), named=False)
            return call(descriptor, *arguments)

        return checked

    def _hook_safetensors(self) -> None:
        # It is written in Rust, to a temporary file that it renames.
        module = sys.modules.get("safetensors.torch")
        if module is None:
            return
        from safetensors import SafetensorError

        write = module.serialize_file

        def checked(tensors: Any, path: Any, *arguments: Any, **options: Any) -> None:
            error = self.fails("safetensors", path)
            if error is None:
                return write(tensors, path, *arguments, **options)
            temporary = Path(path).parent / ".tmpAbCdEf"
            if error.strerror == KILL:
                temporary.write_bytes(b"half")
                die()
            raise SafetensorError(
                f"Error while serializing: I/O error: {error.strerror} (os error {error.errno}) at "
                f'path "{temporary}"'
            )

        module.serialize_file = checked

    def _hook_sqlite(self) -> None:
        injector, connect = self, sqlite3.connect

        class Cursor(sqlite3.Cursor):
            def execute(self, statement: str, *arguments: Any) -> Any:
                if statement.lstrip().upper().startswith("CREATE"):  # commits by itself
                    injector._check_sqlite("create", self.connection.path)
                return super().execute(statement, *arguments)

        class Connection(sqlite3.Connection):
            path = ""

            def cursor(self, factory: Any = Cursor) -> Any:
                return super().cursor(factory)

            def commit(self) -> None:
                if self.in_transaction:  # otherwise nothing is written
                    injector._check_sqlite("commit", self.path)
                super().commit()

        def checked(database: Any, *arguments: Any, **options: Any) -> Any:
            self._check_sqlite("connect", database)
            made = connect(database, *arguments, **{**options, "factory": Connection})
            made.path = database
            return made

        sqlite3.connect = sqlite3.dbapi2.connect = checked  # type: ignore[assignment]

    def _check_sqlite(self, call: str, path: Any) -> None:
        error = self.fails(call, path)
        if error is None:
            return
        if error.strerror == KILL:
            die()
        opening = call == "connect"
        raise sqlite3.OperationalError(
            "unable to open database file" if opening else _SQLITE[error.errno or 0]
        )


class _Raw(io.FileIO):
    """A file that writes half and then fails, as on a full disk, and fails from then on."""

    check: Callable[[str], OSError | None]
    _error: OSError | None = None

    def write(self, data: Any) -> int:
        if self._error is not None:
            raise self._error
        self._error = self.check("write")
        if self._error is None:
            return super().write(data) or 0
        view = memoryview(data).cast("B")
        half = super().write(view[: len(view) // 2]) if len(view) > 1 else 0
        if self._error.strerror == KILL:
            die()
        if not half:
            raise self._error
        return half

    def truncate(self, size: int | None = None) -> int:
        error = self.check("truncate")
        if error is not None:
            if error.strerror == KILL:
                die()
            raise error
        return super().truncate(size)


_OPEN = io.open


def die() -> None:
    """End this process as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def _path_of(descriptor: int) -> str:
    return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115  # as text
