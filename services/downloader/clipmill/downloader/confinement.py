"""The confinement of the process that runs yt-dlp: it may use only the guard's port and the JavaScript runtime.

yt-dlp gets the guard as its proxy. But a page can make it use another proxy (a crafted URL may carry headers for
yt-dlp's own use, `Ytdl-request-proxy` among them), and not all of its 1,800 extractors are written with an attacker in
mind. So an audit hook (PEP 578), which cannot be removed, refuses every other connection, name look-up and program.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"

_KEPT_VARIABLES = ("LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT")

_NETWORK_EVENTS = frozenset(
    {
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "socket.getnameinfo",
        "socket.sendto",
        "socket.sendmsg",
        "socket.bind",
    }
)
_START_EVENTS = frozenset({"subprocess.Popen", "os.posix_spawn"})
"""Events whose first argument is the program. From Python 3.13 on, `subprocess` raises both for one program."""

_PROGRAM_EVENTS = frozenset({"os.exec", "os.system", "os.startfile", "pty.spawn"})


class ConfinementError(PermissionError):
    """An operation that the process is not allowed to perform."""


def cleanse_environment(home: Path) -> None:
    """Remove all variables that could lead a download past the guard or reveal a secret.

    Args:
        home: Existing directory for the files that programs keep in their user's home.
    """
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(
        HOME=str(home),
        PATH=str(home),  # holds no program
        TMPDIR=str(home),
        XDG_CACHE_HOME=str(home),
        XDG_CONFIG_HOME=str(home),
        DENO_DIR=str(home),
        DENO_NO_UPDATE_CHECK="1",
        YTDLP_NO_PLUGINS="1",
    )


def confine(port: int, programs: Sequence[Path]) -> None:
    """Refuse, for the rest of this process's life, all network but 127.0.0.1:`port` and all programs but `programs`."""
    allowed_programs = {str(program) for program in programs}

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.connect":
            allowed = arguments[1] == (LOOPBACK, port)
        elif event == "socket.getaddrinfo":
            allowed = arguments[0] == LOOPBACK
        elif event in _START_EVENTS:
            allowed = str(arguments[0]) in allowed_programs
        else:
            allowed = event not in _NETWORK_EVENTS and event not in _PROGRAM_EVENTS
        if not allowed:
            raise ConfinementError(f"{event} is not allowed while a video is downloaded")

    sys.addaudithook(audit)
