"""The Hugging Face hub, played by servers on this machine."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.transcriber.models import downloads
from clipmill.transcriber.models.weights import Weights

pytestmark = pytest.mark.slow  # imports the model libraries

LARGE = Weights("large-v3", "large-v3", on_hub=True)


class Hub(BaseHTTPRequestHandler):
    """A hub that has the large model alone."""

    def do_GET(self):  # the name that the class above asks for
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self):  # the name that the class above asks for
        found = self.path == "/api/models/mobiuslabsgmbh/faster-whisper-large-v3-turbo"
        self.send_response(200 if found else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def asked(monkeypatch):
    """Return a function that names the hub's address."""
    monkeypatch.setattr(downloads.huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return lambda port: monkeypatch.setattr(downloads.huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{port}")


def test_a_hub_is_asked_although_the_libraries_were_imported_without_a_network(asked):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        asked(server.server_port)
        assert downloads.hub_has("large-v3-turbo")
        assert not downloads.hub_has("large-v9")
        assert downloads.huggingface_hub.constants.HF_HUB_OFFLINE
    finally:
        server.shutdown()
        server.server_close()


def test_a_hub_that_is_silent_or_away_is_not_waited_for(asked, monkeypatch):
    monkeypatch.setattr(downloads, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        asked(silent.getsockname()[1])
        assert not downloads.hub_has("large-v3-turbo")
    monkeypatch.setattr(downloads, "ANSWER_SECONDS", 60.0)
    asked(9)
    assert not downloads.hub_has("large-v3-turbo")


def test_an_operator_who_forbids_the_network_is_obeyed(asked, monkeypatch):
    monkeypatch.setattr(downloads, "offline_by_choice", lambda: True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    try:
        asked(server.server_port)
        assert not downloads.hub_has("large-v3-turbo")
    finally:
        server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return a function that puts files of large-v3 into the hub's cache."""
    monkeypatch.setattr(downloads.huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(tmp_path))

    def put(*names):
        folder = tmp_path / "models--Systran--faster-whisper-large-v3"
        snapshot = folder / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
        snapshot.mkdir(parents=True, exist_ok=True)
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / "main").write_text(snapshot.name)
        for name in names:
            (snapshot / name).touch()
        return snapshot

    return put


def test_a_model_is_in_the_cache_only_if_it_is_whole(cache):
    assert downloads.cached_weights("large-v3") is None
    cache("model.bin", "config.json")
    assert downloads.cached_weights("large-v3") is None, "the download broke off"
    place = cache("vocabulary.json")
    assert downloads.cached_weights("large-v3") == Weights("large-v3", str(place), on_hub=False)


def test_a_hub_that_does_not_answer_is_no_reason_to_wait_for_a_download(asked, cache, monkeypatch):
    monkeypatch.setattr(downloads, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(downloads.faster_whisper.utils, "download_model", lambda _: pytest.fail("it was downloaded"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked(silent.getsockname()[1])
        with pytest.raises(Transient, match="CLIPMILL_GATEWAY_MODELS if the job chose the model") as failure:
            downloads.download_weights(LARGE)
    assert failure.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_an_operator_who_forbids_the_network_reads_why_a_model_is_missing(monkeypatch):
    monkeypatch.setattr(downloads, "offline_by_choice", lambda: True)
    monkeypatch.setattr(downloads.faster_whisper.utils, "download_model", lambda _: pytest.fail("it was downloaded"))
    with pytest.raises(Permanent, match="HF_HUB_OFFLINE forbids fetching it") as failure:
        downloads.download_weights(LARGE)
    assert failure.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_a_model_that_the_hub_lacks_is_a_permanent_failure(asked, cache):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        asked(server.server_port)
        with pytest.raises(Permanent, match="There is no Whisper model somebody/no-such-model"):
            downloads.download_weights(Weights("somebody/no-such-model", "somebody/no-such-model", on_hub=True))
    finally:
        server.shutdown()
        server.server_close()


def test_a_name_that_no_repository_can_have_is_not_asked_for(monkeypatch):
    monkeypatch.setattr(downloads.huggingface_hub, "get_session", lambda: pytest.fail("the hub was asked"))
    with pytest.raises(Permanent, match="There is no Whisper model large-v9"):
        downloads.download_weights(Weights("large-v9", "large-v9", on_hub=True))


def test_a_question_that_outlives_its_time_changes_nothing_afterwards(asked, monkeypatch):
    monkeypatch.setattr(downloads, "ANSWER_SECONDS", 0.2)
    resolve, resolving = socket.getaddrinfo, threading.Event()

    def stall(*arguments, **options):
        assert resolving.wait(60)
        return resolve(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", stall)
    asked(9)
    before = set(threading.enumerate())
    assert downloads.hub_status("large-v3") is None
    (thread,) = set(threading.enumerate()) - before
    monkeypatch.setattr(downloads.huggingface_hub.constants, "HF_HUB_OFFLINE", False)  # another call goes online
    monkeypatch.setattr(
        downloads.huggingface_hub, "configure_http_backend", lambda *_: pytest.fail("sessions were reset")
    )

    resolving.set()
    thread.join(60)

    assert not thread.is_alive()
    assert downloads.huggingface_hub.constants.HF_HUB_OFFLINE is False


def test_a_hub_that_falls_silent_during_a_download_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(downloads, "HUB_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, downloads._online():
        session = downloads.huggingface_hub.get_session()
        with pytest.raises(OSError, match="timed out"):
            session.get(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=None)
