"""A function and an AI service that the SDK stores: their source goes to the emulator.

Without annotations: the SDK reads the signature of what it stores by regular expressions.
"""

from __future__ import annotations


def products(factor=10):
    """A function in the way of the SDK: what it returns is deployed."""

    def score(payload):
        (data,) = payload["input_data"]
        values = [[a * b * factor] for a, b in data["values"]]
        return {"predictions": [{"fields": ["product"], "values": values}]}

    return score


def echo(context, greeting="Hello"):
    """An AI service in the way of the SDK."""

    def generate(context):
        return {"body": {"said": f"{greeting} {context.get_json()['name']}"}}

    def generate_stream(context):
        yield greeting
        yield context.get_json()["name"]

    return generate, generate_stream
