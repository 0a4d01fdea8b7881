"""Options of the watsonx backend: address, credentials and project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from tunesmith.backend import BackendOptions
from tunesmith_watsonx.guard import is_ibm


def _env(name: str) -> Any:
    return Field(json_schema_extra={"env": name})


class WatsonxOptions(BackendOptions):
    """Credentials and scope. ``url`` and one of ``project_id`` and ``space_id`` are needed.

    IBM's cloud needs ``api_key``; Cloud Pak for Data ``username``, ``version`` and ``api_key`` or
    ``password``; an emulator ``platform_url`` and ``auth_url`` beside ``api_key``.
    """

    url: Annotated[str | None, _env("WATSONX_URL")] = None
    """E.g. ``https://us-south.ml.cloud.ibm.com``."""
    api_key: Annotated[SecretStr | None, _env("WATSONX_APIKEY")] = None
    token: Annotated[SecretStr | None, _env("WATSONX_TOKEN")] = None
    """A bearer token in place of a key; it is not renewed."""
    username: Annotated[str | None, _env("WATSONX_USERNAME")] = None
    password: Annotated[SecretStr | None, _env("WATSONX_PASSWORD")] = None
    instance_id: Annotated[str | None, _env("WATSONX_INSTANCE_ID")] = None
    """``openshift``, for older releases of Cloud Pak for Data."""
    version: Annotated[str | None, _env("WATSONX_VERSION")] = None
    """Release of Cloud Pak for Data, e.g. ``5.2``."""
    project_id: Annotated[str | None, _env("WATSONX_PROJECT_ID")] = None
    space_id: Annotated[str | None, _env("WATSONX_SPACE_ID")] = None
    platform_url: Annotated[str | None, _env("WATSONX_PLATFORM_URL")] = None
    auth_url: Annotated[str | None, _env("WATSONX_AUTH_URL")] = None
    """The full address for tokens."""
    verify: Annotated[str, _env("WATSONX_VERIFY")] = "true"
    """``true``, or the file (PEM) of the certificate authority to trust."""
    patience_seconds: Annotated[float, Field(ge=0)] = 120.0
    """The longest time that a rate limit may delay one answer."""
    clean_up: bool = False
    """Remove rows, training, tuned model and deployments from the project as soon as the backend
    is closed, unless an error closed it."""

    @field_validator("verify", mode="before")
    @classmethod
    def _check_verify(cls, value: Any) -> str:
        text = str(value)
        if text.lower() == "true":
            return "true"
        if text.lower() == "false":
            raise ValueError(
                "certificates are always checked, so that only the service gets the key; name the "
                "file of the certificate authority to trust instead"
            )
        if not Path(text).exists():
            raise ValueError(f"there is no file {text!r}; expected true or a PEM file")
        return text

    @field_validator("url", "platform_url", "auth_url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("https://"):
            raise ValueError("must start with https://; the SDK accepts nothing else")
        return value

    @model_validator(mode="after")
    def _check_auth(self) -> Self:
        # Without another address, the SDK would send the key to IBM's test service.
        stranger = self.url is not None and not is_ibm(self.url)
        if stranger and self.platform_url and not (self.auth_url or self.token):
            raise ValueError(
                "auth_url: is needed beside platform_url if url is not IBM's cloud, "
                "e.g. https://localhost:8443/identity/token (WATSONX_AUTH_URL)"
            )
        if self.project_id and self.space_id:
            raise ValueError("project_id: give it or space_id, not both")
        return self

    def secrets(self) -> tuple[str, ...]:
        """Return the values that must never be shown."""
        given = (self.api_key, self.token, self.password)
        return tuple(secret.get_secret_value() for secret in given if secret)
