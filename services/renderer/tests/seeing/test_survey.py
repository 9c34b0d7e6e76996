import json
from collections import Counter
from fractions import Fraction

import av
import numpy as np
import pytest
from clipmill.contracts.documents import Shot, Word
from clipmill.renderer.audio.soundtrack import Soundtrack
from clipmill.renderer.pictures import view
from clipmill.renderer.reading.source import Source
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.seeing.speaking import turns, voiced
from clipmill.renderer.seeing.survey import survey
from clipmill.renderer.shots import Span, spans

pytestmark = pytest.mark.media


@pytest.fixture
def surveyed_file(tmp_path):
    def run(path, detector, *, start=0.0, seconds=None, shots=(), **how):
        with path.open("rb") as file, Source(file) as source:
            rate = float(source.rate)
            frames = round((seconds or 2.0) * rate)
            shares = []
            with Soundtrack(tmp_path, round(frames / rate * 48000)) as soundtrack:
                cut = spans([Shot(start=a, end=b) for a, b in shots], start, rate, frames)
                seen = survey(source, start, frames, cut, detector, soundtrack=soundtrack, report=shares.append, **how)
                return seen, soundtrack.levels_db, shares

    return run


def test_a_face_is_followed_through_its_shot(make_media, surveyed_file, square_detector):
    path = make_media(square=lambda time: (80 + 60 * time, 90))
    seen, _, _ = surveyed_file(path, square_detector)
    (shot,) = seen.shots
    (track,) = shot.tracks
    assert shot.span == Span(0, 49)
    assert {detection.frame for detection in track.detections} <= set(shot.detection_frames)
    for detection in track.detections:
        assert detection.face.box.centre[0] == pytest.approx(80 + 60 * detection.frame / 25, abs=3)


def test_faces_are_searched_for_some_times_a_second_from_the_shots_start_to_its_end(
    make_media, surveyed_file, square_detector
):
    seen, _, _ = surveyed_file(make_media(square=lambda time: (80, 90)), square_detector, faces_per_second=5)
    frames = seen.shots[0].detection_frames
    assert frames[0] <= 2
    assert frames[-1] >= 46
    assert 8 <= len(frames) <= 15


def test_nobody_is_followed_across_a_cut(make_media, surveyed_file, square_detector):
    path = make_media(square=lambda time: (80, 90))
    seen, _, _ = surveyed_file(path, square_detector, shots=((0, 1.0), (1.0, 2.0)))
    assert [shot.span for shot in seen.shots] == [Span(0, 24), Span(25, 49)]
    for shot in seen.shots:
        assert [track.number for track in shot.tracks] == [0]
        assert all(shot.span.first <= frame <= shot.span.last for frame in shot.detection_frames)


def test_boxes_are_in_shown_pixels_of_the_pictures(make_media, surveyed_file, square_detector):
    path = make_media(square=lambda time: (160, 90), pixel_aspect=Fraction(4, 3))
    seen, _, _ = surveyed_file(path, square_detector)
    assert (seen.width, seen.height) == (pytest.approx(320 * 4 / 3), 180)
    assert seen.shots[0].tracks[0].last.face.box.centre[0] == pytest.approx(160 * 4 / 3, abs=3)


def test_a_clip_out_of_the_middle_counts_its_own_frames(make_media, surveyed_file, square_detector):
    path = make_media(seconds=3.0, square=lambda time: (80 + 60 * time, 90))
    seen, _, _ = surveyed_file(path, square_detector, start=1.0, seconds=1.0)
    first = seen.shots[0].tracks[0].detections[0]
    assert first.face.box.centre[0] == pytest.approx(140 + 60 * first.frame / 25, abs=4)


def test_a_shot_without_faces_has_detection_frames_and_no_tracks(make_media, surveyed_file, square_detector):
    seen, _, _ = surveyed_file(make_media(), square_detector)
    assert seen.shots[0].detection_frames
    assert seen.shots[0].tracks == ()


