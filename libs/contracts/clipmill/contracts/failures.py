"""The two kinds of failure, and the stable codes that clients and operators may rely on."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """The reason of a failure, for machines. A code never changes its meaning; new codes may be added."""

    # requests
    ALREADY_ENDED = "already_ended"
    BAD_IDENTIFIER = "bad_identifier"
    BAD_OPTION = "bad_option"
    BAD_RANGE = "bad_range"
    BAD_REQUEST = "bad_request"
    BAD_TRANSCRIPT = "bad_transcript"
    BAD_URL = "bad_url"
    CLIP_GIVEN_UP = "clip_given_up"
    CROSS_SITE = "cross_site"
    FOREIGN_HOST = "foreign_host"
    KEY_REUSED = "key_reused"
    NOT_COMPLETED = "not_completed"
    NOT_ENDED = "not_ended"
    NOT_FOUND = "not_found"
    NOT_YET_SUPPORTED = "not_yet_supported"
    RESERVE_EMPTY = "reserve_empty"
    SECRETS_NOT_CONFIGURED = "secrets_not_configured"
    TOO_LARGE = "too_large"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    TOO_SLOW = "too_slow"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    # source
    BLOCKED_ADDRESS = "blocked_address"
    DOWNLOAD_FAILED = "download_failed"
    NO_VIDEO = "no_video"
    SOURCE_UNAVAILABLE = "source_unavailable"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    UNREADABLE_MEDIA = "unreadable_media"
    UNSUPPORTED_URL = "unsupported_url"
    # work
    INTERNAL = "internal"
    LOST_TASK = "lost_task"
    MISSING_ARTIFACT = "missing_artifact"
    MODEL_UNAVAILABLE = "model_unavailable"
    NO_CLIP_RENDERED = "no_clip_rendered"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_SPACE = "out_of_space"
    PROVIDER_FAILED = "provider_failed"
    TIMED_OUT = "timed_out"
    WORKER_CRASHED = "worker_crashed"
    CANCELLED = "cancelled"


class Failure(Exception):
    """Work that could not be done, with a code for machines and a sentence for a person.

    Attributes:
        code: Reason for machines.
        sentence: One or two plain sentences without secrets: the failure, and the way out of it.
    """

    def __init__(self, code: ErrorCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Permanent(Failure):
    """A failure that every further try would meet again."""


class Transient(Failure):
    """A failure that may pass, such as an outage, a quota, a dead worker or a full memory; another try may work.

    Attributes:
        retry_after: Pause that the other side asked for, in seconds; None if it did not ask for one.
    """

    def __init__(self, code: ErrorCode, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(code, sentence)
        self.retry_after = retry_after
