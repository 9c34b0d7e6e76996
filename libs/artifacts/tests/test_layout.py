"""The artifacts that are deleted when a stage, and all stages that build upon it, are done again."""

from clipmill.artifacts import layout
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.stages import Stage

JOB = JobId("550e8400-e29b-41d4-a716-446655440000")


def test_a_stage_takes_what_builds_upon_it_along_the_last_first():
    assert layout.made_from(Stage.RENDER, JOB)[-1] == f"jobs/{JOB}/clips/"
    again = layout.made_from(Stage.SCENES, JOB)
    assert again[-3:] == (layout.plan(JOB), f"jobs/{JOB}/analyze/", layout.scenes(JOB))
    assert f"jobs/{JOB}/clips/" in again
    assert layout.transcript(JOB) not in again


def test_what_a_submitter_sent_is_never_among_it_since_nobody_can_make_it_again():
    everything = layout.made_from(Stage.DOWNLOAD, JOB)
    assert not {layout.upload(JOB), layout.given_transcript(JOB)} & set(everything)
    assert layout.given_transcript(JOB).startswith(f"{layout.job_prefix(JOB)}/")
    assert {layout.media(JOB), layout.source(JOB), layout.transcript(JOB), layout.scenes(JOB)} < set(everything)


def test_what_says_that_a_clip_is_done_goes_before_the_clip():
    assert layout.made_for_clip(JOB, 2) == (layout.clip_facts(JOB, 2), f"jobs/{JOB}/clips/2/")
