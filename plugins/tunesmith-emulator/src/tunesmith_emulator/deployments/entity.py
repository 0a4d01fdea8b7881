"""A deployment as the service shows it."""

from __future__ import annotations

from typing import Any

from tunesmith_emulator.database import DeploymentRow
from tunesmith_emulator.envelope import MORE_INFO
from tunesmith_emulator.metadata import metadata

_DEPRECATED = (
    "online_url and serving_urls are deprecated and will be removed in a future release. "
    "Use inference instead."
)


def view(row: DeploymentRow, base_url: str) -> dict[str, Any]:
    """Return metadata and entity; the addresses start with ``base_url``."""
    return {
        "metadata": {**metadata(row), "owner": "IBMid-emulator"},
        "entity": {
            "name": row.name,
            **row.scope.entry(),
            **_deployed(row),
            **({} if row.code else {"base_model_id": row.base_model_id}),
            "custom": {},
            "online": row.online,
            "status": _status(row, base_url),
        },
        "system": {
            "warnings": [{"id": "Deprecated", "message": _DEPRECATED, "more_info": MORE_INFO}]
        },
    }


def _deployed(row: DeploymentRow) -> dict[str, Any]:
    if row.is_prompt:
        return {
            "prompt_template": {"id": row.asset_id},
            "deployed_asset_type": "foundation_model",
        }
    if row.code:
        kind = row.code.removeprefix("wml_")
        return {"asset": {"id": row.asset_id}, "deployed_asset_type": kind}
    return {
        "asset": {"id": row.asset_id},
        "deployed_asset_type": "prompt_tune",
        "verbalizer": row.model.get("method", {}).get("verbalizer", "{{input}}"),
    }


def _status(row: DeploymentRow, base_url: str) -> dict[str, Any]:
    status: dict[str, Any] = {"state": row.state}
    if row.failure is not None:
        error = {"code": "deployment_failed", "message": row.failure, "more_info": MORE_INFO}
        status["failure"] = {"errors": [error]}
    if row.state == "ready" and row.code:
        status.update(_of_code(row, base_url))
    elif row.state == "ready":
        plain = _urls(row, base_url, "generation")
        status["online_url"] = {"url": plain[0]}
        status["serving_urls"] = [*plain, *_urls(row, base_url, "generation_stream")]
        status["inference"] = _inference(row, base_url)
    return status


def _of_code(row: DeploymentRow, base_url: str) -> dict[str, Any]:
    whats = ("ai_service", "ai_service_stream") if row.code == "ai_service" else ("predictions",)
    names = [name for name in (row.id, row.serving_name) if name]
    urls = [f"{base_url}/ml/v4/deployments/{name}/{what}" for what in whats for name in names]
    streams = [{"sse": True} if url.endswith("_stream") else {} for url in urls]
    told = [{"url": url, **sse} for url, sse in zip(urls, streams, strict=True)]
    return {"online_url": {"url": urls[0]}, "serving_urls": urls, "inference": told}


def _urls(row: DeploymentRow, base_url: str, what: str) -> list[str]:
    names = [name for name in (row.id, row.serving_name) if name]
    return [f"{base_url}/ml/v1/deployments/{name}/text/{what}" for name in names]


def _inference(row: DeploymentRow, base_url: str) -> list[dict[str, Any]]:
    entries = []
    for what in ("generation", "generation_stream"):
        for index, url in enumerate(_urls(row, base_url, what)):
            entry: dict[str, Any] = {"url": url}
            if what.endswith("stream"):
                entry["sse"] = True
            if index:
                entry["uses_serving_name"] = True
            entries.append(entry)
    return entries
