"""Decodes the bytes of a GGUF file into torch tensors."""

from __future__ import annotations

import numpy as np
import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize

from tunesmith_local.model.gguf.header import Header, StoredTensor
from tunesmith_local.model.gguf.problems import unusable

_FLOAT32 = GGMLQuantizationType.F32


def stored_dtype(header: Header) -> torch.dtype:
    """Return the type of the checkpoint that the file was made of.

    It is assumed to be bfloat16 for quantized files and for files of 16 bits.
    """
    kinds = {tensor.kind for tensor in header.tensors.values()}
    return torch.float32 if kinds <= {_FLOAT32} else torch.bfloat16


class Weights:
    """The tensors of a file. Each is decoded when it is looked up."""

    def __init__(self, header: Header) -> None:
        """Map the file of ``header`` into memory without reading it."""
        self._header = header
        self._bytes = np.memmap(header.path, mode="r", dtype=np.uint8)

    def __contains__(self, name: str) -> bool:
        """Return whether the file has the tensor ``name``."""
        return name in self._header.tensors

    def __getitem__(self, name: str) -> torch.Tensor:
        """Return a tensor, in float32.

        Raises:
            NotFoundError: it is missing in the file, or its type cannot be decoded.
        """
        tensor = self.stored(name)
        raw = self._bytes[tensor.start : tensor.start + tensor.size]
        try:
            values = dequantize(raw.reshape(_byte_shape(tensor)), tensor.kind)
        except NotImplementedError as error:
            raise unusable(
                self._header.path,
                f"the installed gguf cannot decode tensor {name}, of type {tensor.kind.name}",
            ) from error
        return torch.from_numpy(np.array(values, dtype=np.float32)).reshape(tensor.shape)

    def stored(self, name: str) -> StoredTensor:
        """Return position, shape and type of a tensor.

        Raises:
            NotFoundError: it is missing in the file.
        """
        if name not in self._header.tensors:
            raise unusable(self._header.path, f"tensor {name} is missing")
        return self._header.tensors[name]


def _byte_shape(tensor: StoredTensor) -> tuple[int, ...]:
    block, width = GGML_QUANT_SIZES[tensor.kind]
    return (*tensor.shape[:-1], tensor.shape[-1] // block * width)
