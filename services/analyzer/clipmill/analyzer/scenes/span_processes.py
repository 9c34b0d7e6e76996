"""The spans of a long video, each measured by a process of its own."""

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress

import msgspec
from clipmill.analyzer.scenes.detection_stream import DetectionStream, Span
from clipmill.analyzer.scenes.frame_measures import Measures, measured
from clipmill.artifacts.store import open_store
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.operations.child_main import Answer, Done, Failed, Progress
from msgspec import Struct

SPAN_TARGET = "clipmill.analyzer.scenes.span_processes:measure_span"
"""The function that runs in each process."""

_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


class SpanRequest(Struct, frozen=True, kw_only=True):
    """What one process is to measure.

    Attributes:
        store_url: the artifact store.
        key: the video in it.
        longest_side: pixels of the pictures compared.
        span: the part of it.
        start: about where the part begins, seconds from the first frame, for the progress.
        end: about where it ends, likewise.
        threads: that decode.
    """

    store_url: str
    key: str
    longest_side: int
    span: Span
    start: float
    end: float
    threads: int


def measure_span(request: SpanRequest, report: Callable[[float], None]) -> Measures:
    """Return the measures of a span's frames.

    Args:
        request: what to look at.
        report: is told the percentage done.

    Raises:
        Transient: if the store cannot be reached.
    """
    percents = Percents(request.start, request.end, report)
    with open_store(request.store_url).open_media(request.key) as file:
        stream = DetectionStream(file, request.longest_side, percents.reached, request.span, request.threads)
        try:
            return measured(stream)
        finally:
            stream.close()


class Percents:
    """Turns times of frames into whole percents, each said once.

    Args:
        start: seconds at which nothing is done.
        end: seconds at which all is.
        report: is told the percentage done.
    """

    def __init__(self, start: float, end: float, report: Callable[[float], None]) -> None:
        self._start = start
        self._end = end
        self._report = report
        self._said = 0

    def reached(self, seconds: float) -> None:
        """Take a frame's time."""
        done, all_of_it = seconds - self._start, max(self._end, seconds) - self._start
        percent = int(100 * done / all_of_it) if all_of_it > 0 else 0
        if percent > self._said:
            self._said = percent
            self._report(percent)


def measure_spans(requests: Sequence[SpanRequest], report: Callable[[float], None]) -> list[Measures]:
    """Measure all at once and return what each process found.

    The processes belong to the group of this one and end with it; what they print goes where this one's errors go.

    Args:
        requests: one for each process.
        report: is told the percentage of all that is done.

    Raises:
        Permanent: as the first process that failed did; the others are ended then.
        Transient: likewise, or with `worker_crashed` if one ended without an answer.
    """
    shares = _Shares([request.end - request.start for request in requests], report)
    workers = [_Worker(request, shares.of(index)) for index, request in enumerate(requests)]
    with ThreadPoolExecutor(len(workers)) as threads:
        try:
            running = {threads.submit(worker.answer): index for index, worker in enumerate(workers)}
            found = {running[done]: done.result() for done in as_completed(running)}
        finally:
            for worker in workers:
                worker.end()
    return [found[index] for index in range(len(workers))]


class _Shares:
    """The progress of several parts as one."""

    def __init__(self, lengths: Sequence[float], report: Callable[[float], None]) -> None:
        self._weights = [length / sum(lengths) for length in lengths]
        self._percents = [0.0] * len(lengths)
        self._report = report
        self._said = 0
        self._turn = threading.Lock()

    def of(self, index: int) -> Callable[[float], None]:
        """Return what is to be told of the progress of one part."""

        def reached(percent: float) -> None:
            with self._turn:
                self._percents[index] = percent
                total = int(sum(weight * each for weight, each in zip(self._weights, self._percents, strict=True)))
                if total > self._said:
                    self._said = total
                    self._report(total)

        return reached


class _Worker:
    """A process that measures one span."""

    def __init__(self, request: SpanRequest, reached: Callable[[float], None]) -> None:
        command = [sys.executable, "-P", "-m", "clipmill.operations.child_main", SPAN_TARGET]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._request = request
        self._reached = reached

    def answer(self) -> Measures:
        """Wait for what the process finds."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise ValueError("a process without pipes")
        with suppress(BrokenPipeError), process.stdin as requests:  # a process that has ended says so below
            requests.write(msgspec.json.encode(self._request) + b"\n")
        with process.stdout as answers:
            for line in answers:
                match _answers.decode(line) if line.endswith(b"\n") else None:
                    case Progress(percent=percent):
                        self._reached(percent)
                    case Done(result=result):
                        return msgspec.json.decode(result, type=Measures)
                    case Failed() as failed:
                        raise _failure(failed)
        raise Transient(ErrorCode.WORKER_CRASHED, "A process that searched a part of the video for shots has crashed.")

    def end(self) -> None:
        """End the process, if it is there, and see it buried."""
        self._process.kill()
        self._process.wait()


def _failure(failed: Failed) -> Permanent | Transient:
    code = ErrorCode(failed.code)
    if failed.permanent:
        return Permanent(code, failed.sentence)
    return Transient(code, failed.sentence, failed.retry_after)
