"""Files: uploaded, listed, read and deleted. A file of training rows is checked when it arrives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tunesmith.atomic import write_atomically
from tunesmith.dataset.chat import has_messages
from tunesmith.errors import NotFoundError
from tunesmith_emulator.openai_api.store import FileRecord, Store, new_id
from tunesmith_serve.refusals import Problem, Refusal, wrong

FINE_TUNE, RESULTS = "fine-tune", "fine-tune-results"
PURPOSES = (FINE_TUNE, "assistants", "batch", "evals", "user_data", "vision")
"""The purposes that a client may name (``openai`` 3.57)."""


class Files:
    """The files of ``store``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def upload(self, filename: str, purpose: str, content: bytes) -> FileRecord:
        """Check a client's file and keep it.

        Raises:
            Refusal: 400, the purpose is unknown, or the content is no chat file.
        """
        if purpose not in PURPOSES:
            raise wrong(f"{purpose!r:.60} is none of {', '.join(PURPOSES)}", "purpose")
        if not content:
            raise wrong("the file is empty", "file")
        if purpose == FINE_TUNE:
            _check_lines(content)
        return self.add(filename, purpose, content)

    def add(self, filename: str, purpose: str, content: bytes) -> FileRecord:
        """Keep a file."""
        record = FileRecord(
            id=new_id("file"), filename=filename, purpose=purpose, size=len(content)
        )
        # The record last: a file that has one is complete.
        write_atomically(self._store.bytes_of(record.id), content)
        self._store.files.put(record.id, record)
        return record

    def all(self, purpose: str | None, order: str) -> list[FileRecord]:
        """Return the files, the newest first unless ``order`` is ``asc``.

        Raises:
            Refusal: 400, another order.
        """
        if order not in ("asc", "desc"):
            raise wrong(f"{order!r:.40} is neither asc nor desc", "order")
        found = [one for one in self._store.files.all() if purpose in (None, one.purpose)]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=order == "desc")

    def get(self, file_id: str) -> FileRecord:
        """Return a file.

        Raises:
            Refusal: 404, there is none.
        """
        try:
            return self._store.files.get(file_id)
        except NotFoundError:
            raise _no_file(404, file_id, "id") from None

    def content(self, file_id: str) -> bytes:
        """Return the bytes of a file; see :meth:`get`."""
        return self._store.bytes_of(self.get(file_id).id).read_bytes()

    def delete(self, file_id: str) -> None:
        """Delete a file; see :meth:`get`. A job that runs has its rows already."""
        self._store.files.remove(self.get(file_id).id)
        self._store.bytes_of(file_id).unlink(missing_ok=True)

    def for_tuning(self, file_id: str, field: str) -> tuple[str, Path]:
        """Return name and bytes of a file that the field of a job names.

        Raises:
            Refusal: 400, there is no such file, or it has another purpose.
        """
        try:
            record = self._store.files.get(file_id)
        except NotFoundError:
            raise _no_file(400, file_id, field) from None
        if record.purpose != FINE_TUNE:
            raise wrong(
                f"{file_id} has the purpose {record.purpose!r}; upload it with purpose "
                f"{FINE_TUNE!r}",
                field,
                code="invalid_file_purpose",
            )
        return record.filename, self._store.bytes_of(record.id)


def _no_file(status: int, file_id: str, field: str) -> Refusal:
    message = f"{field}: no file {file_id!r:.80}; it was never uploaded, or is deleted"
    return Refusal(status, message, problems=(Problem((field,), message),), code="file_not_found")


def _check_lines(content: bytes) -> None:
    """Refuse what is not JSON lines in the chat format; what the rows say is checked by a job."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_chat_file(f"not UTF-8 text at byte {error.start}") from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise _no_chat_file("there are no rows")
    for number, line in lines:
        if not has_messages(_object_of(number, line)):
            raise _no_chat_file(
                f"line {number} has no list 'messages'; write "
                '{"messages": [{"role": "user", …}, {"role": "assistant", …}]}'
            )


def _object_of(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise _no_chat_file(
            f"line {number} is no JSON; write JSON lines: one object on each line"
        ) from None


def _no_chat_file(why: str) -> Refusal:
    return wrong(why, "file", code="invalid_file_format")
