"""A provider's REST API over any tunesmith backend: it tunes, deploys and generates for real.

with Emulator() as emulator:  # watsonx.ai
    client = APIClient(Credentials(**emulator.credentials), project_id=emulator.project_id)

with OpenAIEmulator() as emulator:
    client = OpenAI(base_url=emulator.url, api_key="any")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunesmith_emulator.version import __version__

__all__ = ["Emulator", "OpenAIEmulator", "__version__"]

if TYPE_CHECKING:
    from tunesmith_emulator.emulator import Emulator
    from tunesmith_emulator.openai_api.emulator import OpenAIEmulator


def __getattr__(name: str) -> Any:
    # Lazy: the plugin module must not import a web server.
    if name == "Emulator":
        from tunesmith_emulator.emulator import Emulator

        return Emulator
    if name == "OpenAIEmulator":
        from tunesmith_emulator.openai_api.emulator import OpenAIEmulator

        return OpenAIEmulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
