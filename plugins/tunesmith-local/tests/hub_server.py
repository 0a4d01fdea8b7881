"""A small Hugging Face hub: repositories, commits, revisions and files. The real client uses it."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

TOKEN = "hf_for_the_tests"


class Hub:
    def __init__(self):
        self.private = {}  # repository to whether it is private
        self.commits = {}  # repository to its commits: files by path
        self.tags = {}

    def files(self, repository, revision):
        commits = self.commits[repository]
        if revision in ("main", None):
            return len(commits) - 1, commits[-1]
        for number, files in enumerate(commits):
            if revision in (sha(number), self.tags.get((repository, number))):
                return number, files
        return None


def sha(number):
    return hashlib.sha1(str(number).encode()).hexdigest()


def application(hub):  # noqa: C901  # the routes
    app = FastAPI()

    def missing(code, status=404):
        return JSONResponse({"error": code}, status, headers={"X-Error-Code": code})

    @app.middleware("http")
    async def checked(request: Request, call_next):
        if request.method == "POST" and request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "Invalid username or password."}, 401)
        return await call_next(request)

    @app.post("/api/repos/create")
    def create(body: dict, request: Request):
        name = f"{body['organization']}/{body['name']}" if "organization" in body else body["name"]
        if name in hub.commits:
            return JSONResponse({"error": "exists", "url": f"{request.base_url}{name}"}, 409)
        hub.commits[name] = [{}]
        hub.private[name] = body.get("private") or body.get("visibility") == "private"
        return {"url": f"{request.base_url}{name}", "id": name}

    @app.post("/api/validate-yaml")
    def validate(body: dict):
        return {"errors": [], "warnings": []}

    @app.post("/api/models/{owner}/{name}/preupload/{revision}")
    def preupload(body: dict):
        kinds = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                 for file in body["files"]]  # fmt: skip
        return {"files": kinds}

    @app.post("/api/models/{owner}/{name}/commit/{revision}")
    async def commit(owner: str, name: str, request: Request):
        files = dict(hub.commits[f"{owner}/{name}"][-1])
        for line in (await request.body()).splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
        hub.commits[f"{owner}/{name}"].append(files)
        oid = sha(len(hub.commits[f"{owner}/{name}"]) - 1)
        return {
            "success": True,
            "commitOid": oid,
            "commitUrl": f"{request.base_url}{owner}/{name}/commit/{oid}",
        }

    @app.get("/api/models/{owner}/{name}")
    @app.get("/api/models/{owner}/{name}/revision/{revision}")
    def info(owner: str, name: str, revision: str = "main"):
        repository = f"{owner}/{name}"
        if repository not in hub.commits:
            return missing("RepoNotFound")
        found = hub.files(repository, revision)
        if found is None:
            return missing("RevisionNotFound")
        siblings = [{"rfilename": path} for path in found[1]]
        return {"id": repository, "sha": sha(found[0]), "siblings": siblings,
                "private": hub.private[repository]}  # fmt: skip

    @app.get("/api/models/{owner}/{name}/tree/{revision}")
    def tree(owner: str, name: str, revision: str):
        found = hub.files(f"{owner}/{name}", revision)
        return [{"type": "file", "path": path, "size": len(data), "oid": sha(path)}
                for path, data in found[1].items()]  # fmt: skip

    @app.api_route("/{owner}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
    def resolve(owner: str, name: str, revision: str, path: str, request: Request):
        number, files = hub.files(f"{owner}/{name}", revision)
        if path not in files:
            return missing("EntryNotFound")
        digest = hashlib.sha1(files[path]).hexdigest()
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": sha(number),
                   "Content-Length": str(len(files[path]))}  # fmt: skip
        content = b"" if request.method == "HEAD" else files[path]
        return Response(content, headers=headers)

    return app


@contextmanager
def served(hub):
    """Serve on a free port of this machine; yield the address."""
    config = uvicorn.Config(application(hub), port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
