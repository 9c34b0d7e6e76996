"""The stages of the work, in one table: a row holds what the services must agree on about a stage.

Subjects, streams, consumers, artifact keys, the order of the work and the shares of progress all follow from the rows.
A new stage is a row, a task in `clipmill.contracts.tasks`, and a service that does it.
"""

from enum import StrEnum
from typing import Self

from clipmill.contracts.documents import ClipFacts, MediaFacts, Plan, Scenes, Transcript
from msgspec import Struct


class StageRow(Struct, frozen=True, kw_only=True):
    """The facts about a stage.

    Attributes:
        service: Name of the service that does the stage's tasks.
        document: Name of the document that the stage writes last. It is stored in the job's folder, or in the clip's
            folder if `per_clip`.
        kind: Type of the document.
        leaves: Names of the other artifacts that the stage stores in the job's folder; a name that ends with a slash
            stands for everything below it.
        builds_on: Names of the stages whose documents this one reads; empty for the first stage.
        share: Approximate share of a job's time, in percent, measured on a talk of 150 s.
        per_clip: True if each clip has its own task and document.
    """

    service: str
    document: str
    kind: type[Struct]
    leaves: tuple[str, ...] = ()
    builds_on: tuple[str, ...] = ()
    share: int
    per_clip: bool = False


class Stage(StrEnum):
    """A step of the work on a job. Subjects, consumers, metrics and logs contain its value.

    The members are in the order of the work: a stage comes after the stages that it builds upon.

    Attributes:
        row: Facts about the stage.
    """

    row: StageRow

    def __new__(cls, name: str, row: StageRow | None = None) -> Self:
        """Make the member whose value is `name`.

        Every member has a row. The default is for type checkers, which mistake the look-up `Stage(name)` for this call.
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
            leaves=("analyze/",),  # the answers of a model to attempts that did not finish
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
        """Return the stages whose documents this one reads."""
        return tuple(Stage(name) for name in self.row.builds_on)

    @property
    def and_later(self) -> tuple["Stage", ...]:
        """Return this stage and those that build upon its artifacts, in the order of the work."""
        found = [self]
        for stage in Stage:
            if any(earlier in found for earlier in stage.builds_on):
                found.append(stage)
        return tuple(found)


SERVICES = tuple(dict.fromkeys(stage.row.service for stage in Stage))
"""The services that do the work, in the order of the work. The gateway is not one of them."""
