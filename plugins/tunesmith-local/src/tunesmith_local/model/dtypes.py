"""The type of the weights of a base model, and whether a device can compute in it."""

from __future__ import annotations

import torch

from tunesmith.errors import ExperimentError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def check_name(dtype: str) -> None:
    """Refuse a name that is no type.

    Raises:
        ExperimentError: names the choices.
    """
    if dtype != "auto" and dtype not in DTYPES:
        raise ExperimentError(f"option dtype={dtype!r}: choose auto, {', '.join(DTYPES)}")


def chosen_dtype(dtype: str, device: torch.device, stored: torch.dtype | None) -> torch.dtype:
    """Return the type to load weights in.

    Args:
        dtype: ``auto`` or a name in :data:`DTYPES`.
        device: of the weights.
        stored: type of the checkpoint's weights, None if it names none.

    Raises:
        ExperimentError: the device cannot compute in that type.
    """
    found = _automatic(device, stored) if dtype == "auto" else DTYPES[dtype]
    if not computes(device, found):
        raise ExperimentError(_lacking(dtype, found, device))
    return found


def computes(device: torch.device, dtype: torch.dtype) -> bool:
    """Return whether ``device`` multiplies matrices of ``dtype``, by multiplying two."""
    if device.type == "cuda" and dtype is torch.bfloat16 and not _cuda_bfloat16(device):
        return False
    try:
        ones = torch.ones(2, 2, dtype=dtype, device=device)
        return bool((ones @ ones == 2).all())
    except RuntimeError:  # torch has no such kernel
        return False


def _automatic(device: torch.device, stored: torch.dtype | None) -> torch.dtype:
    if device.type == "cuda":
        return torch.bfloat16 if _cuda_bfloat16(device) else torch.float32
    # Rounding weights that were stored in float32 would change the model's answers.
    lossless = stored is torch.bfloat16 and device.type == "cpu"
    return torch.bfloat16 if lossless and _cpu_bfloat16() else torch.float32


def _cuda_bfloat16(device: torch.device) -> bool:
    with torch.cuda.device(device):
        # An emulated product is right, and slower than float32.
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _cpu_bfloat16() -> bool:
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def _lacking(dtype: str, found: torch.dtype, device: torch.device) -> str:
    name = str(found).removeprefix("torch.")
    others = [f"dtype={key}" for key, kind in DTYPES.items() if computes(device, kind)]
    return (
        f"option dtype={dtype!r}: the device {str(device)!r} does not multiply {name} matrices; "
        f"use {' or '.join(others) or 'device=cpu'}"
    )
