"""Each image holds one service and what it needs, and nothing else."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from clipmill.contracts import stages

pytestmark = pytest.mark.slow

SERVICES = ("gateway", *stages.SERVICES)
IMAGES = (*SERVICES, "cli")


def _needed_libraries(repository, folder) -> set[str]:
    """Return our distributions that the one in `folder` depends on, directly or not."""
    project = tomllib.loads((repository / folder / "pyproject.toml").read_text())["project"]
    named = {found[1] for wanted in project["dependencies"] if (found := re.match(r"clipmill-(\w+)", wanted))}
    return named.union(*(_needed_libraries(repository, f"libs/{name}") for name in named))


def _folder(recipe) -> str:
    return f"{recipe.path.parent.parent.name}/{recipe.name}"


def test_every_service_and_the_command_have_an_image(recipes):
    assert set(recipes) == set(IMAGES)


def test_hadolint_finds_nothing(recipes):
    program = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [program, *(recipe.path for recipe in recipes.values())], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_built_from_its_own_lock_and_the_libraries_it_needs(name, recipes, repository):
    recipe = recipes[name]
    libraries = {f"libs/{library}" for library in _needed_libraries(repository, _folder(recipe))}
    assert recipe.context == {
        "requirements/build.txt",
        f"requirements/{name}.txt",
        _folder(recipe),
        *libraries,
    }
    [build] = [rest for keyword, rest in recipe.instructions if keyword == "RUN" and "pip wheel" in rest]
    assert set(re.findall(r" \./(\S+)", build)) == {_folder(recipe), *libraries}


@pytest.mark.parametrize("name", IMAGES)
def test_nothing_is_installed_without_its_hash_or_compiled(name, recipes):
    installs = [rest for keyword, rest in recipes[name].instructions if keyword == "RUN" and "pip install" in rest]
    assert len(installs) == 3
    for install in installs:
        assert "--no-deps" in install
        assert ("--no-index" in install) or ("--require-hashes" in install and "--only-binary=:all:" in install)


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_runs_its_module_as_a_numbered_user(name, recipes):
    recipe = recipes[name]
    program, flag, module = json.loads(recipe.last("ENTRYPOINT"))
    assert (program, flag) == ("python", "-m")
    assert find_spec(f"{module}.__main__") is not None
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", recipe.last("USER"))


@pytest.mark.parametrize("name", SERVICES)
def test_the_port_and_the_health_check_are_the_settings_own(name, recipes, services):
    recipe, service = recipes[name], services[name]
    assert recipe.last("EXPOSE") == str(service.port)
    check = recipe.last("HEALTHCHECK").partition("CMD ")[2]
    program, flag, code = json.loads(check)
    assert (program, flag) == ("python", "-c")
    ast.parse(code)
    assert f"'CLIPMILL_{name.upper()}_PORT', '{service.port}'" in code
    assert "/health/live" in code


def test_all_images_share_one_pinned_base(recipes):
    bases = {rest for recipe in recipes.values() for keyword, rest in recipe.instructions if keyword == "ARG"}
    [base] = bases
    assert re.fullmatch(r"PYTHON=python:3\.11\.\d+-slim-\w+", base)
    for recipe in recipes.values():
        assert {rest.split()[0] for keyword, rest in recipe.instructions if keyword == "FROM"} == {"${PYTHON}"}


def test_the_loader_finds_the_cuda_libraries_where_the_wheels_put_them(recipes):
    text = recipes["transcriber"].path.read_text()
    folders = re.search(r"LD_LIBRARY_PATH=(\S+)", text)[1].split(":")
    spec = find_spec("nvidia")
    if spec is None:
        pytest.skip("torch's CUDA wheels are not installed on this platform.")
    installed = Path(next(iter(spec.submodule_search_locations)))
    for folder in folders:
        assert folder.startswith("/usr/local/lib/python3.11/site-packages/nvidia/")
        assert list((installed / folder.partition("/nvidia/")[2]).glob("*.so*")), folder


def _sent(repository) -> list[tuple[bool, re.Pattern[str]]]:
    """Return the rules of .dockerignore in order, each with whether it keeps what its pattern matches."""
    rules = []
    for line in (repository / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = re.escape(line.removeprefix("!")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        rules.append((line.startswith("!"), re.compile(f"{pattern}(?:/.*)?")))
    return rules


def _is_sent(path: str, rules) -> bool:
    """Return whether the builder gets `path`: the last rule that matches it decides."""
    return next((keeps for keeps, pattern in reversed(rules) if pattern.fullmatch(path)), True)


def test_the_builder_is_sent_what_images_are_made_of_and_no_more(recipes, repository):
    rules = _sent(repository)
    for recipe in recipes.values():
        for path in recipe.context:
            assert (repository / path).exists(), path
            assert _is_sent(path, rules), path
    for hidden in (
        ".git/config",
        ".venv/bin/python",
        "deploy/.env",
        "requirements/development.txt",
        "libs/cli/tests/x.py",
    ):
        assert not _is_sent(hidden, rules), hidden


def test_wheels_are_built_from_what_the_builder_is_sent_and_hold_every_file(recipes, repository, tmp_path):
    rules = _sent(repository)
    folders = sorted({path for recipe in recipes.values() for path in recipe.context if "requirements" not in path})
    for folder in folders:
        for path in (repository / folder).rglob("*"):
            name = path.relative_to(repository).as_posix()
            if path.is_file() and _is_sent(name, rules):
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, tmp_path / name)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--no-index", "--wheel-dir", "wheels", *(f"./{folder}" for folder in folders)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    for folder in folders:
        [wheel] = (tmp_path / "wheels").glob(f"clipmill_{Path(folder).name}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            held = {name for name in archive.namelist() if ".dist-info/" not in name}
        source = tmp_path / folder
        assert held == {
            path.relative_to(source).as_posix() for path in (source / "clipmill").rglob("*") if path.is_file()
        }
        assert "clipmill/__init__.py" not in held
