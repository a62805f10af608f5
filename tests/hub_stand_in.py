"""A small hub on loopback: the HTTP that `huggingface_hub` speaks to create, upload to and download from repositories.

Large files go by the LFS protocol. `cut_uploads` and `cut_commits` say how many of the next requests of that kind lose
their connection midway. While `status` is set, everything that is asked for is answered with it.
"""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OWNER_TOKEN = "hf_owner"
READER_TOKEN = "hf_reader"

_REPOSITORY = r"(?P<repo>[\w.-]+/[\w.-]+)"
_API = rf"/api/(?P<kind>models|spaces)/{_REPOSITORY}"


class StandInHub:
    """Started by `with`; `endpoint` is its address. What it holds can be looked at while it runs."""

    def __init__(self):
        self.repositories = {}  # "models/name/repo" -> {revision: {path: bytes}}; the newest comes last
        self.objects = {}  # SHA-256 -> bytes
        self.uploads = []  # SHA-256 of each upload that was begun
        self.cut_uploads = 0
        self.cut_commits = 0
        self.status = 0
        self.asked = []  # path of each GET and HEAD
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def files(self, name):
        """The newest files of a repository, by path."""
        return list(self.repositories[name].values())[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: StandInHub

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        if path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if self.headers.get("Authorization") != f"Bearer {OWNER_TOKEN}":
            known = self.headers.get("Authorization") == f"Bearer {READER_TOKEN}"
            return self._json({"error": "You don't have the rights"}, 403 if known else 401)
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if match := re.fullmatch(rf"{_API}/preupload/main", path):
            return self._preupload(self._name(match), json.loads(body))
        if match := re.fullmatch(rf"/(?:(?P<kind>spaces)/)?{_REPOSITORY}\.git/info/lfs/objects/batch", path):
            return self._batch(json.loads(body))
        if match := re.fullmatch(rf"{_API}/commit/main", path):
            if self.hub.cut_commits:
                self.hub.cut_commits -= 1
                return self._cut()
            return self._commit(self._name(match), body)
        return self._json({"error": "not found"}, 404)

    def do_PUT(self):
        name = self.path.removeprefix("/objects/")
        self.hub.uploads.append(name)
        if self.hub.cut_uploads:
            self.hub.cut_uploads -= 1
            self.rfile.read(1000)
            return self._cut()
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if hashlib.sha256(content).hexdigest() != name:
            return self._json({"error": "wrong hash"}, 400)
        self.hub.objects[name] = content
        return self._json({})

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.hub.asked.append(path)
        if self.hub.status:
            return self._json({"error": "not now"}, self.hub.status)
        if match := re.fullmatch(rf"{_API}(?:/revision/(?P<revision>[\w.-]+))?", path):
            found = self._find(self._name(match), match["revision"])
            if found is None:
                return self._missing()
            revision, files = found
            siblings = [{"rfilename": name} for name in files]
            return self._json({"id": match["repo"], "sha": revision, "siblings": siblings, "private": False})
        if match := re.fullmatch(rf"{_API}/tree/(?P<revision>[\w.-]+)", path):
            found = self._find(self._name(match), match["revision"])
            if found is None:
                return self._missing()
            rows = [
                {"type": "file", "path": name, "size": len(content), "oid": _blob(content)}
                for name, content in found[1].items()
            ]
            return self._json(rows)
        if match := re.fullmatch(rf"/{_REPOSITORY}/resolve/(?P<revision>[\w.-]+)/(?P<file>.+)", path):
            found = self._find(f"models/{match['repo']}", match["revision"])
            if found is None or match["file"] not in found[1]:
                return self._missing()
            content = found[1][match["file"]]
            return self._send(content, 200, {"ETag": f'"{_blob(content)}"', "X-Repo-Commit": found[0]})
        return self._json({"error": "not found"}, 404)

    def _create(self, asked):
        kind = f"{asked.get('type', 'model')}s"
        name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else f"owner/{asked['name']}"
        exists = f"{kind}/{name}" in self.hub.repositories
        self.hub.repositories.setdefault(f"{kind}/{name}", {_revision({}): {}})
        address = f"{self.hub.endpoint}/{'' if kind == 'models' else kind + '/'}{name}"
        return self._json({"url": address, "error": "exists"} if exists else {"url": address}, 409 if exists else 200)

    def _preupload(self, name, asked):
        there = self.hub.files(name)
        rows = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(".onnx") else "regular",
                "shouldIgnore": False,
                "oid": self._remote_oid(file["path"], there),
            }
            for file in asked["files"]
        ]
        return self._json({"files": rows})

    def _remote_oid(self, path, there):
        if path not in there:
            return None
        return hashlib.sha256(there[path]).hexdigest() if path.endswith(".onnx") else _blob(there[path])

    def _batch(self, asked):
        rows = []
        for one in asked["objects"]:
            upload = {"upload": {"href": f"{self.hub.endpoint}/objects/{one['oid']}"}}
            rows.append({**one, **({} if one["oid"] in self.hub.objects else {"actions": upload})})
        return self._json({"transfer": "basic", "objects": rows})

    def _commit(self, name, body):
        files = dict(self.hub.files(name))
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        revision = _revision(files)
        self.hub.repositories[name][revision] = files
        address = f"{self.hub.endpoint}/{name}/commit/{revision}"
        return self._json({"commitUrl": address, "commitOid": revision, "pullRequestUrl": None})

    def _find(self, name, revision):
        revisions = self.hub.repositories.get(name, {})
        if revision in (None, "main") and revisions:
            revision = list(revisions)[-1]
        return (revision, revisions[revision]) if revision in revisions else None

    @staticmethod
    def _name(match):
        return f"{match['kind']}/{match['repo']}"

    def _missing(self):
        return self._json({"error": "not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def _cut(self):
        self.close_connection = True
        self.connection.shutdown(2)

    def _json(self, value, status=200, headers=None):
        return self._send(json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})})

    def _send(self, content, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _blob(content):
    """Git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _revision(files):
    digest = hashlib.sha1()
    for name, content in sorted(files.items()):
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()
