"""The specifications that the service itself has, by the names under which clients look for them.

Names are those of IBM's documentation and sample notebooks (2024 to 2026). The ids are the
service's where those show one; the others are made here from the name, and never change.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["software", "hardware"]
_OURS = uuid.UUID("5d0e2c4a-7f55-4c1e-9b0f-2a6f0f1c7d11")
"""The namespace of the ids that are made here."""
_PYTHON = {
    "runtime-25.1-py3.12": "3.12",
    "runtime-24.1-py3.11": "3.11",
    "runtime-23.1-py3.10": "3.10",
    "runtime-22.2-py3.10": "3.10",
    "runtime-22.1-py3.9": "3.9",
    "pytorch-onnx_rt25.1-py3.12": "3.12",
    "pytorch-onnx_rt24.1-py3.11": "3.11",
    "pytorch-onnx_rt23.1-py3.10": "3.10",
    "tensorflow_rt24.1-py3.11": "3.11",
    "tensorflow_rt23.1-py3.10": "3.10",
    "autoai-kb_rt24.1-py3.11": "3.11",
    "autoai-ts_rt24.1-py3.11": "3.11",
    "onnxruntime_opset_19": "3.11",
    "genai-A25-py3.12": "3.12",
}
_OTHER = {
    "runtime-24.1-r4.3": "r",
    "runtime-25.1-r4.4": "r",
    "spark-mllib_3.5": "spark",
    "spark-mllib_3.4": "spark",
    "pmml-3.0_4.3": "pmml",
    "spss-modeler_18.2": "spss",
    "do_22.1": "do",
    "watsonx-cfm-caikit-1.1": "caikit",
    "watsonx-cfm-caikit-1.0": "caikit",
    "watsonx-textgen-fm-1.0": "caikit",
}
_SIZES = {
    "XXS": ("1", "2Gi"),
    "XS": ("1", "4Gi"),
    "S": ("2", "8Gi"),
    "M": ("4", "16Gi"),
    "L": ("8", "32Gi"),
    "XL": ("16", "64Gi"),
    "WX-S": ("8", "96Gi"),
    "WX-M": ("16", "192Gi"),
    "WX-L": ("32", "384Gi"),
    "WX-XL": ("64", "768Gi"),
}
_IDS = {
    "runtime-25.1-py3.12": "f47ae1c3-198e-5718-b59d-2ea471561e9e",
    "genai-A25-py3.12": "60ddf4d9-65ac-562d-aa8d-9f26da5dfc76",
    "runtime-24.1-py3.11": "45f12dfe-aa78-5b8d-9f38-0ee223c47309",
    "runtime-23.1-py3.10": "336b29df-e0e1-5e7d-b6a5-f6ab722625b2",
    "spark-mllib_3.4": "dabb5e1b-e1c7-5ef5-95ea-34a8223e436c",
    "S": "e7ed1d6c-2e89-42d7-aed5-863b972c1d2b",
    "M": "c076e82c-b2a7-4d20-9c0f-1f0c2fdf5a24",
    "L": "a6c4923b-b8e4-444c-9f43-8a7ec3020110",
}
"""The service's own."""


@dataclass(frozen=True, slots=True)
class Base:
    """A specification that exists in every project and space."""

    family: Family
    name: str
    entity: dict[str, Any]

    @property
    def id(self) -> str:
        """Its id, the same in every emulator."""
        return _IDS.get(self.name) or str(uuid.uuid5(_OURS, f"{self.family}/{self.name}"))


def _software(name: str, platform: dict[str, str]) -> Base:
    configuration = {"platform": platform}
    return Base("software", name, {"type": "base", "software_configuration": configuration})


def _hardware(name: str, units: str, size: str) -> Base:
    nodes = {"num_nodes": 1, "cpu": {"units": units, "model": ""}, "mem": {"size": size}}
    return Base("hardware", name, {"nodes": nodes})


BASES: dict[Family, tuple[Base, ...]] = {
    "software": (
        *(_software(name, {"name": "python", "version": v}) for name, v in _PYTHON.items()),
        *(_software(name, {"name": platform}) for name, platform in _OTHER.items()),
    ),
    "hardware": tuple(_hardware(name, *size) for name, size in _SIZES.items()),
}
"""All of them, by family."""
