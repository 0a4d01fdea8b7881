"""Records of a store: found by id, never by path, and named if they are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.backends.record_folder import RecordFolder
from tunesmith.errors import BackendError, NotFoundError
from tunesmith.records import Message


@pytest.fixture
def folder(tmp_path: Path) -> RecordFolder[Message]:
    return RecordFolder(tmp_path / "store" / "messages", Message, "message")


def message(text: str) -> Message:
    return Message(role="user", content=text)


def test_records_are_found_by_id_and_listed_in_its_order(folder: RecordFolder[Message]) -> None:
    assert folder.all() == []
    for name in ("b", "a"):
        folder.put(name, message(name))
    assert folder.get("b") == message("b")
    assert folder.all() == [message("a"), message("b")]


def test_a_removed_record_is_gone(folder: RecordFolder[Message]) -> None:
    folder.put("a", message("a"))
    folder.remove("a")
    folder.remove("a")
    with pytest.raises(NotFoundError, match=r"no message 'a' in the store .*store;"):
        folder.get("a")


@pytest.mark.parametrize("name", ["../other", "/etc/x", "a/b", "", "." * 3])
def test_an_id_is_never_a_path(folder: RecordFolder[Message], tmp_path: Path, name: str) -> None:
    folder.put("a", message("a"))
    outside = tmp_path / "store" / "other.json"
    outside.write_text(message("outside").to_json())
    with pytest.raises(NotFoundError):
        folder.get(name)
    folder.remove(name)
    assert outside.exists()


def test_a_damaged_record_is_named(folder: RecordFolder[Message], tmp_path: Path) -> None:
    (tmp_path / "store" / "messages").mkdir(parents=True)
    (tmp_path / "store" / "messages" / "a.json").write_text("{")
    with pytest.raises(BackendError, match=r"message 'a' in the store .* is damaged"):
        folder.get("a")
