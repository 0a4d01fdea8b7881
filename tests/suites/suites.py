"""The suites of other projects, each pinned to a version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The base model that answers for every model id of a suite."""
SETTINGS = {
    "WATSONX_URL": "https://us-south.ml.cloud.ibm.com",
    "WATSONX_APIKEY": "any",
    "WATSONX_API_KEY": "any",
    "WATSONX_PROJECT_ID": "3f6c9d1e-5b42-4d0a-9a17-6b1c2e8f7a05",
}
"""The credentials that the suites read from the environment; the emulator accepts any."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests of a distribution that talk to watsonx.ai.

    ``NAME.txt`` beside this module pins what they import.
    """

    name: str
    version: str
    tests: tuple[str, ...]
    """The arguments of pytest, in the unpacked sdist."""
    quick: tuple[str, ...]
    """Those of the part that ``make test-all`` runs."""

    @property
    def requirements(self) -> Path:
        """The file that pins the environment of the tests."""
        return Path(__file__).with_name(f"{self.name}.txt")


STANDARD = "tests/integration_tests"
SUITES = (
    Suite(
        "langchain-ibm",
        "1.1.2",
        tests=(STANDARD,),
        quick=tuple(
            f"{STANDARD}/test_{part}.py" for part in ("embeddings_standard", "rerank", "toolkit")
        ),
    ),
    Suite(
        "watsonx-haystack",
        "3.0.0",
        tests=("-m", "integration", "tests"),
        quick=("-m", "integration", "tests/test_text_embedder.py"),
    ),
)
