"""Forms: the fields of a submission, counted and limited while they arrive, so no request grows without bound."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import BadHttpMessage
from clipmill.contracts.failures import ErrorCode, Permanent

FIELDS_LIMIT = 64
"""The most fields of a request: three times as many as there are options and sources."""

FIELD_BYTES = 64 * 1024
"""The most bytes of one field of multipart/form-data, except files: three times what the longest option needs."""

TEXT_BYTES = 256 * 1024
"""The most bytes of all fields together, names and values, except files. The longest options need 18 KB: a vocabulary
of 50 terms of 60 characters of four bytes, two subjects and an address. As much takes 0.08 s to check."""

NAME_LETTERS = 60
"""The most characters of the name of an unknown field that a sentence or a job keeps: all options have shorter ones."""

VOCABULARY = "vocabulary"
"""Name of the option that may come in several fields, whose terms are joined."""


@dataclass
class Form:
    """The content of a request, not yet checked.

    Attributes:
        values: Options and URL as sent, without vocabularies from a form.
        vocabularies: Texts of the vocabularies in a form, in their order.
        file_name: Name of the uploaded file, None if there is none.
        upload_bytes: Size of the stored upload, in bytes.
        transcript: True if a transcript was given and stored.
        count: Number of fields so far.
        text_bytes: Size of the names and values of all fields but files, in bytes.
    """

    values: dict[str, object] = field(default_factory=dict)
    vocabularies: list[str] = field(default_factory=list)
    file_name: str | None = None
    upload_bytes: int = 0
    transcript: bool = False
    count: int = 0
    text_bytes: int = 0

    @property
    def fields(self) -> dict[str, object]:
        """Options and URL as sent; the vocabularies are one."""
        return self.values | {VOCABULARY: "\n".join(self.vocabularies)} if self.vocabularies else self.values

    def begin_field(self, count: int = 1) -> None:
        """Count fields before they are read.

        Raises:
            Permanent: `bad_request`, there are more than `FIELDS_LIMIT`.
        """
        self.count += count
        if self.count > FIELDS_LIMIT:
            sentence = f"The request has more than {FIELDS_LIMIT} fields; send each option once."
            raise Permanent(ErrorCode.BAD_REQUEST, sentence)

    def put(self, name: str, value: str) -> None:
        """Keep a field of a form; of fields with the same name the last counts, but vocabularies are joined."""
        if name == VOCABULARY:
            self.vocabularies.append(value)
        else:
            self.values[name] = value

    async def put_part(self, part: BodyPartReader) -> None:
        """Read a field of multipart/form-data and keep it if it has a name.

        Raises:
            Permanent: `too_large`, the fields have more than `TEXT_BYTES`, or `bad_option`, this one alone has more
                than `FIELD_BYTES` or is not UTF-8.
        """
        name = part.name or ""
        shown = name[:NAME_LETTERS]
        self._add_bytes(len(name.encode()))
        data = bytearray()
        while chunk := await part.read_chunk(FIELD_BYTES):
            self._add_bytes(len(chunk))
            data += chunk
            if len(data) > FIELD_BYTES:
                sentence = f"The field {shown} is longer than {FIELD_BYTES} bytes; shorten it."
                raise Permanent(ErrorCode.BAD_OPTION, sentence)
        try:
            value = data.decode()
        except UnicodeDecodeError:
            raise Permanent(ErrorCode.BAD_OPTION, f"The field {shown} is not UTF-8; encode it as UTF-8.") from None
        if name:
            self.put(name, value)

    def _add_bytes(self, count: int) -> None:
        self.text_bytes += count
        if self.text_bytes > TEXT_BYTES:
            sentence = (
                f"The fields of the form are larger than the {TEXT_BYTES} bytes allowed for all together; shorten them."
            )
            raise Permanent(ErrorCode.TOO_LARGE, sentence)


async def read_json(request: web.Request) -> Form:
    """Return the form in a JSON object, whose size the application limits.

    Raises:
        Permanent: `bad_request`.
    """
    try:
        form = Form(values=msgspec.json.decode(await request.read(), type=dict[str, object]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        sentence = 'The body must be a JSON object such as {"url": "https://…"}.'
        raise Permanent(ErrorCode.BAD_REQUEST, sentence) from None
    form.begin_field(len(form.values))
    return form


async def read_urlencoded(request: web.Request) -> Form:
    """Return the form in application/x-www-form-urlencoded, whose size the application limits.

    Raises:
        Permanent: `bad_request`.
    """
    form = Form()
    form.begin_field((await request.read()).count(b"&") + 1)  # counted first, because parsing takes longer
    try:
        sent = await request.post()
    except (LookupError, UnicodeDecodeError) as reason:
        sentence = f"The form cannot be read ({reason}); encode it as UTF-8."
        raise Permanent(ErrorCode.BAD_REQUEST, sentence) from reason
    for name, value in sent.items():
        form.put(name, str(value))
    return form


async def parts_of(request: web.Request) -> AsyncIterator[BodyPartReader]:
    """Yield the parts of multipart/form-data.

    Raises:
        Permanent: `bad_request`, a part is itself multipart, or what is around the parts cannot be read.
    """
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise Permanent(ErrorCode.BAD_REQUEST, "A part of the form is itself multipart; send plain fields.")
            yield part
    except BadHttpMessage as reason:
        raise unreadable(reason.message) from reason
    except RuntimeError as reason:  # a `_charset_` that is too long
        raise unreadable(reason) from reason


def unreadable(reason: object) -> Permanent:
    """Return the failure for multipart/form-data that cannot be read."""
    sentence = f"The form cannot be read ({reason}); send it as complete multipart/form-data with its boundary."
    return Permanent(ErrorCode.BAD_REQUEST, sentence)
