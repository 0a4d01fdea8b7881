"""The watsonx.ai REST API over any tunesmith backend: it tunes, deploys and generates for real.

with Emulator() as emulator:
    client = APIClient(Credentials(**emulator.credentials), project_id=emulator.project_id)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunesmith_emulator.version import __version__

__all__ = ["Emulator", "__version__"]

if TYPE_CHECKING:
    from tunesmith_emulator.emulator import Emulator


def __getattr__(name: str) -> Any:
    # Lazy: the plugin module must not import a web server.
    if name == "Emulator":
        from tunesmith_emulator.emulator import Emulator

        return Emulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
