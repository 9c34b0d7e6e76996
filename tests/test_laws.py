"""The laws of the structure: imports, names of the wire, and the size of files and packages.

Each law reads the source as text, so all of them together take about a second. ARCHITECTURE.md gives their reasons.
"""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVICES = ("gateway", "downloader", "transcriber", "analyzer", "renderer")

MAY_IMPORT = {
    "contracts": set[str](),
    "operations": {"contracts"},
    "artifacts": {"contracts"},
    "egress": set[str](),
    "messaging": {"contracts", "operations", "artifacts"},
    "cli": {"contracts", "operations", "artifacts", "messaging", "egress"},
    **{service: {"contracts", "operations", "artifacts", "messaging", "egress"} for service in SERVICES},
}
"""Our distributions that each one may import: downward only, and no service another."""

DECODERS = {"cv2", "av", "PIL", "torch", "ai_edge_litert", "scenedetect", "whisperx", "ctranslate2", "faster_whisper"}
"""Libraries that decode media or hold models: they belong in child processes, which may crash and be killed."""

MOST_LINES = 400
LONGER_FILES = {
    "libs/artifacts/clipmill/artifacts/store.py": "one interface over three kinds of store, its docstrings included",
}
MOST_MODULES = 20

WIRE_NAMES = ("$KV.", "KV_", "$JS.API")
WIRE_FILES = {"job_streams.py", "topology.py"}


@cache
def sources() -> dict[str, Path]:
    """Return every module of every distribution, by its dotted name."""
    found = {}
    for path in [*ROOT.glob("libs/*/clipmill/**/*.py"), *ROOT.glob("services/*/clipmill/**/*.py")]:
        parts = path.relative_to(ROOT).with_suffix("").parts[2:]
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def imported() -> dict[str, tuple[str, ...]]:
    """Return the dotted names that each module imports, at its top or inside a function."""
    return {name: tuple(_imports(path)) for name, path in sources().items()}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in sources() else node.module


def distribution(module: str) -> str:
    return module.split(".")[1]


def loaded_by(module: str) -> set[str]:
    """Return everything that importing a module of ours can load: modules of ours and libraries."""
    loaded: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in loaded:
            loaded.add(name)
            waiting += imported().get(name, ())
            waiting += [parent for parent in (name.rpartition(".")[0],) if parent in sources()]
    return loaded


def test_the_laws_see_the_project():
    assert {distribution(name) for name in sources()} == set(MAY_IMPORT)
    assert len(sources()) > 250


def test_imports_go_downward_only_and_no_service_imports_another():
    upward = [
        f"{name} imports {target}"
        for name, targets in imported().items()
        for target in targets
        if target.startswith("clipmill.")
        and distribution(target) not in {*MAY_IMPORT[distribution(name)], distribution(name)}
    ]
    assert not upward


def _members(within: str) -> dict[str, set[str]]:
    """Return the children of a package, each with the other children that it imports."""
    graph: dict[str, set[str]] = {}
    for name, targets in imported().items():
        if name.startswith(f"{within}."):
            child = name.removeprefix(f"{within}.").split(".")[0]
            near = {each.removeprefix(f"{within}.").split(".")[0] for each in targets if each.startswith(f"{within}.")}
            graph.setdefault(child, set()).update(near - {child})
    return graph


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_subpackages_import_each_other_in_no_circle(package):
    inits = (name for name, path in sources().items() if path.name == "__init__.py")
    within = sorted(name for name in inits if distribution(name) == package)
    circles = []
    for parent in within:
        try:
            TopologicalSorter(_members(parent)).prepare()
        except CycleError as error:
            circles.append(f"{parent}: {' -> '.join(error.args[1])}")
    assert within
    assert not circles


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_process_imports_no_decoder(service):
    loaded = loaded_by(f"clipmill.{service}.__main__")
    assert f"clipmill.{service}.settings" in loaded, "the walk has not followed the imports"
    assert not {name.split(".")[0] for name in loaded} & DECODERS, [
        name for name in loaded if {each.split(".")[0] for each in imported().get(name, ())} & DECODERS
    ]


def _python_files() -> list[Path]:
    folders = ("libs", "services", "tests")
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]


def test_files_stay_short():
    lengths = {path.relative_to(ROOT).as_posix(): _lines(path) for path in [*_python_files(), ROOT / "conftest.py"]}
    assert {name for name, lines in lengths.items() if lines > MOST_LINES} == set(LONGER_FILES)


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_folder_holds_more_modules_than_a_person_can_keep_in_mind():
    crowd: dict[str, int] = {}
    for path in _python_files():
        if path.name not in ("__init__.py", "conftest.py"):
            folder = path.parent.relative_to(ROOT).as_posix()
            crowd[folder] = crowd.get(folder, 0) + 1
    assert not {folder: count for folder, count in crowd.items() if count > MOST_MODULES}


def test_names_of_the_nats_server_occur_only_in_the_files_that_speak_to_it():
    elsewhere = [
        f"{name}: {wire}"
        for name, path in sources().items()
        for wire in WIRE_NAMES
        if wire in path.read_text(encoding="utf-8")
        and not (distribution(name) == "messaging" and path.name in WIRE_FILES)
    ]
    assert not elsewhere
