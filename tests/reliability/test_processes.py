"""Several processes: forked and spawned, with threads, and killed."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import subprocess
import sys
import textwrap
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork()"),
]

MODELS = """
from mongoengine import *

class Row(Document):
    number = IntField(primary_key=True)
    by = StringField()
    meta = {"collection": "row"}
"""

PROGRAMS = {
    "forked while threads write": """
        connect(DATABASE, host=HOST, uuidRepresentation="standard")
        stop = threading.Event()

        def write(first):
            number = first
            while not stop.is_set():
                Row(number=number, by="thread").save()
                assert Row.objects.get(pk=number).by == "thread"
                number += 1

        threads = [threading.Thread(target=write, args=(n * 10**6,)) for n in range(1, 4)]
        for thread in threads:
            thread.start()
        statuses = []
        for child in range(6):
            pid = os.fork()
            if pid == 0:
                signal.alarm(60)
                Row(number=-child, by="child").save()
                os._exit(0 if Row.objects(pk=-child).count() == 1 else 1)
            statuses.append(os.waitpid(pid, 0)[1])
        stop.set()
        for thread in threads:
            thread.join()
        assert statuses == [0] * 6, statuses
        assert Row.objects(by="child").count() == 6
        assert Row.objects(by="thread").count() > 3
    """,
    "forked while a thread imports an operation": """
        import sys, time

        begun = threading.Event()

        class Slow:
            def find_spec(self, name, path, target=None):
                if name == "mongoengine.operations.save":
                    begun.set()
                    time.sleep(0.5)

        assert "mongoengine.operations.save" not in sys.modules
        sys.meta_path.insert(0, Slow())
        thread = threading.Thread(target=lambda: Row.save)
        thread.start()
        begun.wait()
        pid = os.fork()
        if pid == 0:
            signal.alarm(60)
            assert Row.save is not None
            os._exit(0)
        thread.join()
        assert os.waitpid(pid, 0)[1] == 0
    """,
    "forked while tasks write": """
        async def write(first, begun):
            for number in range(first, first + 20):
                await Row(number=number, by="task").async_save()
                begun.set()

        async def main():
            await connect_async(DATABASE, host=HOST, uuidRepresentation="standard")
            begun = asyncio.Event()
            writing = [asyncio.create_task(write(n * 1000, begun)) for n in range(3)]
            await begun.wait()
            assert not all(task.done() for task in writing)
            pid = os.fork()
            if pid == 0:
                try:
                    connect(DATABASE, "blocking", host=HOST, uuidRepresentation="standard")
                    with switch_db(Row, "blocking"):
                        Row(number=-1, by="child").save()
                    os._exit(0)
                finally:
                    os._exit(1)
            await asyncio.gather(*writing)
            assert os.waitpid(pid, 0)[1] == 0
            assert await Row.objects(by="task").async_count() == 60
            assert await Row.objects(by="child").async_count() == 1
            await disconnect_async()

        from mongoengine.context_managers import switch_db
        asyncio.run(main())
    """,
    "embedded in a parent and its children": """
        connect("data", host="embedded://", uuidRepresentation="standard")
        Row(number=1, by="parent").save()
        children = []
        for child in range(3):
            pid = os.fork()
            if pid == 0:
                assert Row.objects.get(pk=1).by == "parent"
                Row(number=10 + child, by="child").save()
                connect("own", "own", host="embedded://?auth=false",
                        uuidRepresentation="standard")
                with Row.objects.using("own")._collection.database.client as client:
                    assert client.admin.command("ping")["ok"]
                os._exit(0)
            children.append(pid)
        for pid in children:
            assert os.waitpid(pid, 0)[1] == 0
        assert Row.objects(by="child").count() == 3
    """,
    "a child is killed while it writes": """
        connect(DATABASE, host=HOST, uuidRepresentation="standard")
        Row.objects.first()
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            for number in range(10**6):
                Row(number=number, by="child").save()
                os.write(theirs, b"%d\\n" % number)
        os.close(theirs)
        output = b""
        while output.count(b"\\n") < 20:
            output += os.read(ours, 1000)
        os.kill(pid, signal.SIGKILL)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL
        while more := os.read(ours, 1000):
            output += more
        acknowledged = {int(line) for line in output.split(b"\\n")[:-1]}
        stored = {row.number for row in Row.objects}
        assert acknowledged <= stored, acknowledged - stored
        assert len(stored - acknowledged) <= 1
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_processes_do_not_disturb_each_other(
    name: str, server_uri: str, database_name: str, tmp_path: pathlib.Path
) -> None:
    imports = "import asyncio, os, signal, threading\n"
    constants = f"HOST, DATABASE = {server_uri!r}, {database_name!r}\n"
    program = imports + constants + MODELS + textwrap.dedent(PROGRAMS[name])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=pathlib.Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


POOL = (
    MODELS
    + """
import multiprocessing, sys

HOST, DATABASE, METHOD = sys.argv[1:]

def begin():
    connect(DATABASE, host=HOST, uuidRepresentation="standard")

def work(number):
    Row(number=number, by="worker").save()
    return Row.objects.get(pk=number).number

if __name__ == "__main__":
    begin()
    Row(number=-1, by="parent").save()
    context = multiprocessing.get_context(METHOD)
    with context.Pool(2, begin if METHOD != "fork" else None) as pool:
        assert pool.map(work, range(30)) == list(range(30))
    assert Row.objects(by="worker").count() == 30
"""
)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_pool_of_processes_writes_and_reads(
    method: str, server_uri: str, database_name: str, tmp_path: pathlib.Path
) -> None:
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    environment: dict[str, Any] = {
        **os.environ,
        "PYTHONPATH": str(pathlib.Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, str(script), server_uri, database_name, method],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
