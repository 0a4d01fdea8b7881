"""``python -m tunesmith_serve``: the command ``serve`` by itself."""

from __future__ import annotations

from tunesmith_serve.cli import serve

serve()
