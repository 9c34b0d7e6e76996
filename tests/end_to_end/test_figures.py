"""A real Prometheus scrapes every service during a run, and the dashboard's queries find their data."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "deploy").rglob("*.json"))
SCRAPE_SECONDS = 60


@pytest.fixture(scope="module")
def prometheus(up, sample, system_program, tmp_path_factory):
    """Prometheus with what it scraped while a job ran; returns a function that answers a query."""
    program = system_program("prometheus", "prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for name, port in up.ports.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = _free_port()
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def query(expression):
        parameters = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{parameters}") as answer:
            return json.load(answer)["data"]["result"]

    _until(lambda: len(query("up == 1")) == len(up.ports))
    status, answer = up.submit(sample, "--clips", "1", "--max-seconds", "20")
    assert status == 0, answer
    finished = up.get(f"/api/jobs/{answer['job_id']}")["finished"]
    _until(lambda: all(float(row["value"][1]) > finished + 2 for row in query("timestamp(up)")))
    yield query
    running.terminate()
    running.wait(30)


def _free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _until(condition):
    deadline = time.monotonic() + SCRAPE_SECONDS
    while True:
        try:
            if condition():
                return
        except OSError:
            pass  # not listening yet
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _queries():
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text()).get("panels", []):
            for target in panel.get("targets", []):
                yield pytest.param(target["expr"], id=f"{panel['title']}: {target['expr']}"[:100])


@pytest.mark.parametrize("expression", list(_queries()))
def test_every_query_of_the_dashboard_returns_data(prometheus, expression):
    for variable, value in {"$__rate_interval": "1m", "$__interval": "1m", "$__range": "10m"}.items():
        expression = expression.replace(variable, value)
    assert prometheus(expression), expression


def test_tasks_finished_are_events_seen(prometheus):
    """Every finished task said so in one event that the projector folded."""
    (tasks,) = prometheus('sum(clipmill_tasks_total{outcome="finished"})')
    (events,) = prometheus('sum(clipmill_events_folded_total{kind="stage_finished"})')
    assert float(tasks["value"][1]) == float(events["value"][1]) > 0


def test_jobs_that_ended_are_jobs_that_began(prometheus):
    began = float(prometheus('sum(clipmill_jobs_total{state="queued"})')[0]["value"][1])
    ended = float(prometheus('sum(clipmill_jobs_total{state!="queued"})')[0]["value"][1])
    assert began == ended > 0
