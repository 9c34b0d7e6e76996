"""A service that cannot work ends with a sentence."""

import errno
import os
import sys
from collections.abc import Sequence

import pytest
from clipmill.messaging.service import main
from clipmill.operations.settings import ServiceSettings


def fail(words: Sequence[str]) -> int:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), *words)


@pytest.mark.parametrize(("words", "sentence"), [(["/work"], "/work: Permission denied"), ([], "Permission denied")])
def test_an_error_of_the_system_is_written_as_people_write(monkeypatch, words, sentence):
    monkeypatch.setattr(sys, "argv", ["painter", "fail", *words])
    with pytest.raises(SystemExit) as caught:
        main("painter", ServiceSettings, lambda *_: None, commands={"fail": f"{__name__}:fail"})
    assert caught.value.code == f"clipmill painter: {sentence}"
