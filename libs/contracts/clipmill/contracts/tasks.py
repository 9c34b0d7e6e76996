"""What one stage asks of the next: references only, never media."""

from clipmill.contracts.events import Queued
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from msgspec import Struct


class TaskBase(Struct, frozen=True, kw_only=True, tag_field="task"):
    """What every task carries.

    Attributes:
        job: whose work it is.
        options: what the job's submitter asked for.
        priority: which consumer delivers it.
        generation: raised when a task is published again on purpose (a retry of a dead letter), so that its message
            id is a new one and the server does not drop it as a duplicate.
    """

    job: JobId
    options: JobOptions = JobOptions()
    priority: Priority = Priority.NORMAL
    generation: int = 0

    @property
    def stage(self) -> Stage:
        """The stage that does this task."""
        return Stage(str(self.__struct_config__.tag))

    @property
    def clip(self) -> int | None:
        """The clip it is about, None for a task of the whole job."""
        return None

    @property
    def message_id(self) -> str:
        """The `Nats-Msg-Id` of this task: the same task always has the same one."""
        parts = ["task", self.job, self.stage, *([] if self.clip is None else [str(self.clip)]), str(self.generation)]
        return ".".join(parts)


class DownloadTask(TaskBase, frozen=True, kw_only=True, tag="download"):
    """Bring the source into the store, from `url` or, where that is None, from the artifact `upload`.

    Attributes:
        url: an http or https URL, or None for an upload.
        file_name: what the uploader called the file, as sent; None for a URL.
    """

    url: str | None = None
    file_name: str | None = None


class TranscribeTask(TaskBase, frozen=True, kw_only=True, tag="transcribe"):
    """Turn the source's speech into `transcript.json`."""


class ScenesTask(TaskBase, frozen=True, kw_only=True, tag="scenes"):
    """Find the source's shots: `scenes.json`."""


class AnalyzeTask(TaskBase, frozen=True, kw_only=True, tag="analyze"):
    """Pick the moments worth a clip: `plan.json`."""


class RenderTask(TaskBase, frozen=True, kw_only=True, tag="render"):
    """Render the plan's clip `number`."""

    number: int

    @property
    def clip(self) -> int | None:
        """The clip it is about."""
        return self.number


Task = DownloadTask | TranscribeTask | ScenesTask | AnalyzeTask | RenderTask


def first_task(queued: Queued, generation: int = 0) -> DownloadTask:
    """Return the task that a job begins with; in a later generation, finished stages skip themselves."""
    return DownloadTask(
        job=queued.job,
        options=queued.options,
        priority=queued.priority,
        generation=generation,
        url=None if queued.upload else queued.source,
        file_name=queued.source if queued.upload else None,
    )
