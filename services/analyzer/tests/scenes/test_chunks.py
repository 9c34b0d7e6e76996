"""Long videos are searched in chunks with the result of one pass, by processes that end with their owner."""

import asyncio
import re
import signal
import sys
from contextlib import suppress
from fractions import Fraction

import av
import msgspec
import numpy as np
import psutil
import pytest
from clipmill.analyzer import scenes_handler
from clipmill.analyzer.scenes.chunk_request import CHUNK_TARGET
from clipmill.analyzer.scenes.chunks import planned
from clipmill.analyzer.scenes.detection import detect
from clipmill.analyzer.scenes.detection_request import DETECTION_TARGET, Detected, DetectionRequest
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.artifacts import layout
from clipmill.artifacts.store import open_store
from clipmill.contracts.codec import encode
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.tasks import ScenesTask
from clipmill.operations import lifeline
from clipmill.operations.child import Limits, run_child, tree_resident_bytes
from clipmill.operations.settings import CommonSettings

pytestmark = pytest.mark.slow

SECONDS = 16.0
STEADY = [index / 25 for index in range(int(SECONDS * 25))]
GENERATOR = np.random.default_rng(4)
SHOTS = [
    np.kron(GENERATOR.integers(0, 255, (9, 16, 3), dtype=np.uint8), np.ones((20, 20, 1), np.uint8)) for _ in range(6)
]


def picture(time):
    """Return a picture of a film with a cut every 3.1 s, a dissolve at 9.3 s, and a rectangle that always moves."""
    place = int(time / 3.1)
    view = SHOTS[place].copy()
    if 8.9 < time < 9.7:
        share = (time - 8.9) / 0.8
        view = (SHOTS[2] * (1 - share) + SHOTS[3] * share).astype(np.uint8)
    left = int(60 + 50 * np.sin(2 * time)) * 2
    view[60:120, left : left + 60] = (int(time * 90) % 255, 90, 160)
    return view


MEMORY = 4 * 2**30


@pytest.fixture
def write_film():
    """Write a video of the pictures that a function gives for the times, in seconds, with options for x264."""

    def write(path, picture, times, options=None, start=0.0):
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", **(options or {})})
            first = picture(times[0])
            stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], "yuv420p"
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
            for time in times:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture(time)), format="bgr24")
                frame.pts, frame.time_base = round((time + start) * 1000), Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))

    return write


@pytest.fixture
def request_for(tmp_path):
    """Make a request for the shots of a file, in chunks of at least 3 s."""

    def make(path, processes=3, duration=SECONDS):
        return DetectionRequest(
            store_url=tmp_path.as_uri(),
            key=path.name,
            duration=duration,
            shortest=0.6,
            threshold=3.0,
            least_change=15.0,
            longest_side=256,
            processes=processes,
            chunk_seconds=3.0,
        )

    return make


@pytest.fixture
def both(request_for):
    """Return the result of a search in chunks and the result of one pass."""

    def run(path, duration=SECONDS):
        chunks = detect(request_for(path, duration=duration), lambda _: None)
        whole = detect(request_for(path, processes=1, duration=duration), lambda _: None)
        assert whole.chunks == 1
        return chunks, whole

    return run


def same(chunks, whole):
    return (chunks.cuts, chunks.transitions, chunks.frames, chunks.frame_rate) == (
        whole.cuts,
        whole.transitions,
        whole.frames,
        whole.frame_rate,
    )


FILES = {
    "frames in two directions": ("a.mp4", STEADY, {"preset": "veryfast", "bf": "3", "g": "40"}, 0.0),
    "open groups of pictures": (
        "a.mkv",
        STEADY,
        {"preset": "veryfast", "bf": "3", "g": "40", "x264-params": "open-gop=1"},
        0.0,
    ),
    "a late start": ("a.mkv", STEADY, {"g": "30"}, 1.5),
    "varying frame times": (
        "a.mkv",
        [time + 0.013 * (index % 3) for index, time in enumerate(STEADY) if index % 7],
        {"preset": "veryfast", "g": "30"},
        0.0,
    ),
    "a transport stream": ("a.ts", STEADY, {"preset": "veryfast", "g": "40"}, 0.0),
}


@pytest.mark.parametrize("name", FILES)
def test_chunks_give_the_result_of_one_pass(name, write_film, both, tmp_path):
    file, times, options, start = FILES[name]
    write_film(tmp_path / file, picture, times, options, start)
    chunks, whole = both(tmp_path / file)
    assert same(chunks, whole)
    assert len(whole.cuts) >= 4
    assert chunks.chunks == 3
    assert chunks.note == ""


