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
            "custom": row.custom,
            **({"online": row.online} if row.batch is None else {"batch": row.batch}),
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
    if row.code is not None:
        return {
            "asset": {"id": row.asset_id},
            "deployed_asset_type": row.code.removesuffix("s"),
        }
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
    if row.state == "ready" and row.batch is None:
        urls = [_urls(row, base_url, what) for what in _ways(row)]
        status["online_url"] = {"url": urls[0][0]}
        status["serving_urls"] = [url for each in urls for url in each]
        status["inference"] = _inference(row, base_url)
    return status


def _ways(row: DeploymentRow) -> tuple[str, ...]:
    """Return the paths of the addresses that a deployment answers at."""
    if row.code == "functions":
        return ("/ml/v4/deployments/{name}/predictions",)
    if row.code is not None:
        way = "/ml/v4/deployments/{name}/ai_service"
        return (way, f"{way}_stream")
    way = "/ml/v1/deployments/{name}/text/generation"
    return (way, f"{way}_stream")


def _urls(row: DeploymentRow, base_url: str, way: str) -> list[str]:
    names = [name for name in (row.id, row.serving_name) if name]
    return [base_url + way.format(name=name) for name in names]


def _inference(row: DeploymentRow, base_url: str) -> list[dict[str, Any]]:
    entries = []
    for what in _ways(row):
        for index, url in enumerate(_urls(row, base_url, what)):
            entry: dict[str, Any] = {"url": url}
            if what.endswith("stream"):
                entry["sse"] = True
            if index:
                entry["uses_serving_name"] = True
            entries.append(entry)
    return entries
