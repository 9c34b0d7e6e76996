"""The tasks that one stage gives the next: they refer to media and never contain any."""

from clipmill.contracts.events import Queued
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from msgspec import Struct


class TaskBase(Struct, frozen=True, kw_only=True, tag_field="task"):
    """The fields of every task.

    Attributes:
        job: Id of the job.
        options: Options of the job.
        priority: Priority of the task; each priority has its own consumer.
        generation: Generation of the job. An operator's retry raises it, which gives the task a new message id; the
            server would drop a known id as a duplicate.
    """

    job: JobId
    options: JobOptions = JobOptions()
    priority: Priority = Priority.NORMAL
    generation: int = 0

    @property
    def stage(self) -> Stage:
        """Return the stage that does this task."""
        return Stage(str(self.__struct_config__.tag))

    @property
    def clip(self) -> int | None:
        """Return the number of the clip, None for a task of the whole job."""
        return None

    @property
    def message_id(self) -> str:
        """Return the `Nats-Msg-Id`: a task that is published twice has the same id both times."""
        parts = ["task", self.job, self.stage, *([] if self.clip is None else [str(self.clip)]), str(self.generation)]
        return ".".join(parts)


class DownloadTask(TaskBase, frozen=True, kw_only=True, tag="download"):
    """Bring the source into the store, from `url` or, if that is None, from the artifact `upload`.

    Attributes:
        url: Http or https URL, or None for an upload.
        file_name: Name of the uploaded file as sent, None for a URL.
    """

    url: str | None = None
    file_name: str | None = None


class TranscribeTask(TaskBase, frozen=True, kw_only=True, tag="transcribe"):
    """Turn the source's speech into `transcript.json`."""


class ScenesTask(TaskBase, frozen=True, kw_only=True, tag="scenes"):
    """Find the source's shots and store them in `scenes.json`."""


class AnalyzeTask(TaskBase, frozen=True, kw_only=True, tag="analyze"):
    """Pick the moments worth a clip and store them in `plan.json`."""


class RenderTask(TaskBase, frozen=True, kw_only=True, tag="render"):
    """Render the plan's clip `number`."""

    number: int

    @property
    def clip(self) -> int | None:
        """Return the number of the clip."""
        return self.number


Task = DownloadTask | TranscribeTask | ScenesTask | AnalyzeTask | RenderTask


def first_task(queued: Queued, generation: int = 0) -> DownloadTask:
    """Return the task that a job begins with. In a later generation, stages that are finished skip their work."""
    return DownloadTask(
        job=queued.job,
        options=queued.options,
        priority=queued.priority,
        generation=generation,
        url=None if queued.upload else queued.source,
        file_name=queued.source if queued.upload else None,
    )