def test_the_sound_is_laid_and_measured_on_the_way(make_media, surveyed_file, square_detector):
    path = make_media(sound=lambda times: np.where(times < 1.0, 0.3, 0.001) * np.sin(2 * np.pi * 440 * times))
    _, levels, _ = surveyed_file(path, square_detector)
    assert levels[50] == pytest.approx(-13.5, abs=1.5)
    assert levels[150] < -55


def test_progress_goes_from_nothing_to_all(make_media, surveyed_file, square_detector):
    _, _, shares = surveyed_file(make_media(), square_detector)
    assert shares == sorted(shares)
    assert 0.9 < shares[-1] <= 1


def test_of_two_heads_the_one_whose_mouth_moves_speaks(tmp_path, surveyed_file, blazeface, drawn_heads):
    path = tmp_path / "talk.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "23"})
        stream.width, stream.height = 480, 270
        for index in range(200):
            wide = round(0.5 - 0.5 * np.cos(index), 1)  # four times a second, as syllables go
            nod = 3 * np.sin(index / 7)
            left, right = (wide, 0.1) if index < 100 else (0.1, wide)
            picture = drawn_heads((480, 270), (130, 140 + nod, 90, left), (350, 140 - nod, 80, right))
            frame = av.VideoFrame(480, 270, "yuv420p")
            for plane, samples in zip(view(frame).planes, picture.planes, strict=True):
                plane[:] = samples
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    seen, _, _ = surveyed_file(path, blazeface, seconds=8.0)
    (shot,) = seen.shots
    assert len(shot.tracks) == 2
    at = {track.number: track.detections[0].face.box.centre[0] for track in shot.tracks}
    said = turns(shot, shot.tracks, np.ones(200, np.bool_), 25.0)
    assert [at[turn.track] < 240 for turn in said] == [True, False]
    assert said[1].first == pytest.approx(100, abs=10)


def test_in_the_interview_everybody_and_the_speaker_are_found(corpus, surveyed_file, blazeface):
    truth = json.loads((corpus / "interview.truth.json").read_text())
    start, end = 76.16, 93.96  # two shots of both, and a close-up between them
    shots = [(shot["start"], shot["end"]) for shot in truth["shots"]]
    seen, levels, _ = surveyed_file(
        corpus / "interview.mp4", blazeface, start=start, seconds=end - start, shots=shots, faces_per_second=6
    )
    rows = {round((row["t"] - start) * 25): row["boxes"] for row in truth["faces"]}
    sentences = [line for line in truth["sentences"] if start <= line["start"] and line["end"] <= end]
    words = [Word(text="a", start=line["start"] - start, end=line["end"] - start) for line in sentences]
    heard = voiced(words, levels, 25.0, round((end - start) * 25))
    found, right = Counter[bool](), Counter[bool]()
    for shot in seen.shots:
        who: dict[int, str] = {}
        for track in shot.tracks:
            for detection in track.detections:
                for face in rows.get(detection.frame, ()):
                    if Box(face["x"], face["y"], face["w"], face["h"]).overlap(detection.face.box) > 0.4:
                        assert who.setdefault(track.number, face["person"]) == face["person"]
                        found[True] += 1
        found[False] += sum(len(rows[frame]) for frame in shot.detection_frames if frame in rows)
        said = {
            frame: who[turn.track]
            for turn in turns(shot, shot.tracks, heard, 25.0)
            for frame in range(turn.first, turn.last + 1)
        }
        if len(shot.tracks) > 1:
            for line in sentences:
                for frame in range(round((line["start"] - start) * 25), round((line["end"] - start) * 25)):
                    if shot.span.first <= frame <= shot.span.last:
                        right[said.get(frame) == line["speaker"]] += 1
    assert found[True] >= 0.97 * found[False]
    assert right[True] >= 0.9 * right.total()
