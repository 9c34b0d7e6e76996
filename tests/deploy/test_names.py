"""Everything that the files of deploy/ name exists in the code."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from clipmill.messaging import topology

TEXT = {".conf", ".json", ".md", ".yaml", ".yml", ".example", ""}


def _texts(repository, recipes):
    files = [path for path in (repository / "deploy").rglob("*") if path.is_file() and path.suffix in TEXT]
    assert len(files) > 30
    return {path: path.read_text() for path in (*files, *(recipe.path for recipe in recipes.values()))}


def test_every_variable_is_a_setting(repository, recipes, services, common_variables):
    known = common_variables.union(*(service.variables for service in services.values()))
    for path, text in _texts(repository, recipes).items():
        assert set(re.findall(r"CLIPMILL_\w*[A-Z0-9]\b", text)) <= known, path


def test_every_module_that_is_run_can_be(repository, recipes):
    for path, text in _texts(repository, recipes).items():
        for module in re.findall(r"python -m (clipmill\.[a-z_.]+[a-z])", text):
            assert _runs(module), path


def _runs(module):
    """Return whether `python -m` runs a module: a package with a main module, or a module that is one."""
    spec = find_spec(module)
    if spec is None or spec.submodule_search_locations is not None:
        return spec is not None and find_spec(f"{module}.__main__") is not None
    return '__name__ == "__main__"' in Path(spec.origin).read_text()


@pytest.mark.slow
def test_every_command_of_the_command_line_is_known(repository, recipes):
    texts = _texts(repository, recipes).values()
    asked = {tuple(words.split()) for text in texts for words in re.findall(r"`clipmill ([a-z -]+)`", text)}
    asked.add(("topology", "apply"))
    for words in asked:
        command = [sys.executable, "-m", "clipmill.cli", *words, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


def test_every_stream_and_consumer_is_in_the_topology(repository):
    streams = {stream.name for stream in topology.STREAMS}
    consumers = {consumer.name for consumer in topology.CONSUMERS}
    for path in (repository / "deploy/kubernetes").rglob("*.yaml"):
        text = path.read_text()
        assert set(re.findall(r"^\s+stream: (\S+)$", text, re.MULTILINE)) <= streams, path
        assert set(re.findall(r"^\s+consumer: (\S+)$", text, re.MULTILINE)) <= consumers, path
