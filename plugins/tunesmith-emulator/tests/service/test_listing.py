"""A page costs as much as it shows, however much is stored."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.orm import Session

from tunesmith.testing.fake import FakeDeployer
from tunesmith_emulator.database import (
    ArtifactRow,
    AssetRow,
    AttachmentRow,
    ContainerRow,
    Database,
    DeploymentRow,
    TrainingRow,
    new_id,
    utc_now,
)

STORED, PAGE = 250, 20
EACH = {"id", "asset_id", "size", "tags"}
"""The fields of which each row has its own value."""
TAGS = ["common", 'a "quoted" one', 'quoted" one', "ünïcode", "100%"]


@pytest.fixture
def filled(emulator, rest):
    """Store many resources of each kind."""
    model = {"base_model_id": "ibm/granite-13b-instruct-v2", "model": {"method": {}}}
    told = {"kind": "prompt_tuning", "request": {"training_data_references": []}, "method": {}}
    begun = utc_now()
    ids = [new_id() for _ in range(STORED)]

    def insert_all(session, table, *, scoped=True, **values):
        scope = {"scope_kind": "project", "scope_id": emulator.project_id} if scoped else {}
        rows = [
            {
                "name": str(n),
                "created_at": begun + timedelta(milliseconds=n),
                **scope,
                **{field: value[n] if field in EACH else value for field, value in values.items()},
            }
            for n in range(STORED)
        ]
        session.execute(insert(table), rows)

    tags = [["common", *TAGS[n : n + 1]] for n in range(STORED)]
    with emulator.services.database.session() as session:
        insert_all(session, AssetRow, id=ids, asset_type="data_asset")
        models = [new_id() for _ in range(STORED)]
        insert_all(session, AssetRow, id=models, asset_type="wml_model", **model)
        insert_all(session, AssetRow, asset_type="wml_model")  # no artifacts
        kept = [{"id": ident, "document": {"type": "t"}} for ident in models]
        session.execute(insert(ArtifactRow), kept)
        sizes = range(STORED)
        insert_all(session, AttachmentRow, scoped=False, asset_id=ids, mime_type="x/y", size=sizes)
        served = {"asset_id": ["one"] * STORED, "state": "ready", **model}
        insert_all(session, DeploymentRow, **served)
        insert_all(
            session, TrainingRow, state="completed", parameters={}, tags=tags, **told, **model
        )
        spaces = [f"space-{n}" for n in range(STORED)]
        insert_all(session, ContainerRow, scoped=False, id=spaces, kind="space")
    return rest


@pytest.fixture
def read():
    """Count the rows that become objects, by table."""
    counts = Counter()

    def count(session, instance):
        counts[type(instance).__tablename__] += 1

    event.listen(Session, "loaded_as_persistent", count)
    yield counts
    event.remove(Session, "loaded_as_persistent", count)


@pytest.fixture
def asked(emulator):
    """Record the statements and their values."""
    statements = []

    def record(connection, cursor, statement, values, context, many):
        statements.append((statement, values))

    engine = emulator.services.database._engine
    event.listen(engine, "before_cursor_execute", record)
    yield statements
    event.remove(engine, "before_cursor_execute", record)


LISTS = {
    "trainings": ("/ml/v4/trainings", {}),
    "trainings in a state": ("/ml/v4/trainings", {"state": "completed"}),
    "trainings in no state": ("/ml/v4/trainings", {"state": "failed"}),
    "trainings with a tag": ("/ml/v4/trainings", {"tag.value": "common"}),
    "trainings from the middle": ("/ml/v4/trainings", {"start": "200"}),
    "deployments": ("/ml/v4/deployments", {}),
    "deployments of an asset": ("/ml/v4/deployments", {"asset_id": "one"}),
    "deployments of a name": ("/ml/v4/deployments", {"name": "7"}),
    "models": ("/ml/v4/models", {}),
    "spaces": ("/v2/spaces", {}),
}


@pytest.mark.parametrize(("path", "query"), LISTS.values(), ids=LISTS)
def test_a_page_reads_its_own_rows_in_the_order_of_an_index(
    filled, emulator, read, asked, path, query
):
    engine = emulator.services.database._engine
    found = filled.get(path, limit=str(PAGE), total_count="true", **query)
    kind = path.rpartition("/")[2]
    table = {"models": "assets", "spaces": "containers"}.get(kind, kind)
    assert read[table] <= len(found["resources"]) + 1
    assert read["artifacts"] == (len(found["resources"]) if kind == "models" else 0)
    assert found["total_count"] >= len(found["resources"])
    # The workers ask too: a page is the statement that reads one row more than it shows.
    statement, values = next(one for one in asked if "LIMIT" in one[0] and PAGE + 1 in one[1])
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    steps = [row[3] for row in plan]
    assert any("INDEX ix_" in step for step in steps), steps
    assert not any("TEMP B-TREE" in step or step == f"SCAN {table}" for step in steps), steps


def test_following_the_pages_gives_every_row_once(filled):
    for path in ("/ml/v4/trainings", "/ml/v4/deployments", "/ml/v4/models", "/v2/spaces"):
        names, start = [], 0
        while True:
            page = filled.get(path, limit="70", start=str(start))
            shown = page["resources"]
            names += [one["metadata"].get("name") or one["entity"]["name"] for one in shown]
            start += 70
            if "next" not in page:
                break
        assert len(names) == len(set(names)) == STORED
        assert page["limit"] == 70


def test_a_page_of_assets_reads_its_own_rows_and_their_attachments(filled, read):
    body = {"query": "*:*", "limit": PAGE}
    found = filled.post("/v2/asset_types/data_asset/search", body)
    assert (read["assets"], read["attachments"]) == (PAGE + 1, PAGE)
    assert found["total_rows"] == STORED
    assert [one["metadata"]["size"] for one in found["results"]] == list(range(PAGE))
    assert found["next"] == {**filled.scope, **body, "bookmark": str(PAGE)}
    seen = len(found["results"])
    while "next" in found:
        found = filled.post("/v2/asset_types/data_asset/search", {**found["next"], "limit": 10**6})
        seen += len(found["results"])
        assert len(found["results"]) <= 200
    assert seen == STORED


@pytest.mark.parametrize("tag", TAGS)
def test_trainings_are_found_by_a_whole_tag(filled, tag):
    found = filled.get("/ml/v4/trainings", total_count="true", **{"tag.value": tag})
    assert found["total_count"] == (STORED if tag == "common" else 1)
    assert all(tag in one["metadata"]["tags"] for one in found["resources"])
    for other in (tag[:-1], f'"{tag}"', f"{tag}%"):
        assert not filled.get("/ml/v4/trainings", **{"tag.value": other})["resources"]


def test_the_page_shows_the_newest_and_counts_all(filled, read):
    state = filled.get("/_emulator/state")
    assert state["counts"] == {"trainings": STORED, "deployments": STORED}
    assert [one["name"] for one in state["trainings"][:2]] == [str(STORED - 1), str(STORED - 2)]
    assert len(state["deployments"]) == 100
    assert max(read.values()) == 101


def test_a_file_of_an_earlier_version_gets_the_indexes(tmp_path):
    file = tmp_path / "state.sqlite"
    Database(file).close()
    with sqlite3.connect(file) as connection:
        connection.execute("DROP INDEX ix_assets_listed")
    connection.close()
    again = Database(file)
    with again.session() as session:
        names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index'")).all()
    again.close()
    assert {"ix_assets_listed", "ix_trainings_listed", "ix_deployments_listed"} <= set(names)


def test_a_deployment_is_made_ready_without_a_look_at_the_others(start, rest_for, monkeypatch):
    listed = []
    monkeypatch.setattr(FakeDeployer, "list", lambda deployer: listed.append(deployer) or [])
    client = rest_for(start("slow"))
    model = client.tuned(num_epochs=1)
    for ident in [client.deploy(model) for _ in range(5)]:
        client.ready(ident)
    assert not listed
