"""A full disk: the service's envelope for the client, one clear line for the log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from service_rest import refusal
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tunesmith.errors import ExperimentError
from tunesmith_emulator import Emulator


@pytest.fixture
def lines(caplog):
    """Return a function that gives the lines of the log, which must hold no traceback."""

    def read():
        assert not [record for record in caplog.records if record.exc_info]
        return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]

    return read


def full(connection, record):
    # A database never gets smaller than it is, so this is the end of its growth.
    with closing(connection.execute("PRAGMA max_page_count=1")):
        pass


def test_a_database_that_cannot_grow(start, rest_for, lines):
    running = start("sklearn")
    client = rest_for(running)
    engine = running.services.database._engine
    event.listen(engine, "connect", full)
    engine.dispose()
    body = {"metadata": {"name": "a", "tags": ["long " * 40] * 100}}
    answers = [client.ask("POST", "/v2/assets", body) for _ in range(4)]
    refused = refusal(answers[-1], 500)
    assert "log" in refused["message"]
    assert "state.sqlite: database or disk is full; free space" in lines()[0]
    assert client.get("/ml/v4/trainings")["resources"] == []  # what can be read is served


@pytest.mark.parametrize("projects", [(), ("p",)])
def test_a_start_that_cannot_be_stored(tmp_path, projects):
    def fail(session):
        raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

    event.listen(Session, "before_commit", fail)
    try:
        with pytest.raises(ExperimentError, match=r"state.sqlite: .* full\); give another"):
            Emulator("sklearn", data_dir=tmp_path, projects=projects).start()
    finally:
        event.remove(Session, "before_commit", fail)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_an_upload_that_cannot_be_stored(rest, emulator, lines, monkeypatch):
    monkeypatch.setattr("tunesmith_emulator.routes.assets.new_id", lambda: "full")
    (emulator.services.files.arriving / "full").symlink_to("/dev/full")
    asset = rest.post("/v2/assets", {"metadata": {"name": "a"}})["metadata"]["asset_id"]
    attachment = rest.post(f"/v2/assets/{asset}/attachments", {"name": "a", "mime": "text/csv"})
    refusal(rest.http.put(attachment["url1"], content=b"x" * 10_000), 500)
    assert "No space left on device; free some space" in lines()[0]
