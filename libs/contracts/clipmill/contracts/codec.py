"""Messages as JSON: any NATS client can read them, unknown fields are ignored and new fields have defaults."""

from typing import Any, TypeVar

import msgspec
from clipmill.contracts.events import Event
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import PublicStatus
from clipmill.contracts.tasks import Task

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_tasks: msgspec.json.Decoder[Task] = msgspec.json.Decoder(Task)
_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(value: msgspec.Struct) -> bytes:
    """Return `value` as JSON."""
    return _encoder.encode(value)


def decode_task(data: bytes) -> Task:
    """Return the task in `data`.

    Raises:
        msgspec.DecodeError: `data` is not a task; a `ValidationError` is one too.
    """
    return _tasks.decode(data)


def decode_event(data: bytes) -> Event:
    """Return the event in `data`.

    Raises:
        msgspec.DecodeError: `data` is not an event, or one of a kind that this version does not know.
    """
    return _events.decode(data)


def decode_document(data: bytes, kind: type[T]) -> T:
    """Return the document of type `kind` in `data`.

    Raises:
        msgspec.DecodeError: `data` is not such a document.
    """
    return msgspec.json.decode(data, type=kind)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of every task, event, document and the public status, under `$defs`."""
    kinds = (Task, Event, *(stage.row.kind for stage in Stage), PublicStatus)
    schemas, definitions = msgspec.json.schema_components(kinds)
    names = ("Task", "Event")
    unions = dict(zip(names, schemas, strict=False))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {**definitions, **unions}}
