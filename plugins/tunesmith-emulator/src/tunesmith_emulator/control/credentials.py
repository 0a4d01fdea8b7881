"""The credentials of this emulator, for a program and for a shell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith_emulator.settings import Settings

ANY_KEY = "any-key"


def fields(url: str, ca_file: Path, api_key: str) -> dict[str, Any]:
    """Return the arguments of ``ibm_watsonx_ai.Credentials``.

    All five are needed: without ``platform_url`` the SDK takes the server for Cloud Pak for Data,
    and without ``auth_url`` it sends the key to IBM.
    """
    return {
        "url": url,
        "api_key": api_key,
        "platform_url": url,
        "auth_url": f"{url}/identity/token",
        "verify": str(ca_file),
    }


def shown(url: str, ca_file: Path, settings: Settings) -> dict[str, Any]:
    """Return the same for a screen. A key that was set is a secret, and is never shown."""
    return fields(url, ca_file, "YOUR_API_KEY" if settings.api_keys else ANY_KEY)


def blocks(given: Mapping[str, Any], project_id: str) -> dict[str, str]:
    """Return the two texts to copy.

    Args:
        given: the arguments of ``Credentials``.
        project_id: a project that exists.
    """
    arguments = "".join(f"    {name}={value!r},\n" for name, value in given.items())
    python = (
        "from ibm_watsonx_ai import APIClient, Credentials\n\n"
        f"credentials = Credentials(\n{arguments})\nproject_id = {project_id!r}\n"
    )
    environment = {
        "WATSONX_URL": given["url"],
        "WATSONX_APIKEY": given["api_key"],
        "WATSONX_PROJECT_ID": project_id,
        "WATSONX_PLATFORM_URL": given["platform_url"],
        "WATSONX_AUTH_URL": given["auth_url"],
        "WATSONX_VERIFY": given["verify"],
    }
    exports = "".join(f"export {name}={value}\n" for name, value in environment.items())
    return {"python": python, "environment": exports}
