"""The program in the process of deployed code, called in this process."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from tunesmith_emulator.stored_code import inside
from tunesmith_emulator.stored_code.inside import Context, Program

CONTEXT = {"token": "first"}


def program(source: str, kind: str = "ai_services", **custom: Any) -> Program:
    what = {"kind": kind, "source": source, "path": "deployed.py"}
    return Program({**what, "custom": custom, "context": CONTEXT})


SERVICE = """
import os
def helper(): pass
"""
SEVERAL = """
def service(context, word="a"):
    kept = context
    def generate(context):
        return {"body": [kept.generate_token(), context.generate_token(), word]}
    def generate_stream(context):
        yield from "ab"
    def other(context): pass
    return [generate, generate_stream, other, 7]
"""


def answers(loaded: Program, call: str, **context: Any) -> list[Any]:
    return list(loaded.answer({"call": call, "context": CONTEXT | context}))


def test_a_kept_context_has_the_newest_token() -> None:
    loaded = program(SEVERAL, word="b")
    (answer,) = answers(loaded, "generate", token="second")
    assert answer == {"value": {"body": ["second", "second", "b"]}}


def test_a_stream_has_an_end() -> None:
    found = answers(program(SEVERAL), "generate_stream")
    assert found == [{"piece": "a"}, {"piece": "b"}, {"end": True}]


def test_only_the_functions_with_the_known_names_are_called() -> None:
    with pytest.raises(ValueError, match="has no function 'other'; it has generate, generate_str"):
        answers(program(SEVERAL), "other")


def test_the_first_function_is_the_service() -> None:
    with pytest.raises(TypeError, match="helper"):
        program(SERVICE)


def test_a_context_without_a_request_is_empty() -> None:
    context = Context({"token": "t"})
    assert context.get_token() == context.generate_token() == "t"
    assert context.get_json() is None
    assert (context.get_headers(), context.get_query_parameters()) == ({}, {})
    assert (context.get_method(), context.get_path_suffix(), context.get_space_id()) == ("",) * 3
    assert context.get_bytes() == b"null"


def test_the_process_ends_with_its_input_whatever_the_code_does() -> None:
    child = subprocess.Popen(
        [sys.executable, inside.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    source = "import time\\nwhile True: time.sleep(1)"
    child.stdin.write(f'{{"kind": "functions", "source": "{source}", "path": "x"')
    child.stdin.write(', "custom": {}, "context": {}}\n')
    child.stdin.flush()
    time.sleep(0.3)
    assert child.poll() is None
    child.communicate(timeout=10)
    assert child.returncode == 0
