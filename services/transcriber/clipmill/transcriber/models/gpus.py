"""Which GPUs there are, asked without any library that would load a driver into the service itself."""

from collections.abc import Mapping
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia/gpus")
"""Where NVIDIA's kernel driver keeps a folder for each of its GPUs."""

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus(environ: Mapping[str, str], driver: Path = DRIVER) -> list[str]:
    """Return the names of the GPUs that a process may use, as CUDA_VISIBLE_DEVICES names them.

    Args:
        environ: such as `os.environ`; what CUDA_VISIBLE_DEVICES says there goes before what the driver has.
        driver: the driver's folder.
    """
    if VISIBLE in environ:
        names = [name.strip() for name in environ[VISIBLE].split(",")]
        # CUDA itself sees those before the first that names none.
        known = next((number for number, name in enumerate(names) if not name or name.startswith("-")), len(names))
        return names[:known]
    return [str(number) for number, _ in enumerate(driver.iterdir())] if driver.is_dir() else []
