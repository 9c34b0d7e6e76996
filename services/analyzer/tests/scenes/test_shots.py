"""Shots are found, from the video in the store to the document."""

import io
import json
import re

import av
import numpy as np
import pytest
from clipmill.analyzer.scenes.detection import detect
from clipmill.analyzer.scenes.detection_request import DetectionRequest
from clipmill.analyzer.scenes.detection_stream import DetectionStream
from clipmill.analyzer.scenes.shots import contiguous
from clipmill.analyzer.scenes_handler import ScenesHandler
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load, save_once
from clipmill.artifacts.store import open_store
from clipmill.contracts.codec import encode
from clipmill.contracts.documents import Scenes, Shot, Transcript
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import Priority, new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import AnalyzeTask, ScenesTask
from clipmill.operations.settings import CommonSettings

pytestmark = pytest.mark.media

STEADY = [index * 40 for index in range(200)]


@pytest.fixture
def search(tmp_path):
    """Detect shots in this process."""

    def run(path, duration=8.0, reports=None):
        (tmp_path / "store" / "v").parent.mkdir(exist_ok=True)
        (tmp_path / "store" / "v").write_bytes(path.read_bytes())
        request = DetectionRequest(
            store_url=(tmp_path / "store").as_uri(),
            key="v",
            duration=duration,
            shortest=0.6,
            threshold=3.0,
            least_change=15.0,
            longest_side=256,
        )
        return detect(request, (reports if reports is not None else []).append)

    return run


def test_cuts_are_found_to_the_frame(write_video, search, tmp_path):
    write_video(tmp_path / "a.mp4", STEADY, cuts=[60, 125])
    detected = search(tmp_path / "a.mp4")
    assert detected.cuts == pytest.approx((2.4, 5.0))
    assert detected.frames == 200
    assert detected.frame_rate == pytest.approx(25)


def test_a_video_without_a_cut_has_none(write_video, search, tmp_path):
    write_video(tmp_path / "a.mp4", STEADY, cuts=[])
    assert search(tmp_path / "a.mp4").cuts == ()


def test_a_variable_frame_rate_keeps_its_times(write_video, search, tmp_path):
    times = [index * 40 for index in range(60)] + [2400 + index * 137 for index in range(40)]
    write_video(tmp_path / "a.mkv", times, cuts=[80])
    assert search(tmp_path / "a.mkv").cuts == pytest.approx((times[80] / 1000,))


def test_time_zero_is_the_first_frame(write_video, search, tmp_path):
    write_video(tmp_path / "a.mkv", STEADY, cuts=[60], start_ms=1500)
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert container.streams.video[0].start_time == 1500
    assert search(tmp_path / "a.mkv").cuts == pytest.approx((2.4,))


def test_shots_are_not_shorter_than_the_shortest(write_video, search, tmp_path):
    write_video(tmp_path / "a.mp4", STEADY, cuts=[60, 66, 125])
    assert search(tmp_path / "a.mp4").cuts == pytest.approx((2.4, 5.0))


def test_progress_grows_in_whole_percents(write_video, search, tmp_path):
    write_video(tmp_path / "a.mp4", STEADY, cuts=[])
    reports = []
    search(tmp_path / "a.mp4", reports=reports)
    assert reports == sorted(set(reports))
    assert reports[-1] >= 99


def test_a_file_that_is_no_video_is_refused_for_good(search, tmp_path):
    (tmp_path / "a.mp4").write_text("not a video")
    with pytest.raises(Permanent) as failure:
        search(tmp_path / "a.mp4")
    assert failure.value.code is ErrorCode.UNREADABLE_MEDIA


class _Unreliable(io.FileIO):
    """A file whose store goes away half-way."""

    def readinto(self, buffer):
        if self.tell() > 10_000:
            raise Transient(ErrorCode.UNAVAILABLE, "The store is gone.")
        return super().readinto(buffer)

    def read(self, size=-1):
        if self.tell() > 10_000:
            raise Transient(ErrorCode.UNAVAILABLE, "The store is gone.")
        return super().read(size)


def test_a_store_that_goes_away_is_not_taken_for_the_end_of_the_video(write_video, tmp_path):
    write_video(tmp_path / "a.mkv", STEADY, cuts=[60])
    assert (tmp_path / "a.mkv").stat().st_size > 20_000
    with _Unreliable(tmp_path / "a.mkv") as file:
        stream = DetectionStream(file, 256, lambda _: None)
        with pytest.raises(Transient, match="The store is gone"):
            list(iter(lambda: stream.read(decode=False), False))
        stream.close()


