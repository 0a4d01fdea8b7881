"""The folders of one emulator under its data directory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from tunesmith.errors import ExperimentError


class Files:
    """The paths of one emulator. Makes the folders and deletes unfinished uploads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "state.sqlite"
        self.uploads = root / "assets"
        """One file for each attachment. Its name is the id: a client's name is never a path."""
        self.arriving = root / "arriving"
        """Unfinished uploads; a restart deletes them."""
        self.store = root / "store"
        """The backend's own store."""
        self.authority = root / "authority"
        """Certificates and the secret that signs tokens."""
        shutil.rmtree(self.arriving, ignore_errors=True)
        for folder in (self.uploads, self.arriving, self.store, self.authority):
            folder.mkdir(parents=True, exist_ok=True)
        self.authority.chmod(0o700)

    def attachment(self, attachment_id: str) -> Path:
        """Return the file of an attachment."""
        return self.uploads / attachment_id

    def clear(self) -> None:
        """Delete the uploads."""
        for file in self.uploads.iterdir():
            file.unlink()


def unusable(file: Path, reason: object) -> ExperimentError:
    """Return the error for a file of the data directory that cannot be used as it is."""
    return ExperimentError(f"{file}: {reason}; move it away or give another --data-dir")


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Open the data directory inside.

    Raises:
        ExperimentError: the operating system refuses one of its files, or SQLite the database.
    """
    try:
        yield
    except DatabaseError as error:
        raise _refused(folder, f"state.sqlite: {error.orig}") from None
    except OSError as error:
        file = error.filename2 or error.filename or folder
        raise _refused(folder, f"{file}: {error.strerror}") from None


def _refused(folder: Path, reason: str) -> ExperimentError:
    return ExperimentError(
        f"{folder}: cannot be the data directory ({reason}); give another --data-dir"
    )
