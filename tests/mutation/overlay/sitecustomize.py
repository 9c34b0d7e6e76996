"""Gives Python a mutant's text when its module is imported; files in this folder name the module and hold the text."""

import os
from importlib.machinery import SourceFileLoader
from pathlib import Path

_folder = Path(__file__).parent
_module = (_folder / "module").read_text()
_get_code = SourceFileLoader.get_code


def _get_mutated_code(self, fullname):
    if os.path.realpath(self.path) != _module:
        return _get_code(self, fullname)
    return self.source_to_code((_folder / "mutant").read_bytes(), self.path)  # no cached bytecode


SourceFileLoader.get_code = _get_mutated_code
