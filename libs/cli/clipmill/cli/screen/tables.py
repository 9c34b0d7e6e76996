"""Tables, on a terminal as wide as it is, elsewhere as wide as they need."""

from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 300
"""Columns where the output is no terminal: wide enough that no file name is ever cut."""


def new_table(*columns: str) -> Table:
    """Return an empty table."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_table(table: Table, out: TextIO) -> None:
    """Print `table`."""
    console = Console(file=out)
    if not console.is_terminal:
        console = Console(file=out, width=PLAIN_WIDTH)
    console.print(table)
