"""The rules of utility agent tools. All of them need a network or run code, so none runs here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import Field

from tunesmith.errors import near_misses
from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.envelope import ServiceError, Target, wrong_field
from tunesmith_emulator.fields import Body, text

JSON = dict[str, Any]
REMOVED = date(2026, 8, 1)
"""The month in which the service removed them (``ibm-watsonx-ai`` 1.8.1, ``Toolkit``)."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the service lists it."""

    name: str
    description: str
    needs: str
    """What a run needs and the emulator has not."""
    inputs: Mapping[str, str] | None = None
    """Names of the inputs, each with its description; the first one is required. None: a text."""
    config: Mapping[str, Any] | None = None
    """The schemas of its settings, by name."""

    def view(self) -> JSON:
        """Return the tool as the service shows it."""
        shown: JSON = {
            "name": self.name,
            "description": self.description,
            "agent_description": self.description,
        }
        if self.inputs is not None:
            shown["input_schema"] = {
                "type": "object",
                "properties": {
                    name: {"title": name, "description": description, "type": "string"}
                    for name, description in self.inputs.items()
                },
                "required": list(self.inputs)[:1],
            }
        if self.config is not None:
            shown["config_schema"] = {
                "title": f"config schema for {self.name} tool",
                "type": "object",
                "properties": dict(self.config),
            }
        return shown


_MOST = {"title": "Max number of results to return", "type": "integer", "minimum": 1, "maximum": 20}
_SEARCH = (
    "Search for online trends, news, current events, real-time information, or research topics."
)
_TOOLS = (
    Tool(
        "GoogleSearch",
        _SEARCH,
        "Google",
        {"q": "GoogleSearch query"},
        {"maxResults": _MOST},
    ),
    Tool(
        "TavilySearch",
        _SEARCH,
        "Tavily",
        {"query": "TavilySearch query"},
        {"apiKey": {"title": "API key", "type": "string"}, "maxResults": _MOST},
    ),
    Tool(
        "Weather",
        "Find the weather for a city.",
        "a weather service",
        {"location": "Name of the location", "country": "Name of the state or country"},
    ),
    Tool(
        "WebCrawler",
        "Fetch the content of a web page.",
        "the web",
        {"url": "URL of the web page"},
    ),
    Tool(
        "Wikipedia",
        "Search a query on Wikipedia.",
        "Wikipedia",
        {"query": "Wikipedia query"},
        {"maxResults": _MOST},
    ),
    Tool(
        "PythonInterpreter",
        "Run Python code and return what it prints.",
        "a sandbox for code",
        {"code": "Python code"},
        {"deploymentId": {"title": "Deployment of the interpreter", "type": "string"}},
    ),
    Tool(
        "RAGQuery",
        "Search the documents in a vector index.",
        "a vector index",
        None,
        {
            "vectorIndexId": {"title": "Vector index identifier", "type": "string"},
            "projectId": {"title": "Project identifier", "type": "string"},
            "spaceId": {"title": "Space identifier", "type": "string"},
        },
    ),
)


class RunRequest(Body):
    """A request to run a tool."""

    tool_name: str = text()
    input: str | dict[str, Any] = Field(description="must be text, or an object of inputs")
    config: dict[str, Any] = Field(default_factory=dict, description="must be an object")


class UtilityTools:
    """The tools of the served day."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def listed(self) -> JSON:
        """Return the tools.

        Raises:
            ServiceError: 404, the service had removed them by the served day.
        """
        self._check_day()
        return {"resources": [tool.view() for tool in _TOOLS]}

    def get(self, name: str) -> JSON:
        """Return a tool.

        Raises:
            ServiceError: 404, there is no such tool.
        """
        self._check_day()
        return self._tool(name).view()

    def run(self, body: Mapping[str, Any]) -> JSON:
        """Refuse to run a tool.

        Raises:
            ServiceError: 400, names what is missing here, or a wrong field; 404, no such tool.
        """
        self._check_day()
        asked = RunRequest.read(body)
        tool = self._tool(asked.tool_name)
        if tool.inputs is None:
            if not isinstance(asked.input, str):
                raise wrong_field("input", f"input of {tool.name} must be text.")
        elif isinstance(asked.input, Mapping):
            first = next(iter(tool.inputs))
            if first not in asked.input:
                raise wrong_field(f"input.{first}", f"input of {tool.name} must have {first!r}.")
        raise ServiceError(
            400,
            "unsupported",
            f"The tool {tool.name!r} needs {tool.needs}, and the emulator reaches nothing outside; "
            "it lists tools and runs none.",
            Target("field", "tool_name"),
        )

    def _check_day(self) -> None:
        day = self._catalogue.as_of
        if day is not None and day >= REMOVED:
            raise ServiceError(
                404,
                "not_found",
                f"The service removed utility agent tools in {REMOVED:%B %Y}, and the catalogue of "
                f"{day} is served.",
            )

    @staticmethod
    def _tool(name: str) -> Tool:
        for tool in _TOOLS:
            if tool.name == name:
                return tool
        known = [tool.name for tool in _TOOLS]
        raise ServiceError(
            404,
            "tool_not_found",
            f"No tool {name!r}; there are: {', '.join(known)}.{near_misses(name, known)}",
        )
