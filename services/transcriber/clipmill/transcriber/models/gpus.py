"""The GPUs of this machine, found without a library that would load a driver into the service process."""

from collections.abc import Mapping
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia/gpus")
"""Folder in which NVIDIA's kernel driver keeps a folder for each GPU."""

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus(environ: Mapping[str, str], driver: Path = DRIVER) -> list[str]:
    """Return the names of the GPUs that a process may use, as CUDA_VISIBLE_DEVICES names them.

    Args:
        environ: Environment variables; CUDA_VISIBLE_DEVICES goes before the driver.
        driver: Folder of the driver.
    """
    if VISIBLE in environ:
        names = [name.strip() for name in environ[VISIBLE].split(",")]
        # CUDA ignores the first invalid name and all after it.
        known = next((number for number, name in enumerate(names) if not name or name.startswith("-")), len(names))
        return names[:known]
    return [str(number) for number, _ in enumerate(driver.iterdir())] if driver.is_dir() else []
