import os
import subprocess
import sys
from pathlib import Path

import deno
import pytest

pytestmark = pytest.mark.slow

PREAMBLE = """
import os, socket, subprocess, sys
from pathlib import Path
from clipmill.downloader.confinement import ConfinementError, cleanse_environment, confine
cleanse_environment(Path(sys.argv[1]))
confine(int(sys.argv[2]), [Path(sys.argv[3])])
"""


@pytest.fixture
def confined(tmp_path: Path):
    """Return a function that runs Python code in a confined process that may connect only to `port`."""

    def run(code: str, port: int = 1, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PREAMBLE + code, tmp_path, str(port), deno.find_deno_bin()],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 2))",
        "socket.create_connection(('10.0.0.1', 1))",
        "socket.create_connection(('localhost', 1))",
        "socket.getaddrinfo('example.org', 80)",
        "socket.gethostbyname('example.org')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 1))",
        "socket.socket(socket.AF_UNIX).connect('/run/docker.sock')",
        "subprocess.run(['ls'])",
        "subprocess.run(['curl', 'http://example.org'])",
        "os.system('ls')",
        "os.execv('/bin/ls', ['ls'])",
        "os.posix_spawn('/bin/ls', ['ls'], {})",
    ],
)
def test_the_process_reaches_nothing_but_the_guard(confined, attempt: str):
    result = confined(f"try:\n    {attempt}\nexcept ConfinementError:\n    print('refused')")
    assert result.stdout == "refused\n", result.stderr


def test_the_process_reaches_the_guard(confined, media_server):
    result = confined("socket.create_connection(('127.0.0.1', int(sys.argv[2])))", media_server.port)
    assert result.returncode == 0, result.stderr


def test_the_javascript_runtime_runs(confined):
    code = """
from yt_dlp.utils._jsruntime import DenoJsRuntime
info = DenoJsRuntime(sys.argv[3]).info
subprocess.run([sys.argv[3], "run", "--no-prompt", "--no-remote", "-"], input=b"console.log(6 * 7)", check=True)
print(info.supported, flush=True)
"""
    assert confined(code).stdout == "42\nTrue\n"


def test_no_proxy_and_no_secret_is_inherited(confined):
    secrets = {
        "HTTPS_PROXY": "http://10.0.0.1",
        "no_proxy": "*",
        "AWS_SECRET_ACCESS_KEY": "x",
        "CLIPMILL_SECRET_KEY": "x",
    }
    names = confined("print(*os.environ)", **secrets).stdout.split()
    assert "YTDLP_NO_PLUGINS" in names
    assert not set(names) & set(secrets)
