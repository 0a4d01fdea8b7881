"""Reads the fields of a GGUF file and the positions of its tensors, but not the tensors.

The reader of the package ``gguf`` is not used, for two reasons. It builds an object for every token
of the vocabulary, which takes seconds. And for a truncated file it raises an ``IndexError``, or no
error. The layout of a file is simple: fields, then a table of tensors, then their bytes.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from tunesmith_local.model.gguf.files import MAGIC
from tunesmith_local.model.gguf.problems import unusable

_AGAIN = "the file was truncated or damaged; download it again"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS = dict(
    enumerate(("<B", "<b", "<H", "<h", "<I", "<i", "<f", "<?", "", "", "<Q", "<q", "<d"))
)


@dataclass(frozen=True)
class StoredTensor:
    """The position, shape and type of one tensor in the file."""

    name: str
    shape: tuple[int, ...]
    """In the order of torch: the last dimension is contiguous."""
    kind: GGMLQuantizationType
    start: int
    """Offset from the start of the file, in bytes."""
    size: int
    """Bytes."""


@dataclass(frozen=True)
class Header:
    """The fields of a GGUF file and the table of its tensors."""

    path: Path
    fields: Mapping[str, Any]
    tensors: Mapping[str, StoredTensor]

    @property
    def architecture(self) -> str:
        """llama.cpp's name of the architecture."""
        return str(self.need("general.architecture"))

    def need(self, field: str) -> Any:
        """Return a field.

        Raises:
            NotFoundError: the file has no such field.
        """
        if field not in self.fields:
            raise unusable(self.path, f"field {field} is missing")
        return self.fields[field]

    def own(self, field: str, default: Any = None) -> Any:
        """Return a field of the architecture, such as ``block_count`` of ``granite.block_count``.

        Raises:
            NotFoundError: the file has no such field, and there is no default.
        """
        full = f"{self.architecture}.{field}"
        return self.need(full) if default is None else self.fields.get(full, default)


def read_header(path: Path) -> Header:
    """Read the fields and the tensor table of a GGUF file.

    Raises:
        NotFoundError: it is not a GGUF file, or it ends before its last tensor.
    """
    size = path.stat().st_size
    if size < len(MAGIC):
        raise unusable(path, f"it has {size} bytes, too few for a GGUF file", _AGAIN)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(MAGIC)] != MAGIC:
            raise unusable(path, "it does not begin with the bytes GGUF, so it is no GGUF file")
        return _Reader(path, content).header()


class _Reader:
    """Reads a file from front to back. ``_what`` names the current part in errors."""

    def __init__(self, path: Path, content: mmap.mmap) -> None:
        self._path, self._content, self._size = path, content, len(content)
        self._at = len(MAGIC)
        self._what = "the number of its fields"

    def header(self) -> Header:
        version = self._number("<I")
        if version not in _VERSIONS:
            raise unusable(self._path, f"it is of GGUF version {version}, not 2 or 3")
        tensors, fields = self._number("<Q"), self._number("<Q")
        found = dict(self._field() for _ in range(fields))
        table = [self._entry() for _ in range(tensors)]
        alignment = found.get("general.alignment", 32)
        start = -(-self._at // alignment) * alignment
        return Header(self._path, found, {t[0]: self._placed(start, *t) for t in table})

    def _field(self) -> tuple[str, Any]:
        self._what = "the name of a field"
        name = self._text()
        self._what = f"field {name}"
        return name, self._value(self._number("<I"))

    def _entry(self) -> tuple[str, tuple[int, ...], int, int]:
        self._what = "the name of a tensor"
        name = self._text()
        self._what = f"tensor {name}"
        dimensions = [self._number("<Q") for _ in range(self._number("<I"))]
        return name, tuple(reversed(dimensions)), self._number("<I"), self._number("<Q")

    def _placed(
        self, base: int, name: str, shape: tuple[int, ...], kind: int, offset: int
    ) -> StoredTensor:
        try:
            block, width = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
        except (KeyError, ValueError) as error:
            raise unusable(self._path, f"tensor {name} is of the unknown type {kind}") from error
        tensor = StoredTensor(
            name, shape, GGMLQuantizationType(kind), base + offset, prod(shape) // block * width
        )
        if tensor.start + tensor.size > self._size:
            raise self._cut(f"tensor {name}", tensor.start + tensor.size)
        return tensor

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            inner, count = self._number("<I"), self._number("<Q")
            if number := _NUMBERS.get(inner):
                return self._numbers(f"<{count}{number[1]}")
            return [self._value(inner) for _ in range(count)]
        if not (number := _NUMBERS.get(kind)):
            raise unusable(self._path, f"{self._what} is of the unknown type {kind}", _AGAIN)
        return self._number(number)

    def _text(self) -> str:
        return self._take(self._number("<Q")).decode("utf-8", errors="replace")

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _numbers(self, form: str) -> list[Any]:
        return list(struct.unpack(form, self._take(struct.calcsize(form))))

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > self._size:
            raise self._cut(self._what, end)
        self._at, start = end, self._at
        return self._content[start:end]

    def _cut(self, what: str, end: int) -> Exception:
        reason = f"it ends inside {what}: it has {self._size} bytes and needs at least {end}"
        return unusable(self._path, reason, _AGAIN)