def test_a_video_that_breaks_off_is_read_up_to_there(write_video, search, tmp_path):
    write_video(tmp_path / "a.mkv", STEADY, cuts=[60])
    data = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) * 2 // 3])
    detected = search(tmp_path / "half.mkv")
    assert detected.cuts == pytest.approx((2.4,))
    assert 60 < detected.frames < 200


def test_sound_alone_is_refused_for_good(search, tmp_path):
    with av.open(str(tmp_path / "a.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 48000), dtype=np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        container.mux([*stream.encode(silence), *stream.encode(None)])
    with pytest.raises(Permanent) as failure:
        search(tmp_path / "a.m4a")
    assert failure.value.code is ErrorCode.NO_VIDEO


def test_shots_touch_each_other_from_zero_to_the_end():
    shots = contiguous((3.0, 1.0, 1.0, 0.0, 9.0, 8.0), 8.0)
    assert shots == (Shot(start=0.0, end=1.0), Shot(start=1.0, end=3.0), Shot(start=3.0, end=8.0))


@pytest.mark.parametrize("name", ["vfr.mkv", "mpeg2_interlaced.ts", "odd_size.mp4"])
def test_awkward_files_have_their_cuts_found(search, corpus, name):
    expected = json.loads((corpus / "edge" / "expect.json").read_text())[name]
    assert search(corpus / "edge" / name, expected["duration"]).cuts == pytest.approx(expected["cuts"], abs=0.021)


def test_the_cuts_of_the_corpus_are_found_to_the_frame(search, corpus):
    truth = json.loads((corpus / "talk.truth.json").read_text())
    cuts = [change["start"] for change in truth["transitions"] if change["type"] == "cut"]
    assert search(corpus / "talk.mp4", truth["duration"]).cuts == pytest.approx(cuts, abs=0.001)


@pytest.fixture
async def stored(tmp_path, write_video, media_of):
    """Store the source of a job, and give the settings, the store and the job."""
    url = (tmp_path / "artifacts").as_uri()
    store, job = open_store(url), new_job_id()
    write_video(tmp_path / "a.mp4", STEADY, cuts=[60])
    await store.put_file(layout.source(job), tmp_path / "a.mp4")
    await store.put_bytes(layout.media(job), encode(media_of(8.0)))
    return AnalyzerSettings(common=CommonSettings(store_url=url)), store, job


async def test_the_scenes_task_stores_the_shots_and_reports(stored, make_context):
    settings, store, job = stored
    context = make_context()
    await ScenesHandler(store, settings)(ScenesTask(job=job), context)
    scenes = await load(store, layout.scenes(job), Scenes)
    assert scenes is not None
    assert [(shot.start, shot.end) for shot in scenes.shots] == [(0.0, 2.4), (2.4, 8.0)]
    assert context.kinds == ["stage_started", "stage_finished"]
    assert context.events[0].line == "Detecting scenes with PySceneDetect..."
    assert context.percents[-1] >= 99
    assert context.tasks == []


async def test_with_the_transcript_there_the_analysis_is_asked_for(stored, make_context):
    settings, store, job = stored
    await save_once(store, layout.transcript(job), Transcript(language="", duration=0.0))
    task = ScenesTask(job=job, options=JobOptions(target_clips=7), priority=Priority.HIGH, generation=2)
    context = make_context()
    await ScenesHandler(store, settings)(task, context)
    assert context.tasks == [AnalyzeTask(job=job, options=task.options, priority=Priority.HIGH, generation=2)]


async def test_a_redelivered_scenes_task_skips_the_work(stored, make_context):
    settings, store, _ = stored
    job = new_job_id()
    await save_once(store, layout.scenes(job), Scenes(shots=(Shot(start=0, end=8),), detector="d", frame_rate=25))
    context = make_context(attempt=2)
    await ScenesHandler(store, settings)(ScenesTask(job=job), context)
    assert context.kinds == ["stage_finished"]


async def test_a_missing_source_fails_for_good_and_says_what_is_missing(stored, media_of, make_context):
    settings, store, _ = stored
    job = new_job_id()
    await store.put_bytes(layout.media(job), encode(media_of(8.0)))
    with pytest.raises(Permanent, match=re.escape(layout.source(job))):
        await ScenesHandler(store, settings)(ScenesTask(job=job), make_context())
