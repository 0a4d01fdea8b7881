"""Pages whose addresses a client follows as they are."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi import Request

from tunesmith_emulator.envelope import ServiceError
from tunesmith_emulator.listing import whole
from tunesmith_emulator.routes.paging import page

NUMBERS = [{"n": n} for n in range(450)]
ITEMS = whole(NUMBERS)


def asked(url: str) -> Request:
    parts = urlsplit(url)
    return Request(
        {
            "type": "http",
            "scheme": parts.scheme,
            "method": "GET",
            "path": parts.path,
            "root_path": "",
            "query_string": parts.query.encode(),
            "server": ("0.0.0.0", 1),
            "headers": [(b"host", parts.netloc.encode())],
        }
    )


def query_of(href: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(href).query)


def test_following_next_gives_every_item_once_and_in_order() -> None:
    seen, url = [], "https://localhost:8443/ml/v4/trainings?version=2024-01-01&limit=200"
    while url:
        answer = page(ITEMS, asked(url))
        seen += answer["resources"]
        url = answer.get("next", {}).get("href")
    assert seen == NUMBERS


def test_addresses_are_absolute_from_the_host_that_the_client_used_and_keep_the_query() -> None:
    url = (
        "https://us-south.ml.cloud.ibm.com/ml/v4/trainings"
        "?version=2024-01-01&project_id=p&tag.value=a&tag.value=b%2C%26c&limit=10&start=20"
    )
    answer = page(ITEMS, asked(url))
    kept = [
        ("version", "2024-01-01"),
        ("project_id", "p"),
        ("tag.value", "a"),
        ("tag.value", "b,&c"),
    ]
    first, following = answer["first"]["href"], answer["next"]["href"]
    for href in (first, following):
        assert href.startswith("https://us-south.ml.cloud.ibm.com/ml/v4/trainings?")
    assert query_of(first) == [*kept, ("limit", "10")]
    assert query_of(following) == [*kept, ("limit", "10"), ("start", "30")]
    assert answer["resources"] == NUMBERS[20:30]


def test_the_last_page_has_no_next() -> None:
    assert "next" not in page(ITEMS, asked("https://h/x?limit=150&start=300"))
    assert "next" not in page(whole([]), asked("https://h/x"))
    assert page(ITEMS, asked("https://h/x?start=999999999"))["resources"] == []


def test_without_a_limit_a_page_has_a_hundred() -> None:
    answer = page(ITEMS, asked("https://h/x"))
    assert (answer["limit"], len(answer["resources"])) == (100, 100)
    assert answer["first"] == {"href": "https://h/x"}


def test_the_count_is_returned_if_asked_for() -> None:
    assert "total_count" not in page(ITEMS, asked("https://h/x"))
    assert page(ITEMS, asked("https://h/x?total_count=true"))["total_count"] == 450
    assert page(ITEMS, asked("https://h/x"), counted=True)["total_count"] == 450


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=-1", "limit=ten", "limit=", "start=-1", "start=x", "start=²",
     "start=" + "9" * 5000],
)  # fmt: skip
def test_a_wrong_limit_or_start_is_refused_and_named(query: str) -> None:
    with pytest.raises(ServiceError) as refused:
        page(ITEMS, asked(f"https://h/x?{query}"))
    (error,) = refused.value.body()["errors"]
    assert refused.value.status == 400
    assert error["target"] == {"type": "parameter", "name": query.partition("=")[0]}
