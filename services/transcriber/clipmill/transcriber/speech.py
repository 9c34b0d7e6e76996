"""The model process: a long-lived child of the service that keeps the model loaded between calls of `transcribe`."""

import gc
import math
import os
from collections.abc import Callable
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clipmill.artifacts.store import open_store
from clipmill.contracts.documents import Transcript
from clipmill.contracts.source_range import SourceRange
from clipmill.transcriber.hearing.audio import read_sound
from clipmill.transcriber.models.allocation import return_freed_memory, share_pools
from clipmill.transcriber.models.hub import restrain_libraries
from clipmill.transcriber.speech_request import AlignmentChoice, EngineRequest, SpeechRequest, SpeechResult
from msgspec.structs import replace

if TYPE_CHECKING:
    from clipmill.transcriber.recognising.engine import Engine
    from clipmill.transcriber.recognising.given import GivenSpeech

CONTEXT_BEFORE_SECONDS = 5.0
"""Sound that is heard before a part of a source, so that the recogniser's window begins in a pause: sentences last
three to six seconds. From half a word on, Whisper tiny.en was seen to miss 22 seconds of speech."""

CONTEXT_AFTER_SECONDS = 5.0
"""Sound that is heard after a part of a source, so that the recogniser hears how a sentence at the edge goes on. With
one second, Whisper tiny.en was seen to put a full stop at the edge in every fourth part that ended in mid-sentence."""


def transcribe(request: SpeechRequest, report: Callable[[float], None]) -> SpeechResult:
    """Return the transcript of a source, or of a part of it, whose sound is read block by block.

    Args:
        request: Source and model; the first call loads the model.
        report: Callback for the percentage done.

    Raises:
        Permanent: with `unreadable_media`, `missing_artifact` or `model_unavailable`.
        Transient: with `unavailable`, `model_unavailable` or `out_of_memory`.
    """
    share_pools()
    try:
        return _transcribe(request, report)
    finally:
        return_freed_memory()


def _transcribe(request: SpeechRequest, report: Callable[[float], None]) -> SpeechResult:
    """Return the transcript of a source; see `transcribe`."""
    if request.warm_up:
        return SpeechResult(transcript=_NOTHING, model_reason=_engine(request.engine).reason)
    if request.given is not None:
        return _place(request, request.given, report)
    part = None
    begin, stop = request.start, request.end
    if (request.start, request.end) != (0.0, None):
        part = SourceRange(request.start, math.inf if request.end is None else request.end)
        begin = round(max(request.start - CONTEXT_BEFORE_SECONDS, 0.0), 3)
        stop = None if request.end is None else request.end + CONTEXT_AFTER_SECONDS
    with open_store(request.store_url).open_media(request.key) as file:
        blocks = read_sound(file, request.audio_index, request.duration or None, start=begin, end=stop)
        first = next(blocks, None)
        if first is None:  # no sound, so no model is loaded
            return SpeechResult(transcript=_NOTHING)
        report(0)
        loaded = _engine(request.engine)
        spoken = loaded.engine.transcribe(
            chain([first], blocks),
            request.language,
            max((stop or request.duration) - begin, 0.0),
            lambda share: report(100 * share),
            start=begin,
            part=part,
            vocabulary=request.vocabulary,
        )
    report(100)
    return replace(spoken, model_reason=" ".join(each for each in (loaded.reason, spoken.model_reason) if each))


def _place(request: SpeechRequest, given: Transcript, report: Callable[[float], None]) -> SpeechResult:
    """Return the given transcript with times for all words, and the measures of the sound; no Whisper is loaded."""
    part = None
    if (request.start, request.end) != (0.0, None):
        part = SourceRange(request.start, math.inf if request.end is None else request.end)
    with open_store(request.store_url).open_media(request.key) as file:
        report(0)
        placed = _given_speech(replace(request.engine, model="")).transcribe(
            read_sound(file, request.audio_index, request.duration or None, start=request.start, end=request.end),
            given,
            request.language,
            request.duration,
            lambda share: report(100 * share),
            start=request.start,
            part=part,
        )
    report(100)
    return placed


_NOTHING = Transcript(language="", duration=0.0)


@cache
def _given_speech(request: EngineRequest) -> "GivenSpeech":
    """Return the placing of given transcripts, whose models are loaded once in a process."""
    if request.gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = request.gpu
    restrain_libraries(os.environ, offline=request.alignment is not AlignmentChoice.HUB and not request.diarize)
    from clipmill.transcriber.recognising.given import GivenSpeech  # noqa: PLC0415  # as in `_engine`

    return GivenSpeech(request)


class _Loaded(NamedTuple):
    """The engine in memory, its options, and the reason for its model."""

    request: EngineRequest
    engine: "Engine"
    reason: str


_in_memory: list[_Loaded] = []
"""The one engine of this process, or none: another takes its place, so that their memory does not add up."""


def _engine(request: EngineRequest) -> _Loaded:
    """Return the engine, loaded unless the call before had the same options.

    The model libraries are imported only here, because the environment variables at their import decide whether they
    use the network. WhisperX and PyTorch are not among them: only alignment and diarization import those.
    """
    if _in_memory and _in_memory[0].request == request:
        return _in_memory[0]
    if request.gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = request.gpu
    restrain_libraries(os.environ, offline=not (request.alignment is AlignmentChoice.HUB or request.diarize))
    from clipmill.transcriber.models.choice import choose_model  # noqa: PLC0415  # see above
    from clipmill.transcriber.models.usable import placement_for  # noqa: PLC0415  # see above
    from clipmill.transcriber.recognising.engine import Engine  # noqa: PLC0415  # see above

    on_gpu = placement_for(request).device == "cuda"
    choice = choose_model(request.model, Path(request.models_dir), on_gpu=on_gpu)
    _in_memory.clear()
    gc.collect()
    _in_memory.append(_Loaded(request, Engine(choice.weights, request), choice.reason))
    return _in_memory[0]
