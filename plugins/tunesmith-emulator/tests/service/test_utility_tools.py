"""Utility agent tools, by the real SDK."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from service_rest import Rest, refusal

from tunesmith_emulator import Emulator

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai.foundation_models.utils import Toolkit
    from ibm_watsonx_ai.foundation_models.utils.toolkit import convert_to_watsonx_tool
    from ibm_watsonx_ai.wml_client_error import WMLClientError

TOOLS = "/wx/v1-beta/utility_agent_tools"


@pytest.mark.filterwarnings("ignore:watsonx.ai Agent Lab and Utility Agent Tools")
def test_tools_are_listed_with_their_schemas(sdk: Any) -> None:
    toolkit = Toolkit(api_client=sdk)
    search, weather = toolkit.get_tool("GoogleSearch"), toolkit.get_tool("Weather")
    assert list(search.config_schema["properties"]) == ["maxResults"]
    function = convert_to_watsonx_tool(weather)["function"]
    assert function["parameters"]["required"] == ["location"]
    assert {tool.name for tool in toolkit.get_tools()} > {"RAGQuery", "Wikipedia"}


@pytest.mark.filterwarnings("ignore:watsonx.ai Agent Lab and Utility Agent Tools")
def test_no_tool_runs(sdk: Any) -> None:
    with pytest.raises(WMLClientError, match="needs a weather service"):
        Toolkit(api_client=sdk).get_tool("Weather").run({"location": "New York"})


def test_refusals(rest: Rest) -> None:
    error = refusal(rest.ask("POST", f"{TOOLS}/run", {"tool_name": "Weather", "input": {}}), 400)
    assert error["target"]["name"] == "input.location"
    error = refusal(rest.ask("POST", f"{TOOLS}/run", {"tool_name": "Wether", "input": "x"}), 404)
    assert "Weather" in error["message"]
    assert rest.get(f"{TOOLS}/Weather")["name"] == "Weather"


def test_the_service_removed_them_in_august_2026(
    start: Callable[..., Emulator], rest_for: Callable[..., Rest]
) -> None:
    error = refusal(rest_for(start(as_of=date(2026, 8, 1))).ask("GET", TOOLS), 404)
    assert "August 2026" in error["message"]
