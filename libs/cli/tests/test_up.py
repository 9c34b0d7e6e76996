"""`clipmill up`: a sentence says what keeps it from starting."""

import json
import socket

import pytest
from clipmill.cli.local.data_folder import DataFolder

pytestmark = pytest.mark.slow


async def test_a_second_up_on_the_same_folder_is_refused(clipmill_process, tmp_path):
    with DataFolder(tmp_path).locked():
        status, out, err = await clipmill_process("up", "--data", tmp_path, "--port", "0")
    assert (status, out) == (1, "")
    assert f"Error: clipmill already runs on {tmp_path}; stop it first, or name another folder with --data.\n" in err


async def test_a_port_that_is_taken_is_named(clipmill_process, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = await clipmill_process("up", "--data", tmp_path, "--port", port)
    assert status == 1
    assert f"Error: Port {port} of 127.0.0.1 is in use; stop the program that uses it, or choose another" in err
    assert not (tmp_path / "clipmill.json").exists()


async def test_a_wrong_setting_is_named(clipmill_process, tmp_path):
    environ = {"CLIPMILL_SHUTDOWN_SECONDS": "soon"}
    status, _, err = await clipmill_process("up", "--data", tmp_path, "--port", "0", environ=environ)
    assert status == 1
    assert "Error: CLIPMILL_SHUTDOWN_SECONDS is 'soon', but must be a number" in err


async def test_the_wrong_setting_of_one_service_ends_the_start_with_its_name(clipmill_process, tmp_path):
    environ = {"CLIPMILL_GATEWAY_MAX_UPLOAD_BYTES": "huge"}
    status, _, err = await clipmill_process("up", "--data", tmp_path, "--port", "0", environ=environ)
    assert status == 1
    assert "gateway ended with status 2." in err
    assert "CLIPMILL_GATEWAY_MAX_UPLOAD_BYTES is 'huge', but must be a whole number" in err


async def test_config_lists_every_setting_once(clipmill):
    environ = {"CLIPMILL_GATEWAY_PORT": "8123", "CLIPMILL_SECRET_KEY": "not to be seen"}
    status, out, _ = await clipmill("config", environ=environ)
    assert status == 0
    assert out.count("CLIPMILL_NATS_URL ") == 1
    (port,) = (line.split() for line in out.splitlines() if "CLIPMILL_GATEWAY_PORT" in line)
    assert port[:3] == ["CLIPMILL_GATEWAY_PORT", "8123", "8000"]
    assert "not to be seen" not in out


async def test_config_says_when_a_value_came_from_an_old_variable_name(clipmill):
    status, out, _ = await clipmill("config", environ={"CLIPMILL_DIARIZE": "yes", "CLIPMILL_TRANSCRIBER_DIARIZE": ""})
    (diarize,) = (line for line in out.splitlines() if line.split()[:1] == ["CLIPMILL_TRANSCRIBER_DIARIZE"])
    assert status == 0
    assert "true" in diarize
    assert "CLIPMILL_DIARIZE (old name of CLIPMILL_TRANSCRIBER_DIARIZE)" in diarize


async def test_config_names_a_wrong_value_once_and_fails(clipmill):
    environ = {"CLIPMILL_RENDERER_SLOTS": "many"}
    sentence = "CLIPMILL_RENDERER_SLOTS is 'many', but must be a whole number, at least 1."
    status, out, err = await clipmill("config", environ=environ)
    assert (status, err) == (2, f"Error: renderer: {sentence}\n")
    assert "CLIPMILL_GATEWAY_PORT" in out
    assert sentence not in out


async def test_config_names_a_wrong_value_that_all_services_share_once(clipmill):
    status, out, err = await clipmill("config", "--json", environ={"CLIPMILL_LOG_LEVEL": "loud"})
    services = "gateway, downloader, transcriber, analyzer, renderer"
    sentence = "CLIPMILL_LOG_LEVEL is 'loud', but must be one of debug, info, warning, error."
    assert (status, err) == (2, f"Error: {services}: {sentence}\n")
    assert [config["problem"] for config in json.loads(out)] == [sentence] * 5


@pytest.mark.parametrize(
    ("service", "name", "value"),
    [
        ("downloader", "ALLOWED_NETWORKS", "foo"),
        ("downloader", "UPSTREAM_PROXY", "foo"),
        ("analyzer", "PRICE_TABLE", "/nowhere/prices.toml"),
        ("analyzer", "PROVIDER", "openai"),
    ],
)
async def test_config_refuses_a_setting_with_which_its_service_cannot_start(clipmill, service, name, value):
    status, _, err = await clipmill("config", environ={f"CLIPMILL_{service.upper()}_{name}": value})
    assert status == 2
    assert err.startswith(f"Error: {service}: CLIPMILL_{service.upper()}_")


async def test_config_is_one_document_for_machines(clipmill):
    status, out, _ = await clipmill("config", "--json")
    assert status == 0
    services = {config["service"]: config for config in json.loads(out)}
    assert set(services) == {"gateway", "downloader", "transcriber", "analyzer", "renderer"}
    variables = [setting["variable"] for setting in services["gateway"]["settings"]]
    assert "CLIPMILL_GATEWAY_MAX_UPLOAD_BYTES" in variables


async def test_topology_apply_needs_a_server_that_answers(clipmill, nats_server):
    status, out, _ = await clipmill("topology", "apply", environ={"CLIPMILL_NATS_URL": nats_server.url})
    assert (status, out) == (
        0,
        f"The streams, consumers and buckets are in place on {nats_server.url}.\n",
    )


async def test_models_are_listed_with_purpose_and_place(clipmill):
    status, out, _ = await clipmill("models", "list")
    assert status == 0
    assert "whisper-tiny.en" in out


async def test_an_unknown_model_is_status_2(clipmill):
    status, _, err = await clipmill("models", "fetch", "no-such-model")
    assert status == 2
    assert err.startswith("Error: There is no model 'no-such-model'")


async def test_a_data_folder_that_cannot_be_created_is_named(clipmill_process):
    status, _, err = await clipmill_process("up", "--data", "/proc/nope", "--port", "0")
    assert status == 1
    assert "Error: The data folder /proc/nope cannot be used (No such file or directory); choose another" in err


async def test_a_data_folder_that_cannot_be_read_is_named_to_an_operator(clipmill, tmp_path):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    status, _, err = await clipmill("dead-letters", "list", "--data", folder)
    assert status == 2
    assert err == f"Error: The data folder {folder} cannot be used (Not a directory); choose another with --data.\n"


async def test_a_folder_for_models_that_cannot_be_written_is_named(clipmill):
    status, _, err = await clipmill("models", "fetch", "whisper-tiny.en", environ={"CLIPMILL_MODELS_DIR": "/proc/nope"})
    assert status == 2
    assert "cannot be stored in /proc/nope (No such file or directory); name another folder" in err


@pytest.mark.parametrize("command", [("topology", "apply"), ("dead-letters", "list")])
async def test_a_malformed_address_of_nats_is_named_without_its_password(clipmill, command):
    status, _, err = await clipmill(*command, environ={"CLIPMILL_NATS_URL": "nats://user:s3cret/x@nats:4222"})
    assert status == 2
    assert err.startswith("Error: CLIPMILL_NATS_URL is not a list of NATS servers; ")
    assert "s3cret" not in err
