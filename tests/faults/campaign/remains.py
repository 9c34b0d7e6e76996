"""The remains of a campaign: documents, events, tasks, files and processes, read without the API."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.subjects import events_of_job
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.connection import retry_until
from clipmill.messaging.topology import EVENTS, INTAKE, JOBS, TASKS, BucketConfig
from nats.aio.client import Client

from campaign.fleet import Fleet


@dataclass(frozen=True)
class Remains:
    """All remains at one moment.

    Attributes:
        documents: Documents of all jobs, by id.
        tasks: Number of messages by task stream.
        unsettled: Number of deliveries that nobody has settled yet, by stream.
        folders: Folders of jobs in the store.
        strays: Processes that outlived their task or the service that started them.
        scratch: Temporary files and directories of the services.
    """

    documents: dict[str, JobDocument]
    tasks: dict[str, int]
    unsettled: dict[str, int]
    folders: frozenset[str]
    strays: tuple[str, ...]
    scratch: tuple[str, ...]

    def unrest(self) -> list[str]:
        """Return everything that must still happen; it is empty when the campaign is over."""
        lacking = [
            f"{job} is {document.state}" for job, document in self.documents.items() if not document.state.terminal
        ]
        lacking += [
            f"{job} lacks the wanted clips {sorted(document.wanted)}"
            for job, document in self.documents.items()
            if document.wanted
        ]
        lacking += [f"{count} tasks in {stream}" for stream, count in self.tasks.items() if count]
        lacking += [
            f"{count} deliveries of {stream} are unsettled" for stream, count in self.unsettled.items() if count
        ]
        lacking += [
            f"{job} has artifacts and no right to them" for job in sorted(self.folders) if not self._entitled(job)
        ]
        lacking += [f"still runs: {command}" for command in self.strays]
        lacking += [f"still there: {path}" for path in self.scratch]
        return lacking

    def _entitled(self, job: str) -> bool:
        """Return whether a job may have artifacts: it is known and was not cancelled."""
        document = self.documents.get(job)
        return document is not None and not document.cancelled


async def look(nc: Client, store: Path, fleet: Fleet) -> Remains:
    """Return the present remains."""
    js = nc.jetstream(timeout=5)
    tasks, unsettled = {}, {}
    for stream in (INTAKE, TASKS):
        tasks[stream] = (await retry_until(partial(js.stream_info, stream))).state.messages
        consumers = await retry_until(partial(js.consumers_info, stream))
        unsettled[stream] = sum(consumer.num_ack_pending or 0 for consumer in consumers)
    return Remains(
        documents=await documents(nc),
        tasks=tasks,
        unsettled=unsettled,
        folders=frozenset(folder.name for folder in (store / "jobs").glob("*")),
        strays=tuple(fleet.strays()),
        scratch=tuple(str(path) for path in fleet.scratch.iterdir()),
    )


async def documents(nc: Client) -> dict[str, JobDocument]:
    """Return the document of every job."""
    return {job: msgspec.json.decode(value, type=JobDocument) for job, value in (await values(nc)).items()}


async def values(nc: Client) -> dict[str, bytes]:
    """Return the document of every job as it is stored."""
    return await entries(nc, JOBS)


async def entries(nc: Client, config: BucketConfig) -> dict[str, bytes]:
    """Return every value of a bucket by its key.

    `KeyValue.keys()` of nats-py is not reliable: its watcher reports an empty bucket when the answer about its consumer
    arrives before the keys.
    """
    reader = (await Bucket.open(nc, config, bytes)).reader()
    found: dict[str, bytes] = {}
    while True:
        await reader.refresh()
        changes = [change async for change in reader.changes()]
        if not changes:
            return found
        for change in changes:
            if change.entry.data is None:
                found.pop(change.key, None)
            else:
                found[change.key] = change.entry.data


async def events(nc: Client, job: str) -> int:
    """Return the number of stored events of `job`."""
    js = nc.jetstream(timeout=5)
    info = await retry_until(lambda: js.stream_info(EVENTS, subjects_filter=events_of_job(JobId(job))))
    return sum((info.state.subjects or {}).values())
