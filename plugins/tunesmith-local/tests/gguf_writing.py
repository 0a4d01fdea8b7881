"""Writes GGUF files with the package ``gguf``, from one that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import (
    GGMLQuantizationType,
    GGUFReader,
    GGUFValueType,
    GGUFWriter,
    quantize,
)


def rewritten(
    source: Path,
    target: Path,
    *,
    kind: GGMLQuantizationType = GGMLQuantizationType.F32,
    fields: Mapping[str, Any] | None = None,
    without: Callable[[str], bool] = lambda name: False,
) -> Path:
    """Write ``source``, a file in F32, again.

    Args:
        source: a file that llama.cpp's converter made.
        target: the file to write.
        kind: type of the matrices; vectors, and what Mamba computes with, stay in F32, as
            llama.cpp has it.
        fields: values to be put in the place of those of the file.
        without: names of the fields and tensors to leave out.
    """
    reader = GGUFReader(source)
    changed = dict(fields or {})
    architecture = changed.pop("general.architecture", _value(reader, "general.architecture"))
    writer = GGUFWriter(target, architecture)
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture" and not without(name):
            value = changed.pop(name, field.contents())
            writer.add_key_value(name, value, field.types[0], [*field.types, None][1])
    for name, value in changed.items():
        writer.add_key_value(name, value, GGUFValueType.get_type(value))
    for tensor in reader.tensors:
        if not without(tensor.name):
            _add(writer, tensor.name, np.array(tensor.data), kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def is_quantized(name: str, dimensions: int) -> bool:
    """Return whether the tensor is one that llama.cpp quantizes."""
    return dimensions > 1 and not any(part in name for part in ("ssm_a", "ssm_d", "conv", "norm"))


def _add(writer: GGUFWriter, name: str, values: np.ndarray, kind: GGMLQuantizationType) -> None:
    if kind == GGMLQuantizationType.F32 or not is_quantized(name, values.ndim):
        writer.add_tensor(name, values)
    elif kind == GGMLQuantizationType.F16:
        writer.add_tensor(name, values.astype(np.float16))
    else:
        writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)


def _value(reader: GGUFReader, name: str) -> Any:
    field = reader.get_field(name)
    assert field is not None
    return field.contents()
