"""The display of a job and of the services' logs."""

import io
from pathlib import Path

import pytest
from clipmill.cli.client.following import Snapshot
from clipmill.cli.local.service_logs import LogFiles, LogLines, parse_line
from clipmill.cli.screen.clip_table import clock
from clipmill.cli.screen.display import LiveDisplay, PlainDisplay, choose_display
from clipmill.contracts.api import JobView, StageView
from clipmill.contracts.status import JobState, PublicStatus
from rich.console import Console


def snapshot(*logs: str, state: JobState = JobState.PROCESSING, view: JobView | None = None) -> Snapshot:
    return Snapshot(status=PublicStatus(status=state, logs=logs), view=view)


def view(stage: str, percent: int) -> JobView:
    stages = {stage: StageView(state="running", percent=percent)}
    return JobView(job_id="j", status="processing", stage=stage, percent=percent, stages=stages)


def test_plain_lines_come_once_each_and_without_control_characters():
    out = io.StringIO()
    with PlainDisplay(out) as display:
        display.show(snapshot("one"))
        display.show(snapshot("one", "two\x1b[31m"))
        display.saved(Path("clips/a.mp4"))
    assert out.getvalue() == "one\ntwo [31m\nSaved clips/a.mp4\n"


def test_plain_percent_comes_in_steps_of_ten_and_when_the_stage_changes():
    out = io.StringIO()
    with PlainDisplay(out, percent=True) as display:
        for stage, percent in (("download", 1), ("download", 9), ("transcribe", 9), ("transcribe", 35)):
            display.show(snapshot(view=view(stage, percent)))
    assert out.getvalue().splitlines() == ["[  1 %] download", "[  9 %] transcribe", "[ 35 %] transcribe"]


def test_a_terminal_gets_a_bar_for_the_job_and_for_each_stage_at_work():
    out = io.StringIO()
    stages = {"download": StageView(state="finished", percent=100), "render": StageView(state="running", percent=50)}
    rich_view = JobView(
        job_id="j",
        status="processing",
        stage="render",
        percent=75,
        clips_planned=3,
        clips_ready=1,
        stages={**stages, "scenes": StageView(state="waiting")},
    )
    with LiveDisplay(Console(file=out, force_terminal=True, width=100)) as display:
        display.uploading(5, 10)
        display.show(snapshot("Clip 1 of 3 ready: [bold]Not markup[/]", view=rich_view))
    shown = out.getvalue()
    assert "Clip 1 of 3 ready: [bold]Not markup[/]" in shown
    assert all(word in shown for word in ("download", "render", "1/3 clips", "whole job", " 75 %"))
    assert "scenes" not in shown


def test_a_server_without_the_rich_view_still_gets_a_bar():
    out = io.StringIO()
    with LiveDisplay(Console(file=out, force_terminal=True, width=100)) as display:
        display.show(snapshot("Job started by worker."))
    assert "Job started by worker." in out.getvalue()
    assert "processing" in out.getvalue()


def test_anything_but_a_terminal_gets_plain_lines():
    assert isinstance(choose_display(io.StringIO()), PlainDisplay)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (62.54, "1:02.5"), (59.97, "1:00.0"), (3602.5, "1:00:02.5")]
)
def test_positions_are_written_as_on_a_clock(seconds, text):
    assert clock(seconds) == text


def test_log_lines_of_any_writer_are_parsed():
    ours = parse_line('{"message":"task_failed","level":"warning","service":"renderer","time":"t","job":"j1"}')
    assert (ours.text, ours.level) == ("task_failed job=j1", "warning")
    assert parse_line("[1] 2026/01/01 [WRN] Slow disk").level == "warning"
    assert parse_line("{not json").text == "{not json"


def test_a_terminal_shows_warnings_alone_unless_all_is_wanted():
    quiet, verbose = io.StringIO(), io.StringIO()
    for out, wanted in ((quiet, False), (verbose, True)):
        lines = LogLines(out, verbose=wanted)
        lines.show("renderer", '{"message":"listening","level":"info"}')
        lines.show("nats", "[1] [ERR] No space")
    assert [line.strip() for line in quiet.getvalue().splitlines()] == ["nats │ [1] [ERR] No space"]
    assert len(verbose.getvalue().splitlines()) == 2


def test_log_files_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("clipmill.cli.local.service_logs.FILE_BYTES", 1000)
    files = LogFiles(tmp_path)
    for number in range(200):
        files.write("renderer", f"line {number:03d} of fifty characters or so, more or less")
    files.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["renderer.log", "renderer.log.1", "renderer.log.2"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3000
    assert (tmp_path / "renderer.log").read_text().splitlines()[-1].startswith("line 199")
