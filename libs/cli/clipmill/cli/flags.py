"""The flags that several commands have."""

import click

server_option = click.option(
    "--server",
    metavar="URL",
    envvar="CLIPMILL_SERVER",
    default="http://127.0.0.1:8000",
    show_default=True,
    show_envvar=True,
    help="Address of the clipmill server.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print only one JSON document on standard output.")
