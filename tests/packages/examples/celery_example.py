"""Celery: tasks in the processes of a prefork worker, over a broker in a folder."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

from celery import Celery, signals

from mongoengine import Document, IntField, ListField, StringField, connect

SETTINGS = {
    "db": os.environ.setdefault("CELERY_DATABASE", f"celery_{uuid.uuid4().hex[:8]}"),
    "host": os.environ["MONGODB_URI"],
    "uuidRepresentation": "standard",
}
if "CELERY_FOLDER" not in os.environ:  # which the worker has
    os.environ["CELERY_FOLDER"] = tempfile.mkdtemp()
FOLDER = os.environ["CELERY_FOLDER"]


class Counter(Document):
    name = StringField(primary_key=True)
    value = IntField(default=0)
    parents = ListField(IntField())


def connect_process(**_):
    connect(**SETTINGS)


def add(name, amount):
    Counter.objects(name=name).update_one(
        upsert=True,
        inc__value=amount,
        add_to_set__parents=os.getppid(),
    )


app = Celery("jobs", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": FOLDER,
    "data_folder_out": FOLDER,
    "control_folder": os.path.join(FOLDER, "control"),
}
if os.environ.get("CELERY_CONNECT") == "before the fork":
    connect_process()
    Counter.objects.count()  # the client has open sockets when the worker forks
else:
    signals.worker_process_init.connect(connect_process)
app.task(add)


def run(when: str) -> None:
    """Run a worker of two processes, and send it tasks until all are done."""
    here = pathlib.Path(__file__)
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", here.stem]
    options = ["--quiet", "worker", "--pool=prefork", "--concurrency=2"]
    worker = subprocess.Popen(
        [*command, *options, "--loglevel=WARNING"],
        cwd=here.parent,
        env={**os.environ, "CELERY_CONNECT": when},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    counter = None
    try:
        for _ in range(20):
            app.send_task(f"{here.stem}.add", (when, 1))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and worker.poll() is None:
            counter = Counter.objects(name=when).first()
            if counter is not None and counter.value == 20:
                break
            time.sleep(0.1)
    finally:
        worker.terminate()
        log, _ = worker.communicate(timeout=30)
    print("connected", when)
    if counter is None or worker.returncode:
        print(f"status {worker.returncode}\n{log}", file=sys.stderr)
    else:
        print("tasks:", counter.value)
        print("in forked processes:", set(counter.parents) == {worker.pid})


if __name__ == "__main__":
    connect_process()
    try:
        for when in ("in each process", "before the fork"):
            run(when)
    finally:
        Counter._get_db().client.drop_database(SETTINGS["db"])
        shutil.rmtree(FOLDER)
