"""Fixtures of the tests of deploy/: the services' settings, the manifests, the images' recipes."""

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml
from clipmill.contracts import stages
from clipmill.operations.settings import CommonSettings, describe

Manifest = dict[str, Any]
SERVICES = ("gateway", *stages.SERVICES)
KUSTOMIZATIONS = ("base", "overlays/local", "overlays/production")


class Service(NamedTuple):
    """A service as its code declares it."""

    name: str
    settings: type[msgspec.Struct]
    port: int
    variables: frozenset[str]


@dataclass(frozen=True)
class Recipe:
    """A Dockerfile, taken apart.

    Attributes:
        name: Name of the distribution that the image is for.
        path: Path of the Dockerfile.
        instructions: Keyword and rest of each instruction in order, with continued lines joined.
        context: Paths of the build context that the Dockerfile reads.
    """

    name: str
    path: Path
    instructions: list[tuple[str, str]] = field(repr=False)
    context: frozenset[str]

    def last(self, keyword: str) -> str:
        """Return the last instruction of a kind, as written."""
        return next(rest for found, rest in reversed(self.instructions) if found == keyword)


@dataclass(frozen=True)
class Metric:
    """A metric as the source declares it."""

    kind: str
    labels: frozenset[str]


@pytest.fixture(scope="session")
def services() -> dict[str, Service]:
    """Return every service by name."""
    return {name: _service(name) for name in SERVICES}


@pytest.fixture(scope="session")
def common_variables() -> frozenset[str]:
    """Return the variables that all of clipmill reads."""
    return frozenset(setting.variable for setting in describe(CommonSettings, ""))


@pytest.fixture(scope="session")
def recipes(repository: Path) -> dict[str, Recipe]:
    """Return every Dockerfile by the name of its distribution."""
    paths = [*repository.glob("services/*/Dockerfile"), *repository.glob("libs/*/Dockerfile")]
    return {path.parent.name: _recipe(path) for path in sorted(paths)}


@pytest.fixture(scope="session")
def compose(repository: Path) -> Manifest:
    """Return compose.yaml with its anchors and merges resolved."""
    loaded: Manifest = yaml.safe_load((repository / "deploy/compose.yaml").read_text())
    return loaded


@pytest.fixture(scope="session")
def kustomize(repository: Path) -> Callable[[str], list[Manifest]]:
    """Return the function that renders a folder of deploy/kubernetes into its objects."""
    rendered: dict[str, list[Manifest]] = {}

    def render(folder: str) -> list[Manifest]:
        if folder not in rendered:
            kubectl = Path(sys.executable).parent / "kubectl"
            command: list[str | Path] = [kubectl, "kustomize", repository / "deploy/kubernetes" / folder]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            rendered[folder] = list(yaml.safe_load_all(done.stdout))
        return rendered[folder]

    return render


@pytest.fixture(params=KUSTOMIZATIONS)
def objects(request: pytest.FixtureRequest, kustomize: Callable[[str], list[Manifest]]) -> list[Manifest]:
    """Return the objects of the base or of an overlay."""
    return kustomize(request.param)


@pytest.fixture(scope="session")
def dashboard(repository: Path) -> Manifest:
    """Return the Grafana dashboard."""
    text = (repository / "deploy/monitoring/grafana/dashboards/pipeline.json").read_text()
    loaded: Manifest = json.loads(text)
    return loaded


@pytest.fixture(scope="session")
def queries(dashboard: Manifest) -> list[str]:
    """Return every query of the dashboard."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]


@pytest.fixture(scope="session")
def metrics(repository: Path) -> dict[str, Metric]:
    """Return every clipmill_* series that the sources declare, by the name that Prometheus sees."""
    found: dict[str, Metric] = {}
    for folder in ("libs", "services"):
        for path in (repository / folder).glob("*/clipmill/**/*.py"):
            for name, metric in _declared_metrics(ast.parse(path.read_text())):
                found |= dict.fromkeys(_series(name, metric.kind), metric)
    return found


def _service(name: str) -> Service:
    module = importlib.import_module(f"clipmill.{name}.settings")
    kinds = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__
    ]
    [settings] = [kind for kind in kinds if "common" in kind.__struct_fields__]
    described = describe(settings, name)
    port = next(int(setting.default) for setting in described if setting.variable == f"CLIPMILL_{name.upper()}_PORT")
    return Service(name, settings, port, frozenset(setting.variable for setting in described))


def _recipe(path: Path) -> Recipe:
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text)
    instructions = [(line.partition(" ")[0], line.partition(" ")[2]) for line in joined.splitlines() if line]
    context: set[str] = set()
    for keyword, rest in instructions:
        if keyword == "COPY" and "--from=" not in rest:
            context.update(part.rstrip("/") for part in rest.split()[:-1])
        if keyword == "RUN":
            mounts = [dict(_options(mount)) for mount in re.findall(r"--mount=(\S+)", rest)]
            context.update(m["source"] for m in mounts if m["type"] == "bind" and "from" not in m)
    return Recipe(path.parent.name, path, instructions, frozenset(context))


def _options(mount: str) -> Iterator[tuple[str, str]]:
    for option in mount.split(","):
        key, _, value = option.partition("=")
        yield key, value


def _declared_metrics(tree: ast.AST) -> Iterator[tuple[str, Metric]]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        first = node.args[0]
        if (
            node.func.id in {"Counter", "Gauge", "Histogram"}
            and isinstance(first, ast.Constant)
            and str(first.value).startswith("clipmill_")
        ):
            labels = node.args[2] if len(node.args) > 2 else None
            labels = next((word.value for word in node.keywords if word.arg == "labelnames"), labels)
            names = frozenset(ast.literal_eval(labels)) if labels is not None else frozenset()
            yield str(first.value), Metric(node.func.id, names)


def _series(name: str, kind: str) -> list[str]:
    if kind == "Counter":
        return [f"{name.removesuffix('_total')}_total"]
    if kind == "Histogram":
        return [f"{name}_bucket", f"{name}_count", f"{name}_sum"]
    return [name]
