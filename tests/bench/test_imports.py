"""The benches are run by hand, rarely; this test fails when a change moves something that they import."""

import ast
import importlib.util
from pathlib import Path

import pytest

BENCHES = sorted(Path(__file__).parent.rglob("*.py"))


def defined(module):
    """Return the names that a module's source binds at its top level, and a package's modules."""
    spec = importlib.util.find_spec(module)
    assert spec is not None, f"there is no module {module}"
    names = {path.stem for folder in spec.submodule_search_locations or () for path in Path(folder).iterdir()}
    if spec.origin is None:
        return names
    for node in ast.parse(Path(spec.origin).read_text()).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
            case ast.Assign(targets=targets):
                names |= {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


@pytest.mark.parametrize("bench", BENCHES, ids=[str(path.relative_to(Path(__file__).parent)) for path in BENCHES])
def test_every_import_of_a_bench_exists(bench):
    for node in ast.walk(ast.parse(bench.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("clipmill."):
            assert {alias.name for alias in node.names} <= defined(node.module), node.module
