"""Keeps the process that runs yt-dlp to what it needs: the guard's port on loopback, and the JavaScript runtime.

yt-dlp is told to use the guard as its proxy, and that is how its traffic gets there. But a page can talk it out of a
proxy (a crafted URL may carry headers for yt-dlp's own use, `Ytdl-request-proxy` among them), and not each of its
1,800 extractors is written with an attacker in mind. So an audit hook (PEP 578), which nothing can take away again,
refuses every other connection, every look-up of a name and every program.
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
_PROGRAM_EVENTS = frozenset({"os.exec", "os.posix_spawn", "os.system", "os.startfile", "pty.spawn"})


class ConfinementError(PermissionError):
    """Something tried what the process is not allowed to do."""


def cleanse_environment(home: Path) -> None:
    """Leave nothing in the environment that could lead a download past the guard or give a secret away.

    Args:
        home: an existing directory for what programs keep in their user's home.
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
        elif event == "subprocess.Popen":
            allowed = str(arguments[0]) in allowed_programs
        else:
            allowed = event not in _NETWORK_EVENTS and event not in _PROGRAM_EVENTS
        if not allowed:
            raise ConfinementError(f"{event} is not allowed while a video is downloaded")

    sys.addaudithook(audit)
