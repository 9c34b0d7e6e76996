"""Reading thousands of entries of a bucket in order by a short-lived consumer, a batch at a time.

The bucket's leader answers one key a request, a few thousand a second. A consumer sends hundreds of them for one
request. It may read from a replica that is behind the leader, and it ends when anything is amiss; so its caller reads
the rest from the leader, and then has all of it.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import NamedTuple

import structlog
from clipmill.messaging.connection import REQUEST_SECONDS, NatsError
from clipmill.messaging.job_streams import consumer_pull_subject, place_of
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

log = structlog.stdlib.get_logger()

BATCH = 500
BATCH_BYTES = 16 * 1024 * 1024
"""Most messages and bytes of a batch. The client drops messages beyond 128 MiB that wait to be read."""

BATCH_SECONDS = 2.0
"""Time in which a batch must arrive whole."""

IDLE_SECONDS = 30.0
"""Time after which the server removes a consumer that nobody uses, because its reader died."""


class BulkMessage(NamedTuple):
    """A message as its stream has it.

    Attributes:
        sequence: Position in the stream.
        message: Message with its subject, headers and payload.
    """

    sequence: int
    message: Msg


async def read_in_bulk(nc: Client, stream: str, position: int) -> AsyncGenerator[list[BulkMessage], None]:
    """Yield the messages of `stream` after `position` in order and without a gap, up to its end or to any trouble."""
    js = nc.jetstream(timeout=REQUEST_SECONDS)
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=position + 1,
        inactive_threshold=IDLE_SECONDS,
        num_replicas=1,
        mem_storage=True,
    )
    try:
        consumer = (await js.add_consumer(stream, config)).name
        answers: asyncio.Queue[Msg] = asyncio.Queue()
        inbox = nc.new_inbox()
        subscription = await nc.subscribe(f"{inbox}.*", cb=answers.put)
    except NatsError as reason:
        log.info("bulk_reading_refused", stream=stream, reason=str(reason) or type(reason).__name__)
        return
    request = json.dumps({"batch": BATCH, "max_bytes": BATCH_BYTES, "no_wait": True}).encode()
    delivered = requests = 0
    try:
        while True:
            requests += 1
            reply = f"{inbox}.{requests}"
            await nc.publish(consumer_pull_subject(stream, consumer), request, reply=reply)
            batch, more = await _batch(answers, reply, delivered)
            delivered += len(batch)
            if batch:
                yield batch
            if not batch or not more:
                return
    except NatsError as reason:
        log.info("bulk_reading_ended", stream=stream, reason=str(reason) or type(reason).__name__)
    finally:
        with contextlib.suppress(NatsError):
            await subscription.unsubscribe()
            await js.delete_consumer(stream, consumer)


async def _batch(answers: "asyncio.Queue[Msg]", reply: str, delivered: int) -> tuple[list[BulkMessage], bool]:
    """Return the next messages after the first `delivered`, and whether it is worth asking for more."""
    batch: list[BulkMessage] = []
    more = True
    try:
        async with asyncio.timeout(BATCH_SECONDS):
            while more and len(batch) < BATCH:
                message = await answers.get()
                if message.subject == reply:  # a status: there is nothing more, or no room for it in this batch
                    break
                if not message.reply:  # the status of an earlier request, which may follow its last message
                    continue
                place = place_of(message.reply)
                if place.consumer != delivered + len(batch) + 1:
                    return batch, False
                batch.append(BulkMessage(place.stream, message))
                more = place.pending > 0
    except TimeoutError:
        return batch, False
    return batch, more
