"""Reads the form of an upload, of limited size."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from tunesmith_serve.refusals import Refusal, wrong

MOST_BYTES = 100_000_000
"""The limit of an upload. A job takes 10,000 rows, which are fewer."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a client sends."""

    filename: str
    purpose: str
    content: bytes


async def upload_of(request: Request, most_bytes: int = MOST_BYTES) -> Upload:
    """Return the file in the form of ``request``.

    Raises:
        Refusal: 413, it is too long; 415, the body is no form; 400, names the field.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Refusal(415, f"the content type is {kind!r:.60}; send multipart/form-data")
    try:
        form = await MultiPartParser(request.headers, _limited(request, most_bytes)).parse()
    except MultiPartException as error:
        raise Refusal(400, f"the body is no form: {error.message}") from None
    try:
        return await _read(form)
    finally:
        await form.close()


async def _read(form: FormData) -> Upload:
    file, purpose = form.get("file"), form.get("purpose")
    if not isinstance(file, UploadFile):
        raise wrong("it is missing, or has no file name", "file")
    if not isinstance(purpose, str):
        raise wrong("it is missing", "purpose")
    for name in form:
        if name not in ("file", "purpose"):
            raise wrong("not honored here; leave it out", name, code="unsupported")
    return Upload(file.filename or "file", purpose, await file.read())


async def _limited(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            raise Refusal(413, f"the upload has more than {most_bytes} bytes; send less")
        yield part
