"""How gunicorn serves InfraZen: `gunicorn --config docker/gunicorn.conf.py infrazen.wsgi:application`.

From the environment: BIND (address:port, or unix:/path), WEB_CONCURRENCY (processes), WEB_THREADS (of each).
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from common.logs import configuration

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"
timeout = 180  # checking a billing file before its import may take two minutes
graceful_timeout = 30
keepalive = 5
max_requests = 5000  # a process that grew is replaced now and then, not all of them at once
max_requests_jitter = 500
control_socket_disable = True  # several web processes may share a home folder
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # heartbeats must not wait for a disk
accesslog = None  # each request is one line of `infrazen.middleware.RequestLog`
logconfig_dict = configuration(
    level=os.environ.get("LOG_LEVEL", "INFO"),
    style="console" if os.environ.get("LOG_FORMAT") == "console" else "json",
)
logconfig_dict["loggers"]["gunicorn.error"] = {"level": "INFO", "handlers": [], "propagate": True}

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes of one server put their figures together. prometheus_client looks for it when it is imported."""

_made: list[str] = []


def on_starting(server: Any) -> None:
    """Before any process is there: an empty folder, since one of an earlier run would count its requests again."""
    if METRICS_FOLDER not in os.environ:
        _made.append(tempfile.mkdtemp(prefix="infrazen-metrics-"))
        os.environ[METRICS_FOLDER] = _made[0]


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    for folder in _made:
        shutil.rmtree(folder, ignore_errors=True)
