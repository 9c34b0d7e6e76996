"""The stages of the work, in one table: whatever differs from stage to stage and is not a service's own is a row here.

Subjects, streams, consumers, artifact keys, the order of the work and the shares of progress all follow from the rows.
A new stage is a row, a task in `clipmill.contracts.tasks`, and a service that does it.
"""

from enum import StrEnum
from typing import Self

from clipmill.contracts.documents import ClipFacts, MediaFacts, Plan, Scenes, Transcript
from msgspec import Struct


class StageRow(Struct, frozen=True, kw_only=True):
    """What is known of a stage.

    Attributes:
        service: the service that does its tasks.
        document: name of the document that says that the stage is done, in the job's folder of the store, or in the
            clip's where the stage is done clip by clip.
        kind: type of that document.
        leaves: names of what else it leaves in the job's folder; a slash at the end stands for all below.
        builds_on: the stages whose documents it reads; empty for the stage that a job begins with.
        share: about how much of a job's time it takes, percent, measured on a talk of 150 s.
        per_clip: whether each clip has a task and a document of its own.
    """

    service: str
    document: str
    kind: type[Struct]
    leaves: tuple[str, ...] = ()
    builds_on: tuple[str, ...] = ()
    share: int
    per_clip: bool = False


class Stage(StrEnum):
    """A step of the work that a job goes through; the value stands in subjects, consumers, metrics and logs.

    In the order of the work: a stage comes after those that it builds upon.

    Attributes:
        row: what is known of it.
    """

    row: StageRow

    def __new__(cls, name: str, row: StageRow | None = None) -> Self:
        """Make the member whose value is `name`.

        Every member has a row: the default is for type checkers, which take the look-up `Stage(name)` for this call.
        """
        stage = str.__new__(cls, name)
        stage._value_ = name
        if row is not None:
            stage.row = row
        return stage

    DOWNLOAD = (
        "download",
        StageRow(service="downloader", document="media.json", kind=MediaFacts, leaves=("source",), share=10),
    )
    TRANSCRIBE = (
        "transcribe",
        StageRow(service="transcriber", document="transcript.json", kind=Transcript, builds_on=("download",), share=25),
    )
    SCENES = (
        "scenes",
        StageRow(service="analyzer", document="scenes.json", kind=Scenes, builds_on=("download",), share=10),
    )
    ANALYZE = (
        "analyze",
        StageRow(
            service="analyzer",
            document="plan.json",
            kind=Plan,
            leaves=("analyze/",),  # what a model answered to tries that did not finish
            builds_on=("transcribe", "scenes"),
            share=5,
        ),
    )
    RENDER = (
        "render",
        StageRow(
            service="renderer",
            document="clip.json",
            kind=ClipFacts,
            builds_on=("analyze",),
            share=50,
            per_clip=True,
        ),
    )

    @property
    def builds_on(self) -> tuple["Stage", ...]:
        """The stages whose documents this one reads."""
        return tuple(Stage(name) for name in self.row.builds_on)

    @property
    def and_later(self) -> tuple["Stage", ...]:
        """This stage and those that build upon what it made, in the order of the work."""
        found = [self]
        for stage in Stage:
            if any(earlier in found for earlier in stage.builds_on):
                found.append(stage)
        return tuple(found)


SERVICES = tuple(dict.fromkeys(stage.row.service for stage in Stage))
"""The services that do the work, in its order; the gateway is the one beside them."""
