"""``--serve URL=FILE``."""

from __future__ import annotations

import pytest

from tunesmith.errors import ExperimentError
from tunesmith_emulator.run.downloads import content_type, parse_downloads

URL = "https://example.test/data/train.json"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "train.json"
    path.write_text("[]")
    return path


def test_a_url_is_answered_by_its_file(file):
    assert parse_downloads([f"{URL}={file}"]).find(URL) == file


@pytest.mark.parametrize(
    "asked",
    [
        "https://EXAMPLE.test/data/train.json",
        "https://example.test:443/data/train.json",
        "https://example.test/data/tr%61in.json",
        "https://example.test/data/train.json#row",
        "https://example.test/data/train.json?raw=true",
    ],
)
def test_other_spellings_of_the_same_url_are_answered_too(file, asked):
    assert parse_downloads([f"{URL}={file}"]).find(asked) == file


@pytest.mark.parametrize(
    "asked",
    [
        "http://example.test/data/train.json",
        "https://example.test/data/Train.json",
        "https://example.test:8443/data/train.json",
    ],
)
def test_other_urls_are_not(file, asked):
    assert parse_downloads([f"{URL}={file}"]).find(asked) is None


def test_a_query_that_is_served_must_be_asked_for(file):
    downloads = parse_downloads([f"{URL}?part=2={file}"])
    assert downloads.find(f"{URL}?part=2") == file
    assert downloads.find(f"{URL}?part=1") is None
    assert downloads.find(URL) is None


def test_equals_signs_are_allowed_on_both_sides(tmp_path):
    file = tmp_path / "a=b.json"
    file.write_text("[]")
    assert parse_downloads([f"{URL}?x=1={file}"]).find(f"{URL}?x=1") == file


def test_the_nearest_served_url_is_named(file, tmp_path):
    other = tmp_path / "other"
    other.write_text("")
    downloads = parse_downloads([f"{URL}={file}", f"https://elsewhere.test/x={other}"])
    assert downloads.nearest("https://example.test/data/trian.json") == URL


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("https://example.test/a", "write URL=FILE"),
        ("https://example.test/a=no-such-file", "no-such-file does not exist"),
        ("https://example.test/a=.", r"\. is a folder"),
        ("example.test/a={file}", "is no URL"),
        ("ftp://example.test/a={file}", "is no URL"),
        ("https://={file}", "is no URL"),
        ("https://example.test:port/a={file}", "is no URL"),
        ("https://[::1/a={file}", "is no URL"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wrong(file, value, complaint):
    with pytest.raises(ExperimentError, match=complaint):
        parse_downloads([value.format(file=file)])


def test_a_url_is_served_once(file):
    with pytest.raises(ExperimentError, match="served twice"):
        parse_downloads([f"{URL}={file}", f"{URL.replace('example', 'EXAMPLE')}={file}"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.json", "application/json"),
        ("a.JSONL", "application/x-ndjson"),
        ("a.csv", "text/csv"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_suffix_decides_the_media_type(tmp_path, name, kind):
    assert content_type(tmp_path / name) == kind
