"""Prometheus accepts configuration, rules and queries, and each names metrics and labels that the code declares."""

import re
import shutil
import subprocess

import pytest
import yaml

pytestmark = pytest.mark.slow

ADDED = {"job", "service", "instance", "le"}
"""Labels that scraping and histograms add to a metric's own."""


@pytest.fixture
def promtool(system_program):
    program = system_program("promtool", "prometheus")

    def run(*arguments) -> None:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def _alerts(repository):
    groups = yaml.safe_load((repository / "deploy/monitoring/alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_prometheus_takes_its_configuration_and_rules(promtool, repository, tmp_path):
    for name in ("prometheus.yml", "alerts.yml"):
        shutil.copy(repository / "deploy/monitoring" / name, tmp_path)
    promtool("check", "config", tmp_path / "prometheus.yml")


def test_alerts_fire_when_they_should_and_only_then(promtool, repository):
    promtool("test", "rules", repository / "deploy/monitoring/alerts_test.yml")


def test_every_alert_has_a_test_that_fires_it_and_one_that_does_not(repository):
    tests = yaml.safe_load((repository / "deploy/monitoring/alerts_test.yml").read_text())["tests"]
    tried = [one for test in tests for one in test["alert_rule_test"]]
    for rule in _alerts(repository):
        of_this = [one for one in tried if one["alertname"] == rule["alert"]]
        assert any(one.get("exp_alerts") for one in of_this), rule["alert"]
        assert any(not one.get("exp_alerts") for one in of_this), rule["alert"]


def test_prometheus_understands_every_query_of_the_dashboard(promtool, queries, tmp_path):
    rules = [{"record": f"panel:query{n}", "expr": query} for n, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "queries.yml")


def test_queries_and_alerts_name_metrics_and_labels_that_the_code_declares(queries, repository, metrics):
    for expression in (*queries, *(rule["expr"] for rule in _alerts(repository))):
        series = set(re.findall(r"\bclipmill_\w+", expression))
        assert series <= set(metrics), expression
        known = ADDED.union(*(metrics[name].labels for name in series))
        grouped = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}
        matched = {
            label for matcher in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)[=!]", matcher)
        }
        assert grouped | matched <= known, expression


def test_queries_stand_alone(queries):
    """The queries have no Grafana variables, so anybody with Prometheus can run them."""
    assert not [query for query in queries if "$" in query]


def test_a_counter_that_may_have_no_series_yet_counts_as_zero(queries, metrics):
    always = {"clipmill_tasks_running", "clipmill_worker_slots", "clipmill_task_duration_seconds_bucket"}
    for query in queries:
        [series] = set(re.findall(r"\bclipmill_\w+", query))
        if metrics[series].kind == "Counter" and not series.startswith("clipmill_http_"):
            assert query.endswith(" or on() vector(0)"), query
        assert metrics[series].kind in {"Counter", "Gauge"} or series in always or "http" in series


def test_panels_are_explained_and_do_not_overlap(dashboard):
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_prometheus_looks_for_every_service_on_its_port(repository, services):
    [scrape] = yaml.safe_load((repository / "deploy/monitoring/prometheus.yml").read_text())["scrape_configs"]
    looked_for = {name: one["port"] for one in scrape["dns_sd_configs"] for name in one["names"]}
    assert looked_for == {name: service.port for name, service in services.items()}


def test_grafana_finds_what_is_provisioned(repository, compose):
    provisioning = repository / "deploy/monitoring/grafana/provisioning"
    [source] = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = yaml.safe_load((provisioning / "dashboards/clipmill.yaml").read_text())["providers"]
    mounts = dict(volume.split(":")[1::-1] for volume in compose["services"]["grafana"]["volumes"])
    assert mounts[provider["options"]["path"]] == "./monitoring/grafana/dashboards"
