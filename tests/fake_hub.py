"""A model hub on this machine, as far as downloads ask it: what huggingface_hub really does is tested against it."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

COMMIT = "c0ffee" + 34 * "0"


class FakeHub:
    """Serves one repository from a directory."""

    def __init__(self, url: str, repository: str, directory: Path) -> None:
        self.url, self.repository, self.directory = url, repository, directory
        self.served: list[str] = []
        """Names of the files whose content was asked for."""
        self.before_serving: Callable[[str], Any] = lambda _name: None
        """Called with a file's name before its content is sent."""

    @property
    def environment(self) -> dict[str, str]:
        """What has a process take this for the hub."""
        return {"HF_ENDPOINT": self.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}

    def listing(self) -> list[dict[str, Any]]:
        files = sorted(path for path in self.directory.iterdir() if path.is_file())
        return [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": _digest(f)} for f in files]


@contextmanager
def serving(repository: str, directory: Path) -> Iterator[FakeHub]:
    """A hub that holds `repository`, with the files of `directory`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.hub = FakeHub(f"http://127.0.0.1:{server.server_port}", repository, directory)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._answer(is_whole=False)

    def do_GET(self) -> None:
        self._answer(is_whole=True)

    def _answer(self, *, is_whole: bool) -> None:
        hub, path = self.server.hub, self.path.partition("?")[0]
        if match := re.fullmatch(f"/{hub.repository}/resolve/[^/]+/(.+)", path):
            self._send_file(hub, match[1], is_whole=is_whole)
        elif path.startswith(f"/api/models/{hub.repository}/tree/"):
            self._send_json(hub.listing())
        elif path.startswith(f"/api/models/{hub.repository}"):
            self._send_json({"id": hub.repository, "sha": COMMIT, "siblings": []})
        else:
            self.send_response(HTTPStatus.NOT_FOUND)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send_json(self, data: Any) -> None:
        body = json.dumps(data).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_file(self, hub: FakeHub, name: str, *, is_whole: bool) -> None:
        file = hub.directory / name
        if is_whole:
            hub.served.append(name)
            hub.before_serving(name)
        self.send_response(HTTPStatus.OK)
        self.send_header("ETag", f'"{_digest(file)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(file.stat().st_size))
        self.end_headers()
        if is_whole:
            self.wfile.write(file.read_bytes())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def _digest(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()
