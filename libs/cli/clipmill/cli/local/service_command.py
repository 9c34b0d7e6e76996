"""Commands of a service, run as programs of their own, because this package imports no service."""

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import NoReturn

from clipmill.cli.local.supervisor import python_module
from clipmill.cli.outcomes import ExitStatus, WrongRequest


def run(service: str, *words: str, environ: Mapping[str, str] = os.environ) -> NoReturn:
    """Run `python -m clipmill.<service> <words>` and exit with its status; its output goes where ours goes.

    Raises:
        WrongRequest: if the service is not installed here.
    """
    if find_spec(f"clipmill.{service}") is None:
        raise WrongRequest(f"This command needs the service {service}; run `pip install clipmill-{service}`.")
    done = subprocess.run(python_module(f"clipmill.{service}", *words), env=environ, check=False)
    sys.exit(done.returncode if done.returncode >= 0 else ExitStatus.FAILED)
