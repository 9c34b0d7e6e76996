"""`clipmill models`: the model weights that the services use."""

from typing import TextIO

from clipmill.cli.outcomes import ServerUnavailable, WrongRequest
from clipmill.cli.screen.tables import new_table, print_table
from clipmill.contracts.failures import Permanent, Transient
from clipmill.operations.models import catalogue, fetch, find
from clipmill.operations.settings import default_models_dir
from rich.text import Text


def print_models(out: TextIO) -> None:
    """Print every model with its purpose, its licence and the place of its files."""
    table = new_table("model", "purpose", "licence", "where")
    for model in catalogue():
        place = find(model)
        missing = Text(f"missing; run clipmill models fetch {model.name}", style="yellow")
        where = missing if place is None else Text(str(place))
        table.add_row(Text(model.name), Text(model.purpose), Text(model.licence), where)
    print_table(table, out)


def fetch_models(names: tuple[str, ...], out: TextIO) -> None:
    """Fetch and verify the models `names`, or all models if it is empty.

    Raises:
        WrongRequest: if a name is unknown, a file differs from its SHA-256, or the folder of models cannot be written.
        ServerUnavailable: if a model cannot be downloaded now.
    """
    for name in names or tuple(model.name for model in catalogue()):
        try:
            place = fetch(name)
        except Permanent as failure:
            raise WrongRequest(failure.sentence) from failure
        except Transient as failure:
            raise ServerUnavailable(failure.sentence) from failure
        except OSError as error:
            reason = error.strerror or str(error)
            problem = f"The model {name} cannot be stored in {default_models_dir()} ({reason})"
            raise WrongRequest(f"{problem}; name another folder with CLIPMILL_MODELS_DIR.") from error
        out.write(f"{name}: verified, in {place}\n")
        out.flush()
