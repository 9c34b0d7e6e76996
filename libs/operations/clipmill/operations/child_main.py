"""The main module of a child process: `python -m clipmill.operations.child_main package.module:function [file_bytes]`.

Requests come as JSON lines on standard input; answers go as JSON lines to the original standard output. All that the
function or its libraries print goes to standard error.
"""

import errno
import gc
import importlib
import os
import resource
import sys
import typing
from collections.abc import Callable
from typing import BinaryIO

import msgspec
from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from msgspec import Raw, Struct


class Ready(Struct, frozen=True, tag="ready"):
    """The function is imported."""


class Progress(Struct, frozen=True, tag="progress"):
    """The progress of the function, in percent."""

    percent: float


class Done(Struct, frozen=True, tag="done"):
    """The function returned: its result as JSON."""

    result: Raw


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """The function raised a `Permanent` or `Transient` failure."""

    permanent: bool
    code: str
    sentence: str
    retry_after: float | None = None


Answer = Ready | Progress | Done | Failed

Function = Callable[[Struct, Callable[[float], None]], Struct]


def main(arguments: list[str]) -> None:
    """Answer requests until standard input ends.

    Args:
        arguments: Target and, optionally, the largest size of files written here, in bytes.
    """
    target = arguments[0]
    if len(arguments) > 1:
        _limit_files(int(arguments[1]))
    requests, answers = _take_pipes()
    function, request_type = _resolve(target)
    gc.freeze()  # garbage collections skip the imported modules, which stay
    _send(answers, Ready())
    for line in requests:
        request = msgspec.json.decode(line, type=request_type)
        _send(answers, _answer(function, request, answers))


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the two pipes, which nothing else that prints or reads, here or in a grandchild, can reach."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return requests, answers


def _resolve(target: str) -> tuple[Function, type[Struct]]:
    module, _, name = target.partition(":")
    function: Function = getattr(importlib.import_module(module), name)
    hints = typing.get_type_hints(function)
    first = next(iter(hints))
    return function, hints[first]


def _answer(function: Function, request: Struct, answers: BinaryIO) -> Done | Failed:
    def report(percent: float) -> None:
        _send(answers, Progress(percent))

    try:
        return Done(Raw(msgspec.json.encode(function(request, report))))
    except Failure as failure:
        return _failed(failure)
    except MemoryError:
        return _failed(Transient(ErrorCode.OUT_OF_MEMORY, "The work needs more memory than there is; add memory."))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _failed(Transient(ErrorCode.OUT_OF_SPACE, "The disk for temporary files is full; free some space."))
        if error.errno == errno.EFBIG:
            sentence = (
                "A file grew larger than its limit; submit a smaller video, or raise the stage's limit, which "
                "`clipmill config` lists."
            )
            return _failed(Permanent(ErrorCode.TOO_LARGE, sentence))
        raise


def _failed(failure: Failure) -> Failed:
    return Failed(
        permanent=isinstance(failure, Permanent),
        code=failure.code.value,
        sentence=failure.sentence,
        retry_after=failure.retry_after if isinstance(failure, Transient) else None,
    )


def _send(answers: BinaryIO, answer: Answer) -> None:
    answers.write(msgspec.json.encode(answer) + b"\n")
    answers.flush()


def _limit_files(file_bytes: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    soft = file_bytes if hard == resource.RLIM_INFINITY else min(file_bytes, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


if __name__ == "__main__":
    main(sys.argv[1:])
