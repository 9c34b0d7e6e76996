"""Tables: as wide as the terminal, or as wide as their content if the output is no terminal."""

from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 300
"""Width in columns if the output is no terminal, enough for any file name."""


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
