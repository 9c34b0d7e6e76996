"""Only the part of a video that a job uses is searched for shots, and their times stay those of the video."""

import numpy as np
import pytest
from clipmill.analyzer.scenes.chunk_request import WHOLE, Chunk
from clipmill.analyzer.scenes.chunks import part_of
from clipmill.analyzer.scenes.detection import detect
from clipmill.analyzer.scenes.detection_request import DetectionRequest
from clipmill.analyzer.scenes_handler import MARGIN_SECONDS, ScenesHandler
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import open_store
from clipmill.contracts.codec import encode
from clipmill.contracts.documents import Scenes
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import ScenesTask
from clipmill.operations.settings import CommonSettings
from msgspec.structs import replace

pytestmark = [pytest.mark.slow, pytest.mark.media]

SECONDS = 60
TIMES = [number * 40 for number in range(SECONDS * 25)]
CUTS = [number * 125 for number in range(1, 12)]
"""Frames at which a shot begins, every five seconds."""


@pytest.fixture(params=["mp4", "mkv"])
def video(request, write_video, tmp_path):
    path = tmp_path / f"v.{request.param}"
    write_video(path, TIMES, CUTS)
    return path


@pytest.fixture
def search(tmp_path):
    def run(path, start=0.0, end=None, processes=1):
        request = DetectionRequest(
            store_url=tmp_path.as_uri(),
            key=path.name,
            duration=SECONDS,
            start=start,
            end=end,
            shortest=0.6,
            threshold=3.0,
            least_change=15.0,
            longest_side=256,
            processes=processes,
            chunk_seconds=4.0,
        )
        return detect(request, lambda _: None)

    return run


def test_the_cuts_of_a_part_are_those_of_the_whole_there(video, search):
    whole = search(video)
    part = search(video, 22.0, 37.0)
    assert [cut for cut in part.cuts if 22.0 <= cut < 37.0] == [25.0, 30.0, 35.0]
    assert set(part.cuts) <= set(whole.cuts)
    assert part.frames < 30 * 25 < whole.frames


def test_a_part_in_chunks_gives_the_result_of_one_pass(video, search):
    several = search(video, 12.0, 49.0, processes=3)
    one = search(video, 12.0, 49.0)
    assert (several.chunks, several.note) == (3, "")
    assert replace(several, chunks=1) == one


@pytest.mark.parametrize(("start", "end"), [(0.0, 13.0), (48.0, None), (58.5, 60.0)])
def test_a_part_at_an_edge_of_the_video_has_its_cuts(video, search, start, end):
    cuts = search(video, start, end).cuts
    expected = [cut / 25 for cut in CUTS if start <= cut / 25 < (end or SECONDS)]
    assert [cut for cut in cuts if start <= cut < (end or SECONDS)] == expected


def test_a_part_begins_with_a_keyframe_before_it(video):
    with video.open("rb") as file:
        part = part_of(file, 22.0, 37.0)
        assert part.first is not None
        assert part.first <= part.sought
        assert part.last is not None
    with video.open("rb") as file:
        assert part_of(file, 0.0, 5.0) == Chunk(last=part.last * 5 // 37)


def test_a_part_of_something_else_is_left_to_the_process_that_reads_it(tmp_path):
    path = tmp_path / "v.mp4"
    path.write_bytes(np.zeros(1000, np.uint8).tobytes())
    with path.open("rb") as file:
        assert part_of(file, 2.0, 9.0) is WHOLE


async def test_the_scenes_task_searches_the_part_that_the_job_uses(
    write_video, media_of, make_context, tmp_path, monkeypatch
):
    store, task = open_store(tmp_path.as_uri()), ScenesTask(job=new_job_id(), options=JobOptions(start=20.5, end=34.0))
    path = tmp_path / "v.mp4"
    write_video(path, TIMES, CUTS)
    await store.put_file(layout.source(task.job), path)
    await store.put_bytes(layout.media(task.job), encode(media_of(float(SECONDS))))
    settings = AnalyzerSettings(common=CommonSettings(store_url=tmp_path.as_uri()))
    await ScenesHandler(store, settings)(task, make_context())
    scenes = await load(store, layout.scenes(task.job), Scenes)
    assert (scenes.shots[0].start, scenes.shots[-1].end) == (0.0, SECONDS)
    starts = [shot.start for shot in scenes.shots[1:]]
    assert [start for start in starts if 20.5 <= start < 34.0] == [25.0, 30.0]
    assert max(starts) <= 34.0 + MARGIN_SECONDS
    assert min(starts) > 5.0
