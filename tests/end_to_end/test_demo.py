"""`clipmill demo` from its start to its end, with a sample that takes seconds instead of the bundled one."""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
import pytest
from clipmill.cli.commands import demo
from clipmill.cli.outcomes import WorkFailed
from clipmill.contracts import codec
from clipmill.contracts.documents import Transcript

pytestmark = pytest.mark.slow

RATE = 10


def filmed(path: Path, seconds: int) -> Path:
    """Write a video of a moving stripe and a low tone, without speech."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=RATE, width=320, height=180, pix_fmt="yuv420p")
        tone = container.add_stream("aac", rate=48000, layout="mono")
        for number in range(RATE * seconds):
            pixels = np.full((180, 320, 3), 60, np.uint8)
            pixels[:, number % 320 : number % 320 + 20] = 220
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(picture.encode())
        sound = 0.1 * np.sin(2 * np.pi * 110 * np.arange(48000 * seconds) / 48000).astype(np.float32)
        for first in range(0, len(sound) - 1023, 1024):
            samples = av.AudioFrame.from_ndarray(sound[None, first : first + 1024], "fltp", "mono")
            samples.sample_rate, samples.pts = 48000, first
            container.mux(tone.encode(samples))
        container.mux(tone.encode())
    return path


async def skip_transcription(folders):
    """Store an empty transcript as soon as there is a job, so that no speech model is loaded."""
    jobs = folders.data / "store" / "jobs"
    while not (found := list(jobs.glob("*-*-*"))):
        await asyncio.sleep(0.01)
    (found[0] / "transcript.json").write_bytes(codec.encode(Transcript(language="", duration=0.0)))


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Return the folders of a demo, which works in a temporary folder and removes it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return demo.demo_folders(None, tmp_path / "clips", keep=False)


async def test_a_demo_starts_everything_makes_clips_that_play_and_leaves_only_them(
    folders, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(demo, "SAMPLE", filmed(tmp_path / "sample.mp4", 6))
    skipping = asyncio.create_task(skip_transcription(folders))
    await demo.run_demo(folders)
    await skipping
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Starting NATS and the services (gateway, downloader, transcriber, analyzer, renderer)..."
    assert lines[1].startswith("Ready in ")
    assert "Process finished successfully." in lines
    assert lines[-1].startswith("1 clips in ")
    assert {path.name for path in folders.output.iterdir()} >= {"sample_clip_1.mp4", "sample_clip_1.jpg"}
    assert not folders.data.exists()


async def test_a_demo_that_fails_says_where_the_logs_are_and_keeps_them(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "SAMPLE", filmed(tmp_path / "sample.mp4", 2))
    with pytest.raises(WorkFailed) as failed:
        await demo.run_demo(folders)
    sentence, logs = failed.value.message.splitlines()
    assert sentence.startswith("The demo's job failed. The video lasts 2 s; submit one of at least 5 s")
    assert logs == f"The services' logs are in {folders.data / 'logs'}."
    assert (folders.data / "logs" / "downloader.log").stat().st_size > 0


async def test_a_demo_that_is_interrupted_leaves_nothing_behind(tmp_path):
    command = [sys.executable, "-m", "clipmill.cli", "demo", "--output", tmp_path / "clips"]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": "", "TMPDIR": str(tmp_path), "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async for line in process.stdout:
        if line.startswith(b"Ready in "):
            break
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (130, "Stopping...\n")
    assert not list(tmp_path.glob("clipmill-demo-*"))
