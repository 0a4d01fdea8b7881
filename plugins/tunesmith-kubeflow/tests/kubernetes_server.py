"""An API server of Kubernetes with Kubeflow Trainer, on this machine.

It has the paths that the SDK asks. A TrainJob really runs: the command of its manifest is a process
of this machine. Every manifest is read by the models of ``kubeflow-trainer-api``, and refused as
the webhook of the Trainer refuses it. There are no images: each has the Python of the tests.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

GROUP = "trainer.kubeflow.org"
TOKEN = "token-2d81ac"
ANCESTOR = "trainer.kubeflow.org/trainjob-ancestor-step"
NOW = "%Y-%m-%dT%H:%M:%SZ"


class Refusal(Exception):  # noqa: N818  # an answer, not an error of the tests
    def __init__(self, status, message, reason="", **details):
        self.status = status
        self.body = {
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
            "reason": reason, "details": details, "code": status,
        }  # fmt: skip


@dataclass
class Running:
    """A TrainJob and its only pod."""

    manifest: dict
    log: Path
    process: subprocess.Popen | None = None
    created: str = field(default_factory=lambda: datetime.now(UTC).strftime(NOW))
    lost_log: bool = False

    @property
    def name(self):
        return self.manifest["metadata"]["name"]

    @property
    def code(self):
        return None if self.process is None else self.process.poll()

    @property
    def phase(self):
        if self.process is None:
            return "Pending"
        return {None: "Running", 0: "Succeeded"}.get(self.code, "Failed")

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def resource(self):
        found = json.loads(json.dumps(self.manifest))
        found["metadata"] |= {"namespace": "team", "creationTimestamp": self.created}
        kind = {"Succeeded": "Complete", "Failed": "Failed"}.get(self.phase)
        if kind is not None:
            found["status"] = {"conditions": [{
                "type": kind, "status": "True", "reason": "Ended", "message": "ended",
                "lastTransitionTime": self.created,
            }]}  # fmt: skip
        return found

    def pod(self):
        return {
            "metadata": {
                "name": f"{self.name}-node-0-0-x7k2p", "namespace": "team",
                "creationTimestamp": self.created,
                "labels": {
                    "jobset.sigs.k8s.io/jobset-name": self.name,
                    "jobset.sigs.k8s.io/replicatedjob-name": "node",
                    "batch.kubernetes.io/job-completion-index": "0",
                },
            },
            "spec": {"containers": [{"name": "node", "image": "any"}]},
            "status": {"phase": self.phase},
        }  # fmt: skip


class Cluster:
    """The resources of the API server, and the faults that it shall have."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.jobs: dict[str, Running] = {}
        self.manifests: list[dict] = []
        self.secrets: dict[str, dict[str, str]] = {}
        self.runtimes = ["torch-distributed"]
        self.environment: dict[str, str] = {}
        """Of the containers, beside that of the manifest."""
        self.refusal: Refusal | None = None
        """The answer to every request."""
        self.schedules = True
        """Whether pods are started."""
        self.has_trainer = True
        self.unreadable: tuple[str, ...] = ()
        """Ends of paths that the account may not read."""
        self.events: list[dict] = []

    def create(self, manifest):
        check_manifest(manifest)
        name = manifest["metadata"]["name"]
        if name in self.jobs:
            raise Refusal(409, f'trainjobs "{name}" already exists', "AlreadyExists")
        self.manifests.append(manifest)
        running = Running(manifest, self.folder / f"{name}.log")
        if self.schedules:
            running.process = self.start(manifest["spec"], running.log)
        self.jobs[name] = running
        return running.resource()

    def start(self, spec, log):
        given = {item["name"]: item["value"] for item in spec["trainer"].get("env", [])}
        for place, files in self.mounts(spec).items():
            mounted = self.folder / f"mount-{len(list(self.folder.iterdir()))}"
            mounted.mkdir()
            for key, value in files.items():
                (mounted / key).write_text(value)
            # A process cannot mount: it gets the folder under the name that it has here.
            given = {key: str(mounted) if v == place else v for key, v in given.items()}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
        with log.open("wb") as output:
            return subprocess.Popen(
                [*spec["trainer"]["command"], *spec["trainer"].get("args", [])],
                stdout=output, stderr=subprocess.STDOUT, cwd=self.folder,
                env=environment | given | self.environment,
            )  # fmt: skip

    def mounts(self, spec):
        found = {}
        for pod in pod_patches(spec):
            names = {v["name"]: v["secret"]["secretName"] for v in pod.get("volumes", [])}
            for container in pod.get("containers", []):
                for mount in container.get("volumeMounts", []):
                    found[mount["mountPath"]] = self.secrets[names[mount["name"]]]
        return found

    def job(self, name):
        if name not in self.jobs:
            raise Refusal(
                404, f'trainjobs.{GROUP} "{name}" not found', "NotFound",
                name=name, group=GROUP, kind="trainjobs",
            )  # fmt: skip
        return self.jobs[name]

    def delete(self, name):
        self.job(name).stop()
        del self.jobs[name]
        return {"kind": "Status", "status": "Success"}

    def close(self):
        for running in self.jobs.values():
            running.stop()


def pod_patches(spec):
    """Yield the pods of the runtime patches of a TrainJob."""
    for patch in spec.get("runtimePatches", []):
        for job in patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]:
            yield job["template"]["spec"]["template"]["spec"]