@pytest.mark.parametrize("at", [0.3, 0.5, 0.52, 0.7])
def test_a_damaged_video_gives_one_result_in_chunks_and_in_one_pass(at, write_film, both, tmp_path):
    write_film(tmp_path / "whole.mkv", picture, STEADY, {"preset": "veryfast", "g": "30"})
    data = bytearray((tmp_path / "whole.mkv").read_bytes())
    middle = int(len(data) * at)
    data[middle : middle + 3000] = bytes(3000)
    (tmp_path / "a.mkv").write_bytes(data)
    chunks, whole = both(tmp_path / "a.mkv")
    assert same(chunks, whole)
    assert whole.frames > len(STEADY) / 4


def test_pictures_that_need_frames_before_their_keyframe_are_searched_in_one_pass(write_film, both, tmp_path):
    options = {"preset": "veryfast", "x264-params": "intra-refresh=1:keyint=40"}
    write_film(tmp_path / "a.ts", picture, STEADY, options)
    chunks, whole = both(tmp_path / "a.ts")
    assert same(chunks, whole)
    assert (chunks.chunks, whole.note) == (1, "")
    assert chunks.note.startswith("The video was searched for shots a second time, in one pass, because ")


async def test_chunks_that_could_not_be_joined_are_counted_and_have_a_line_in_the_jobs_log(
    write_film, media_of, make_context, sample, tmp_path, monkeypatch
):
    monkeypatch.setattr(scenes_handler, "processors", lambda: 3)
    store, job = open_store(tmp_path.as_uri()), new_job_id()
    write_film(tmp_path / "a.ts", picture, STEADY, {"preset": "veryfast", "x264-params": "intra-refresh=1:keyint=40"})
    await store.put_file(layout.source(job), tmp_path / "a.ts")
    await store.put_bytes(layout.media(job), encode(media_of(SECONDS)))
    settings = AnalyzerSettings(common=CommonSettings(store_url=tmp_path.as_uri()), detection_span_seconds=3.0)
    before = sample("clipmill_fallbacks_total", kind="searched_in_one_go")
    contexts = [make_context(attempt=attempt) for attempt in (1, 2)]
    for context in contexts:
        await scenes_handler.ScenesHandler(store, settings)(ScenesTask(job=job), context)
    assert [context.kinds for context in contexts] == [
        ["stage_started", "log", "stage_finished"],
        ["log", "stage_finished"],
    ]
    first, again = ([event for event in context.events if event.kind == "log"] for context in contexts)
    assert first == again
    assert re.fullmatch(
        r"The video was searched for shots a second time, in one pass, because the parts searched in parallel did "
        r"not fit together \(the frames of two parts have different \w+\)\. This took longer; the clips are not "
        r"affected\.",
        first[0].line,
    )
    assert sample("clipmill_fallbacks_total", kind="searched_in_one_go") == before + 1


def test_one_keyframe_is_one_chunk(write_film, both, tmp_path):
    write_film(tmp_path / "a.mp4", picture, STEADY, {"g": "100000", "sc_threshold": "0"})
    chunks, whole = both(tmp_path / "a.mp4")
    assert chunks == whole


def test_keyframes_far_from_each_other_make_fewer_chunks(write_film, both, tmp_path):
    write_film(tmp_path / "a.mp4", picture, STEADY, {"g": "200", "sc_threshold": "0"})
    chunks, whole = both(tmp_path / "a.mp4")
    assert chunks.chunks == 2
    assert same(chunks, whole)


def test_a_wrong_length_changes_nothing(write_film, both, tmp_path):
    write_film(tmp_path / "a.mp4", picture, STEADY, {"g": "30"})
    for duration in (9.0, 40.0):
        assert same(*both(tmp_path / "a.mp4", duration))


def test_short_videos_are_one_chunk(write_film, request_for, tmp_path):
    write_film(tmp_path / "a.mp4", picture, STEADY[:125], {"g": "20"})
    with open_store(tmp_path.as_uri()).open_media("a.mp4") as file:
        assert len(planned(file, 5.0, 3.0, 8, MEMORY)) == 1
    assert detect(request_for(tmp_path / "a.mp4", duration=5.0), lambda _: None).chunks == 1


def test_little_memory_makes_fewer_chunks(write_film, tmp_path):
    write_film(tmp_path / "a.mp4", picture, STEADY, {"g": "20"})
    with open_store(tmp_path.as_uri()).open_media("a.mp4") as file:
        assert [len(planned(file, SECONDS, 3.0, 8, mib * 2**20)) for mib in (250, 700, 4096)] == [1, 2, 5]


