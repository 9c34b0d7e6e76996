"""A plugin that first runs the tests that killed earlier mutants, and notes which libraries the tests import."""

import sys
from pathlib import Path

from hypothesis import Phase, settings

FOLDER = Path(__file__).parent


def pytest_configure():
    phases = (Phase.explicit, Phase.generate)  # any failing example will do, so none is made smaller
    settings.register_profile("mutation", deadline=None, derandomize=True, database=None, phases=phases)
    settings.load_profile("mutation")


def pytest_collection_modifyitems(items):
    ranks = {name: rank for rank, name in enumerate((FOLDER / "killers").read_text().splitlines()) if name}
    items.sort(key=lambda item: -ranks.get(item.nodeid, -1))


def pytest_collection_finish():
    if not (FOLDER / "libraries").exists():
        installed = f"{sys.prefix}/lib/", f"{sys.base_prefix}/lib/"
        files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
        libraries = [name for name, file in files.items() if file.startswith(installed) and name != "__main__"]
        (FOLDER / "libraries").write_text("\n".join(libraries))
