"""A server that answers by a script, for what the embedded one cannot do.

It speaks as much of the wire protocol as PyMongo needs (OP_MSG, and OP_QUERY
for the first hello), so that a scenario that `needs` a feature of a full server
still sends its commands through a real client, and gets replies of its own
choosing.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Callable, Mapping
from typing import Any

import bson

__all__ = ("ScriptedServer",)

Reply = Mapping[str, Any] | Callable[[dict[str, Any]], Mapping[str, Any]]

_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_HEADER = struct.Struct("<iiii")

_HELLO: dict[str, Any] = {
    "ok": 1.0,
    "ismaster": True,
    "isWritablePrimary": True,
    "helloOk": True,
    "maxBsonObjectSize": 16777216,
    "maxMessageSizeBytes": 48000000,
    "maxWriteBatchSize": 100000,
    "logicalSessionTimeoutMinutes": 30,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "readOnly": False,
}


def _cursor(command: dict[str, Any]) -> dict[str, Any]:
    name = next(iter(command.values()))
    return {"ok": 1.0, "cursor": {"id": 0, "ns": f"db.{name}", "firstBatch": []}}


def _counted(command: dict[str, Any]) -> dict[str, Any]:
    work = command.get("documents") or command.get("deletes") or ()
    return {"ok": 1.0, "n": len(work)}


def _updated(command: dict[str, Any]) -> dict[str, Any]:
    count = len(command.get("updates", ()))
    return {"ok": 1.0, "n": count, "nModified": count}


_REPLIES: dict[str, Reply] = {
    "hello": _HELLO,
    "isMaster": _HELLO,
    "ismaster": _HELLO,
    "find": _cursor,
    "aggregate": _cursor,
    "listCollections": _cursor,
    "listIndexes": _cursor,
    "insert": _counted,
    "delete": _counted,
    "update": _updated,
    "count": {"ok": 1.0, "n": 0},
    "buildInfo": {"ok": 1.0, "version": "7.0.0", "versionArray": [7, 0, 0, 0]},
}


class _Handler(socketserver.StreamRequestHandler):
    server: ScriptedServer

    def handle(self) -> None:
        while header := self.rfile.read(_HEADER.size):
            size, request, _, operation = _HEADER.unpack(header)
            body = self.rfile.read(size - _HEADER.size)
            if operation == _OP_QUERY:
                answer = self._legacy(body)
                operation = _OP_REPLY
            else:
                answer = self._message(body)
                operation = _OP_MSG
            size = _HEADER.size + len(answer)
            self.wfile.write(_HEADER.pack(size, 0, request, operation) + answer)

    def _legacy(self, body: bytes) -> bytes:
        start = body.index(b"\0", 4) + 1 + 8
        reply = bson.encode(self.server.answer(bson.decode(body[start:])))
        return struct.pack("<iqii", 8, 0, 0, 1) + reply

    def _message(self, body: bytes) -> bytes:
        command: dict[str, Any] = {}
        at = 4
        while at < len(body):
            kind = body[at]
            size = struct.unpack_from("<i", body, at + 1)[0]
            if kind == 0:
                command.update(bson.decode(body[at + 1 : at + 1 + size]))
            else:
                name_end = body.index(b"\0", at + 5)
                name = body[at + 5 : name_end].decode()
                documents = bson.decode_all(body[name_end + 1 : at + 1 + size])
                command[name] = documents
            at += 1 + size
        reply = bson.encode(self.server.answer(command))
        return struct.pack("<i", 0) + b"\0" + reply


class ScriptedServer(socketserver.ThreadingTCPServer):
    """Answers every command: by the script, else as an empty server would."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Mapping[str, Reply] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = dict(script or {})
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.server_address[1]}/"

    def answer(self, command: dict[str, Any]) -> Mapping[str, Any]:
        name = next(iter(command))
        reply = self.script.get(name, _REPLIES.get(name, {"ok": 1.0}))
        return reply(command) if callable(reply) else reply

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