def test_progress_of_chunks_grows_in_whole_percents(write_film, request_for, tmp_path):
    write_film(tmp_path / "a.mp4", picture, STEADY, {"g": "30"})
    reports = []
    detect(request_for(tmp_path / "a.mp4"), reports.append)
    assert reports == sorted(set(reports))
    assert reports[-1] >= 97


def test_a_file_that_is_no_video_is_refused_for_good_in_chunks_too(request_for, tmp_path):
    (tmp_path / "a.mp4").write_text("not a video")
    with pytest.raises(Permanent) as failure:
        detect(request_for(tmp_path / "a.mp4"), lambda _: None)
    assert failure.value.code is ErrorCode.UNREADABLE_MEDIA


def _chunk_processes():
    """Return the descendants of this process that measure a chunk, without those that watch over them.

    A copy of such a process that is about to become another program is none.
    """
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            words = process.cmdline()
            if CHUNK_TARGET in words and lifeline.__file__ not in words:
                found.append((process, process.ppid()))
    ids = {process.pid for process, _ in found}
    return [process for process, parent in found if parent not in ids]


def _alive(process):
    """Return whether a process still runs; one that has ended but was not collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
def long_film(write_film, tmp_path):
    """Write a film that takes seconds to search."""
    write_film(tmp_path / "a.mp4", lambda time: picture(time % 15), [index / 25 for index in range(2500)], {"g": "30"})
    return tmp_path / "a.mp4"


async def test_cancelling_ends_the_processes_of_all_chunks(long_film, request_for):
    request = request_for(long_film, duration=100.0)
    task = asyncio.create_task(run_child(DETECTION_TARGET, request, Detected, limits=Limits(resident_bytes=2**32)))
    await _until(lambda: len(_chunk_processes()) == 3)
    processes = _chunk_processes()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until(lambda: not any(_alive(process) for process in processes))


def _held_once_large():
    """Suspend the processes that have imported all, so none ends before the last one has; return their number."""
    large = [process for process in _chunk_processes() if process.memory_info().rss > 80 * 2**20]
    for process in large:
        process.suspend()
    return len(large)


async def test_the_memory_limit_of_the_search_holds_for_the_processes_of_all_chunks_together(long_film, request_for):
    """The limit allows less than two processes need for their imports alone."""
    request = request_for(long_film, duration=100.0)
    searching = asyncio.create_task(run_child(DETECTION_TARGET, request, Detected))
    await _until(lambda: _held_once_large() == 3)
    (owner,) = {process.parent() for process in _chunk_processes()}
    own = owner.memory_info().rss
    assert tree_resident_bytes(owner.pid) > own + 3 * 80 * 2**20
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching
    limits = Limits(resident_bytes=own + 100 * 2**20)
    with pytest.raises(Transient) as failure:
        await run_child(DETECTION_TARGET, request, Detected, limits=limits)
    assert failure.value.code is ErrorCode.OUT_OF_MEMORY
    await _until(lambda: _chunk_processes() == [])


OWNER = """
import asyncio, sys
import msgspec
from clipmill.analyzer.scenes.detection_request import DETECTION_TARGET, Detected, DetectionRequest
from clipmill.operations.child import run_child
request = msgspec.json.decode(sys.argv[1].encode(), type=DetectionRequest)
asyncio.run(run_child(DETECTION_TARGET, request, Detected))
"""


async def test_the_processes_of_all_chunks_die_with_a_service_that_is_killed(long_film, request_for):
    request = msgspec.json.encode(request_for(long_film, duration=100.0)).decode()
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, request)
    await _until(lambda: len(_chunk_processes()) == 3)
    processes = _chunk_processes()
    owner.send_signal(signal.SIGKILL)
    await owner.wait()
    gone, alive = await asyncio.to_thread(psutil.wait_procs, processes, 30)
    assert (len(gone), alive) == (3, [])


async def test_a_chunk_whose_process_crashes_fails_for_the_time_being_and_ends_the_others(long_film, request_for):
    request = request_for(long_film, duration=100.0)
    task = asyncio.create_task(run_child(DETECTION_TARGET, request, Detected))
    await _until(lambda: len(_chunk_processes()) == 3)
    processes = _chunk_processes()
    processes[1].kill()
    with pytest.raises(Transient, match="crashed") as failure:
        await task
    assert failure.value.code is ErrorCode.WORKER_CRASHED
    await _until(lambda: not any(_alive(process) for process in processes))
