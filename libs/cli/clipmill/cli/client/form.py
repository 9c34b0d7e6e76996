"""The form of a submission that carries files."""

import asyncio
import io
import json
import os

import aiohttp
from clipmill.artifacts import given_transcripts
from clipmill.cli.client.submission import Submission
from clipmill.cli.outcomes import WrongRequest


async def form_of(options: Submission) -> aiohttp.FormData:
    """Return a form with the options and, if they name one, the transcript; the video is to be added last.

    Raises:
        WrongRequest: if the transcript cannot be read, or is so large that no server takes it.
    """
    # Browsers also send a file's name itself, not its percent encoding.
    form = aiohttp.FormData(quote_fields=False)
    for name, value in options.fields().items():
        form.add_field(name, json.dumps(value) if isinstance(value, bool) else str(value))
    path = options.transcript
    if path is not None:
        try:
            if (await asyncio.to_thread(path.stat)).st_size > given_transcripts.BYTES_LIMIT:
                raise WrongRequest(given_transcripts.too_large().sentence)
            data = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            sentence = f"{path} cannot be read ({os.strerror(error.errno or 0)}); check the file of the transcript."
            raise WrongRequest(sentence) from error
        form.add_field("transcript", io.BytesIO(data), filename="transcript", content_type="application/octet-stream")
    return form
