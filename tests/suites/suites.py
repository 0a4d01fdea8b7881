"""The suites of other projects, each pinned to a version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The base model that answers for every model id of a suite."""
OPTIONS = ("--any-model", "--chat-prompts")
"""Of the emulator."""
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

    The files beside this module are named by it: ``NAME.txt`` pins what the tests import,
    ``NAME.scripts.yaml`` has the scripted answers, ``NAME.causes.yaml`` says why tests fail, and
    ``NAME.slice.txt`` lists the tests of ``make test-all``.
    """

    name: str
    version: str
    files: str
    """The pattern of the test files in the unpacked sdist."""
    options: tuple[str, ...] = ()
    """Further arguments of pytest."""

    @property
    def title(self) -> str:
        """The name with the version."""
        return f"{self.name} {self.version}"

    @property
    def requirements(self) -> Path:
        """The file that pins the environment of the tests."""
        return self._beside("txt")

    @property
    def scripts(self) -> Path:
        """The scripted answers, each named by the test that it is for."""
        return self._beside("scripts.yaml")

    @property
    def causes(self) -> Path:
        """Why tests fail."""
        return self._beside("causes.yaml")

    @property
    def slice(self) -> Path:
        """The tests that pass in seconds, a line each."""
        return self._beside("slice.txt")

    def _beside(self, ending: str) -> Path:
        return Path(__file__).with_name(f"{self.name}.{ending}")


SUITES = (
    Suite("langchain-ibm", "1.1.2", "tests/integration_tests/test_*.py"),
    Suite("watsonx-haystack", "3.0.0", "tests/test_*.py", ("-m", "integration")),
)