def check_manifest(manifest):
    """Refuse what the API server and the webhook of the Trainer refuse."""
    parsed = TrainerV1alpha1TrainJob.from_dict(manifest)
    assert parsed.to_dict() == manifest, "the API has no such field"
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", manifest["metadata"]["name"])
    for pod in pod_patches(manifest["spec"]):
        for container in pod.get("containers", []):
            if container["name"] == "node" and container.get("env"):
                raise Refusal(403, "must not have envs for the node containers", "Forbidden")


def runtime(name):
    container = {"name": "node", "image": "pytorch/pytorch:2.10"}
    pod = {"spec": {"containers": [container]}}
    job = {"metadata": {"labels": {ANCESTOR: "trainer"}}, "spec": {"template": pod}}
    return {
        "apiVersion": f"{GROUP}/v1alpha1", "kind": "ClusterTrainingRuntime",
        "metadata": {"name": name, "labels": {"trainer.kubeflow.org/framework": "torch"}},
        "spec": {
            # Another default than one node, because such runtimes exist.
            "mlPolicy": {"numNodes": 2, "torch": {"numProcPerNode": "auto"}},
            "template": {"spec": {"replicatedJobs": [{"name": "node", "template": job}]}},
        },
    }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.answer("GET")

    def do_POST(self):
        self.answer("POST")

    def do_DELETE(self):
        self.answer("DELETE")

    def answer(self, verb):
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        try:
            self.check()
            found = self.found(verb, url.path, parse_qs(url.query), sent)
            self.send(200, found)
        except Refusal as refusal:
            self.send(refusal.status, refusal.body)

    def check(self):
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refusal(401, "Unauthorized", "Unauthorized")
        if self.cluster.refusal is not None:
            raise self.cluster.refusal

    def send(self, status, body):
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/plain" if isinstance(body, str) else "application/json"
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def found(self, verb, path, query, sent):
        cluster = self.cluster
        if path.endswith(tuple(f"/{end}" for end in cluster.unreadable)):
            raise Refusal(403, f"{path} is forbidden", "Forbidden")
        if match := re.fullmatch(f"/apis/{GROUP}/v1alpha1/(.*)", path):
            if not cluster.has_trainer:
                missing = Refusal(404, "")
                missing.body = "404 page not found\n"
                raise missing
            return self.trainer(verb, match[1], sent)
        if path == "/api/v1/namespaces/team/pods":
            (selector,) = query["labelSelector"]
            pods = [job.pod() for job in cluster.jobs.values() if f"={job.name}," in selector]
            return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods}
        if match := re.fullmatch("/api/v1/namespaces/team/pods/(.*)-node-0-0-x7k2p/log", path):
            return self.log(cluster.job(match[1]))
        if path == "/api/v1/namespaces/team/events":
            return {
                "kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": cluster.events,
            }  # fmt: skip
        if path == "/api/v1/namespaces/kubeflow-system/configmaps/kubeflow-trainer-public":
            return {
                "kind": "ConfigMap", "apiVersion": "v1",
                "data": {"kubeflow_trainer_version": "v2.3.0"},
            }  # fmt: skip
        if path == "/version":
            return {"major": "1", "minor": "36"}
        raise Refusal(404, f"no route {verb} {path}", "NotFound")

    def log(self, job):
        if job.process is None or job.lost_log:
            raise Refusal(400, 'container "node" is waiting to start', "BadRequest")
        return job.log.read_text("utf-8", errors="replace")

    def trainer(self, verb, rest, sent):
        cluster = self.cluster
        jobs = "namespaces/team/trainjobs"
        if verb == "POST" and rest != jobs:
            name = rest.split("/")[1]
            raise Refusal(
                404, f'namespaces "{name}" not found', "NotFound", name=name, kind="namespaces"
            )
        if rest == jobs and verb == "POST":
            return cluster.create(json.loads(sent))
        if rest.startswith(f"{jobs}/"):
            name = rest.removeprefix(f"{jobs}/")
            return cluster.delete(name) if verb == "DELETE" else cluster.job(name).resource()
        if rest == "clustertrainingruntimes":
            return {
                "apiVersion": f"{GROUP}/v1alpha1", "kind": "ClusterTrainingRuntimeList",
                "metadata": {}, "items": [runtime(name) for name in cluster.runtimes],
            }  # fmt: skip
        if rest == "namespaces/team/trainingruntimes":
            return {
                "apiVersion": f"{GROUP}/v1alpha1", "kind": "TrainingRuntimeList",
                "metadata": {}, "items": [],
            }  # fmt: skip
        kind, _, name = rest.rpartition("/")
        if kind == "clustertrainingruntimes" and name in cluster.runtimes:
            return runtime(name)
        kind = kind.rpartition("/")[2]
        raise Refusal(404, f'{kind}.{GROUP} "{name}" not found', "NotFound", name=name, kind=kind)


@contextmanager
def served(cluster: Cluster):
    """Serve ``cluster`` and yield a kubeconfig for it and a function that stops the server."""
    handler = type("ClusterHandler", (Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    config = cluster.folder / "kubeconfig.yaml"
    config.write_text(yaml.safe_dump(kubeconfig(f"http://127.0.0.1:{server.server_port}")))

    def stop():
        if thread.is_alive():
            server.shutdown()
            thread.join()
            server.server_close()

    try:
        yield config, stop
    finally:
        stop()
        cluster.close()


def kubeconfig(address, token=TOKEN):
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "team"}}
        ],
    }  # fmt: skip
