"""What a person copies into a program or a shell to use this emulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith_emulator.services import House

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


def blocks(url: str, house: House) -> dict[str, str]:
    """Return the two texts to copy. A key that was set is never shown."""
    key = "YOUR_API_KEY" if house.settings.api_keys else ANY_KEY
    given = fields(url, house.files.authority / "ca.pem", key)
    arguments = "".join(f"    {name}={value!r},\n" for name, value in given.items())
    python = (
        "from ibm_watsonx_ai import APIClient, Credentials\n\n"
        f"credentials = Credentials(\n{arguments})\nproject_id = {house.platform.project_id!r}\n"
    )
    environment = {
        "WATSONX_URL": given["url"],
        "WATSONX_APIKEY": given["api_key"],
        "WATSONX_PROJECT_ID": house.platform.project_id,
        "WATSONX_PLATFORM_URL": given["platform_url"],
        "WATSONX_AUTH_URL": given["auth_url"],
        "WATSONX_VERIFY": given["verify"],
    }
    exports = "".join(f"export {name}={value}\n" for name, value in environment.items())
    return {"python": python, "environment": exports}
