import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from clipmill.contracts.options import OutputFormat
from clipmill.renderer.checking.command import check
from clipmill.renderer.checking.verification import Check, Expected, beyond, examine, level_check, rate_check, verify
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.media

VTT = "WEBVTT\n\n00:00.100 --> 00:00.900\nSome words\n"
SRT = "1\n00:00:00,100 --> 00:00:00,900\nSome words\n"


@pytest.fixture(scope="module")
def rendered(write_media, render_into, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered")
    path, _ = render_into(folder, write_media(folder, seconds=2), 0.0, 1.0)
    return path


@pytest.fixture
def right(rendered, tmp_path):
    """Return a copy of a correct clip, for a test to spoil."""
    return Path(shutil.copytree(rendered.parent, tmp_path / "out")) / rendered.name


def checks(path, seconds=None, **expected):
    return {check.check for check in examine(path, Expected(seconds=seconds, **expected)) if not check.ok}


def run(*arguments):
    command = [sys.executable, "-m", "clipmill.renderer", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def remuxed(path, *, options, title=None, shift=0.0, sound_last=False):
    """Write the streams into another file, with other options of the muxer, tags, or places."""
    target = path.with_name("other.mp4")
    with av.open(path) as source, av.open(target, "w", options=options) as out:
        streams = [out.add_stream_from_template(stream) for stream in source.streams]
        if title is not None:
            out.metadata.update(title)
        packets = [packet for packet in source.demux() if packet.size]
        if sound_last:
            packets.sort(key=lambda packet: packet.stream.type == "audio")
        for packet in packets:
            if packet.stream.type == "audio":
                packet.pts = packet.dts = packet.dts + round(shift / packet.time_base)
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    return target


CLEAN = {"movflags": "+faststart+negative_cts_offsets", "use_editlist": "0", "fflags": "+bitexact"}


def test_a_source_is_not_a_finished_clip(make_media):
    path = make_media(seconds=2, sound=lambda times: 0.1 * np.sin(2000 * times), sound_from=0.5)
    assert checks(path, 3.0) == {
        "colour", "size", "level", "sync", "duration", "loudness", "faststart", "edit list", "metadata",
    }  # fmt: skip


def test_a_clip_of_the_wrong_length_is_found_out(right):
    assert checks(right, 1.0) == set()
    assert checks(right, 1.2) == {"duration"}


def test_a_clip_of_the_wrong_shape_is_found_out(right):
    assert checks(right, output_format=OutputFormat.VERTICAL) == set()
    assert checks(right, output_format=OutputFormat.SQUARE) == {"size"}


def test_a_clip_without_sound_is_found_out(make_media):
    assert "streams" in checks(make_media(seconds=1))


def test_a_title_is_all_that_a_clip_reveals(right):
    assert checks(remuxed(right, options=CLEAN, title={"title": "It's 🎬"})) == set()
    assert checks(remuxed(right, options=CLEAN, title={"comment": "from talk.mp4"})) == {"metadata"}
    assert checks(remuxed(right, options=CLEAN, title={"creation_time": "2020-01-01T00:00:00"})) == {"metadata"}


def test_sound_that_comes_late_is_found_out(right):
    assert checks(remuxed(right, options=CLEAN, shift=0.03)) == set()
    assert checks(remuxed(right, options={**CLEAN, "use_editlist": "1"}, shift=0.06)) >= {"sync", "edit list"}


def test_sound_that_is_stored_after_all_pictures_is_found_out(make_media, render_clip):
    path, _ = render_clip(make_media(seconds=3), 0.0, 2.5)
    assert checks(path) == set()
    assert checks(remuxed(path, options={**CLEAN, "max_interleave_delta": "1"}, sound_last=True)) == {"interleaving"}


@pytest.mark.parametrize("amplitude", [0.05, 0.9])
def test_a_clip_that_is_too_quiet_or_too_loud_is_found_out(make_media, amplitude):
    path = make_media(seconds=2, sound=lambda times: amplitude * np.sin(6000 * times) * (times % 0.5 < 0.3))
    assert "loudness" in checks(path)
    assert ("true peak" in checks(path)) == (amplitude == 0.9)


def test_silence_and_the_noise_of_a_room_need_not_be_loud(make_media):
    noise = np.random.default_rng(0).normal(scale=0.0005, size=48000 * 2)
    assert "loudness" not in checks(make_media(seconds=2, sound=lambda times: noise[: len(times)]))
    assert "loudness" not in checks(make_media(seconds=2, sound=np.zeros_like))


def test_half_a_file_is_found_out(right):
    right.write_bytes(right.read_bytes()[: right.stat().st_size // 2])
    assert checks(right, 1.0)


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_file_is_found_out_or_harmless_but_never_a_traceback(right, seed):
    data = bytearray(right.read_bytes())
    for place in np.random.default_rng(seed).integers(0, len(data) if seed % 2 else 4000, 30):
        data[place] ^= 0xFF
    right.write_bytes(data)
    verify(right, 1.0)


def test_a_file_that_is_no_video_is_found_out(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("text")
    assert checks(path) == {"readable"}
    assert checks(tmp_path) == {"readable"}
    assert checks(tmp_path / "nothing.mp4") == {"readable"}


@pytest.mark.parametrize("matrix", [(0, 1, -1, 0), (-1, 0, 0, -1), (-1, 0, 0, 1), (1, 0, 0, -1)])
def test_a_clip_that_players_turn_or_mirror_is_found_out(right, matrix):
    data = bytearray(right.read_bytes())
    header = data.index(b"tkhd") - 4
    a, b, c, d = (number << 16 for number in matrix)
    data[header + 48 : header + 84] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    right.write_bytes(data)
    assert checks(right) == {"upright"}


def test_a_turned_clip_is_described_as_players_show_it(right):
    data = bytearray(right.read_bytes())
    header = data.index(b"tkhd") - 4
    data[header + 48 : header + 84] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    right.write_bytes(data)
    (check,) = verify(right)
    assert check.sentence == "Players turn the picture by -90 degrees; store it upright."


@pytest.mark.parametrize(
    ("rate", "steady", "sentence"),
    [
        (60.0, True, "60.000"),
        (90.0, True, "The frame rate is 90.000; it must be at most 60."),
        (25.0, False, "The frame rate varies (25.000 on average); it must be constant."),
    ],
)
def test_a_frame_rate_is_constant_and_at_most_60(rate, steady, sentence):
    assert rate_check(rate, steady=steady) == Check("frame rate", sentence == "60.000", sentence)


@pytest.mark.parametrize(
    ("level", "macroblocks", "bits", "sentence"),
    [
        (40, 245_760, 25e6, "4.0"),
        (31, 1000, 1e6, "The level is 3.1; it must be 4.0 or 4.2."),
        (40, 489_600, 8e6, "Level 4.0 does not allow this file's {}; reduce them, or use level 4.2."),
        (42, 489_600, 70e6, "Level 4.2 does not allow this file's {}; reduce them."),
    ],
)
def test_a_level_allows_the_rates_of_its_file(level, macroblocks, bits, sentence):
    assert level_check(level, macroblocks, bits) == Check(
        "level", sentence == "4.0", sentence.format("frame size, frame rate or bit rate")
    )


@pytest.mark.parametrize(("code", "head"), [(b"avc1", b"avcC"), (b"mp4a", b"esds")])
def test_an_undecodable_file_is_found_out_and_costs_no_other_files_results(right, code, head):
    unknown = right.with_name("unknown.mp4")
    unknown.write_bytes(right.read_bytes().replace(code, b"zzzz").replace(head, b"zzzC"))
    found = run(unknown, right, "--json")
    assert not found.stderr
    first, second = map(json.loads, found.stdout.splitlines())
    assert [check["check"] for check in first["checks"] if not check["ok"]] == ["decodes"]
    assert (found.returncode, second["ok"]) == (1, True)


def test_each_file_is_reported_as_it_is_examined(monkeypatch, capsys):
    said = []

    def looked_at(path, expected):
        said.append(capsys.readouterr().out)
        return [Check("readable", True, "yes")]

    monkeypatch.setattr("clipmill.renderer.checking.command.examine", looked_at)
    assert check(["one.mp4", "other.mp4"]) == 0
    assert "one.mp4: all right" in said[1]
    assert "other.mp4: all right" in capsys.readouterr().out


def test_captions_are_beside_a_clip(right):
    right.with_name("captions.vtt").write_text(VTT)
    right.with_name("captions.srt").write_text(SRT)
    assert checks(right, captions=True) == set()
    right.with_name("captions.srt").unlink()
    assert checks(right, captions=True) == {"captions"}
    right.with_suffix(".srt").write_text(SRT)
    assert checks(right, captions=True) == set()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("00:00.100 --> 00:00.900\nSome words\n", "does not begin with WEBVTT"),
        ("WEBVTT\n", "no cues"),
        ("WEBVTT\n\nfirst\nSome words\n", "has no line of times"),
        ("WEBVTT\n\n00:00.100 --> 00:00.900\n \n", "no words"),
        ("WEBVTT\n\n00:00.900 --> 00:00.100\nSome words\n", "ends before it begins"),
        ("WEBVTT\n\n00:00.100 --> 00:09.000\nSome words\n", "after the clip"),
        (VTT + "\n00:00.500 --> 00:00.950\nmore\n", "before the previous cue has ended"),
    ],
)
def test_captions_that_players_would_stumble_over_are_found_out(right, text, fault):
    right.with_name("captions.vtt").write_text(text)
    right.with_name("captions.srt").write_text(SRT)
    wrong = [check for check in examine(right, Expected(captions=True)) if not check.ok]
    assert [check.check for check in wrong] == ["captions"]
    assert fault in wrong[0].sentence


def test_the_command_says_what_is_wrong_by_its_exit_status(right, tmp_path):
    fine = run(right, "--seconds", 1, "--format", "vertical")
    assert fine.returncode == 0
    assert "ok       loudness: silence" in fine.stdout
    wrong = run(right, tmp_path / "nothing.mp4", "--seconds", 9, "--json")
    assert wrong.returncode == 1
    first, second = map(json.loads, wrong.stdout.splitlines())
    assert [check["check"] for check in first["checks"] if not check["ok"]] == ["duration"] * 3
    assert (first["ok"], second["ok"]) == (False, False)
    assert not wrong.stderr


@given(st.floats(min_value=0.1, max_value=1e3), st.floats(min_value=1e-6, max_value=1.0))
def test_a_value_above_its_limit_is_shown_above_it(limit: float, excess: float):
    assert float(beyond(limit + excess, limit, 2)) > limit


def test_a_value_is_shown_with_no_more_decimals_than_needed():
    assert [beyond(value, 25, 2) for value in (24.999, 25.0, 25.004, 25.3)] == ["25.00", "25.00", "25.004", "25.30"]
