"""A plan with a reserve, for tests of the reserve."""

from clipmill.contracts.documents import Plan, PlannedClip, ScorePart, ShotFacts
from clipmill.contracts.events import ClipFailed
from clipmill.contracts.failures import ErrorCode

PLANNED, RESERVED, GOOD = 2, 3, 3
SHOTS = (ShotFacts(start=0.0, end=9.5, layout="track", reason="one person in 40 of 40 frames"),)


def planned_clip(number):
    parts = (ScorePart(name="audience", points=60), ScorePart(name="cut", points=-number))
    return PlannedClip(
        number=number,
        start=number * 30.0,
        end=number * 30.0 + 20,
        title=f"Title {number}",
        tiktok="",
        instagram="",
        youtube="",
        score=60 - number,
        reason=f"Reason {number}.",
        quote=f"Quote {number}.",
        parts=parts,
    )


def plan_of(planned=PLANNED, reserved=RESERVED):
    clips = tuple(planned_clip(number) for number in range(1, planned + reserved + 1))
    return Plan(clips=clips[:planned], reserve=clips[planned:], picker="local", good=GOOD)


def clip_failed(job, number, generation):
    return ClipFailed(
        job=job, clip=number, generation=generation, code=ErrorCode.OUT_OF_MEMORY, sentence="No memory was left."
    )


async def numbered(tasks, job):
    """Return number and generation of each task of a job, in order of the numbers."""
    return sorted((task.number, task.generation) for task in await tasks(job))
