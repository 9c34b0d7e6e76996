"""Other languages than English: detection, recognition and names, against plain faster-whisper with the same weights.

espeak-ng speaks our texts (languages.toml). Its voices are harder to understand than people, so an error rate says
little alone: it is compared with that of faster-whisper's own sequential decoding of the same sound.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from clipmill.operations import models
from clipmill.operations.processors import processors
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.speech_request import EngineRequest, SpeechRequest
from figures import Figure

from understanding import espeak
from understanding.word_errors import error_rate, units

MODEL = "whisper-base"
BEAM = 5
MOST_WORSE = 0.02
"""Most by which our error rate may be above plain faster-whisper's."""

LEAST_RIGHT = 11
"""Least number of languages, of the twelve, that must be detected."""

VOICES = {
    "de": "de+m1",
    "es": "es+f2",
    "fr": "fr-fr+m3",
    "pt": "pt-br+f1",
    "it": "it+m2",
    "nl": "nl+f2",
    "pl": "pl+m1",
    "ru": "ru+f2",
    "tr": "tr+m3",
    "hi": "hi+f2",
    "zh": "cmn-latn-pinyin+m3",
    "ja": "ja+f2",
    "en": "en-us+m3",
    "en_bread": "en-gb+f2",
    "en_train": "en-us+f1",
    "en_running": "en-gb+m1",
}
"""Voice of espeak-ng for each text."""

NAMES_TEXT, NAMES_VOICE, NAMES_SPEED = "en_names", "en-us", 150
NAMES = ("Kelvorin", "Ysmaretta", "Drovintsky")
"""Made-up names, of which base spells none right without help."""

OTHER_NAMES = tuple(
    """Abernathy Balogun Calderwood Dzhokhar Eszterhazy Fitzgibbon Gonçalves Hrabowski Ibarruri Jagiello Kowalczyk
    Lindqvist Mbappe Nakagawa Oyelaran Papadakis Quisling Rasmussen Szymborska Tchaikovsky Uzoma Vandermeer Wozniacki
    Xanthopoulos Yamaguchi Zubizarreta Kubernetes PostgreSQL Kierkegaard Ljubljana Reykjavik Ouagadougou Tegucigalpa
    Antananarivo Huitzilopochtli Thorvaldsen Brzezinski Csikszentmihalyi Nietzsche Saoirse Siobhan Xochitl Anneliese
    Bartholomew Cadwallader Desdemona Evangeline Featherstone Guinevere Hortensia""".split()
)
"""Fifty names that nobody says in the texts."""

WITHOUT_NAMES = ("en", "en_bread")
"""English texts that are heard with the names of other people as vocabulary."""

ENGLISH = "en"
BEDS = ("de", "fr", "it")
"""Languages that are also measured with noise and with music under the speech."""

BED_DB = -20.0
SHORT_SECONDS = 3.0


class Monologue(msgspec.Struct, frozen=True):
    """A text in one language, measured and held out, and its sounds where espeak-ng cannot read it."""

    spoken: str
    kept: str = ""
    spoken_sounds: str = ""
    kept_sounds: str = ""


class Heard(NamedTuple):
    """The result of recognising a sound: its language and its text."""

    language: str
    text: str


class Rates(NamedTuple):
    """Error rates of the same sound by both recognisers."""

    ours: float
    theirs: float


class Listeners:
    """Our transcriber and plain faster-whisper, with the same weights.

    Args:
        folder: Folder for weights and sounds.
    """

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel

        self._sounds = folder / "sounds"
        self._sounds.mkdir()
        weights = models.fetch(MODEL, folder / "models")
        self._engine = EngineRequest(model=MODEL, models_dir=str(folder / "models"), beam_size=BEAM)
        self._plain = WhisperModel(str(weights), device="cpu", compute_type="int8", cpu_threads=processors())

    def ours(self, samples: Samples, language: str | None = None, vocabulary: Sequence[str] = ()) -> Heard:
        """Return what the transcriber hears."""
        from clipmill.transcriber.speech import transcribe

        path = self._sounds / "sound.wav"
        espeak.write(path, samples)
        request = SpeechRequest(
            engine=self._engine,
            store_url=self._sounds.as_uri(),
            key=path.name,
            duration=len(samples) / RATE,
            language=language,
            vocabulary=tuple(vocabulary),
        )
        transcript = transcribe(request, lambda _percent: None).transcript
        return Heard(transcript.language, " ".join(segment.text for segment in transcript.segments))

    def theirs(self, samples: Samples, language: str | None = None) -> Heard:
        """Return what plain faster-whisper hears."""
        segments, facts = self._plain.transcribe(samples, language=language, beam_size=BEAM)
        return Heard(str(facts.language), "".join(segment.text for segment in segments))

    def their_language(self, samples: Samples) -> str:
        """Return the language that plain faster-whisper detects."""
        _, facts = self._plain.transcribe(samples, beam_size=BEAM)
        return str(facts.language)


def measure(_corpus: Path, folder: Path) -> list[Figure]:
    """Let both recognise each text, the cases in which detection is hard, and speech with made-up names."""
    if espeak.missing():
        return [Figure("speech in other languages", "not measured: espeak-ng is not installed (apt-get install it)")]
    os.environ["HF_HUB_OFFLINE"] = "1"  # before the model libraries are imported: nothing is fetched while we measure
    texts = msgspec.toml.decode((Path(__file__).parent / "languages.toml").read_bytes(), type=dict[str, Monologue])
    spoken = {name: speech(texts, name, folder) for name in VOICES}
    listeners = Listeners(folder)
    rows = [*_accuracy(spoken, texts, listeners)]
    rows += _beds(spoken, texts, listeners)
    rows += _hard_cases(spoken, listeners)
    names = espeak.speak(texts[NAMES_TEXT].spoken.strip().splitlines(), NAMES_VOICE, NAMES_SPEED, folder)
    return [*rows, *_names(names, spoken, texts, listeners)]


def speech(texts: Mapping[str, Monologue], name: str, folder: Path, *, kept: bool = False) -> Samples:
    """Return a text of `texts` as espeak-ng speaks it; the held-out one if `kept`."""
    text = texts[name]
    written = (text.kept_sounds or text.kept) if kept else (text.spoken_sounds or text.spoken)
    speed = espeak.SPEEDS[[*VOICES].index(name) % len(espeak.SPEEDS)]
    return espeak.speak(written.strip().splitlines(), VOICES[name], speed, folder)


def language_of(name: str) -> str:
    """Return the language of a text by its name, such as `en` of `en_bread`."""
    return name.partition("_")[0]


def _accuracy(spoken: Mapping[str, Samples], texts: Mapping[str, Monologue], listeners: Listeners) -> Iterator[Figure]:
    rates: list[Rates] = []
    right, their_right, others = 0, 0, [name for name in spoken if language_of(name) != ENGLISH]
    for name, samples in spoken.items():
        language = language_of(name)
        detected, their_detected = listeners.ours(samples), listeners.theirs(samples)
        right += name in others and detected.language == language
        their_right += name in others and their_detected.language == language
        rates.append(_rates(texts[name].spoken, language, samples, listeners, detected, their_detected))
        yield _compared(f"{name}, {len(samples) / RATE:.0f} s", rates[-1], detected, their_detected)
    mine, other = (float(np.mean(each)) for each in zip(*rates, strict=True))
    yield Figure(
        "mean errors of all of these, ours and plain",
        f"{mine:.1%}, {other:.1%}",
        f"≤ {MOST_WORSE:.0%} more errors than plain",
        mine <= other + MOST_WORSE,
    )
    yield Figure(
        f"languages detected, of {len(others)} other than English: ours",
        str(right),
        f"≥ {LEAST_RIGHT}",
        right >= LEAST_RIGHT,
    )
    yield Figure("the same to plain faster-whisper's", f"{right} to {their_right}", "no fewer", right >= their_right)


def _beds(spoken: Mapping[str, Samples], texts: Mapping[str, Monologue], listeners: Listeners) -> Iterator[Figure]:
    for name in BEDS:
        seconds = len(spoken[name]) / RATE + 1
        for bed, sound in (("pink noise", espeak.pink_noise(seconds, 1)), ("music", espeak.music(seconds))):
            samples = espeak.under(spoken[name], sound, BED_DB)
            ours, theirs = listeners.ours(samples), listeners.theirs(samples)
            rates = _rates(texts[name].spoken, name, samples, listeners, ours, theirs)
            yield _compared(f"{name} with {bed} at {BED_DB:g} dB", rates, ours, theirs)


def _rates(truth: str, language: str, samples: Samples, listeners: Listeners, ours: Heard, theirs: Heard) -> Rates:
    """Return the error rates of both, who get the language where they have not detected it."""
    spoken_ours = ours if ours.language == language else listeners.ours(samples, language)
    spoken_theirs = theirs if theirs.language == language else listeners.theirs(samples, language)
    return Rates(*(error_rate(truth, heard.text, language) for heard in (spoken_ours, spoken_theirs)))


def _compared(what: str, rates: Rates, ours: Heard, theirs: Heard) -> Figure:
    mine, other = rates
    return Figure(
        f"{what}: errors, ours and plain; language heard, ours and plain",
        f"{mine:.1%}, {other:.1%}; {ours.language or 'none'}, {theirs.language}",
        f"≤ {MOST_WORSE:.0%} more errors than plain",
        mine <= other + MOST_WORSE,
    )


def hard_cases(spoken: Mapping[str, Samples]) -> dict[str, tuple[str, Samples]]:
    """Return sounds whose language is hard to detect, each with its language, by their description."""
    noise = np.asarray(0.05 * espeak.pink_noise(10, 2), np.float32)
    song = np.asarray(0.1 * espeak.music(40), np.float32)
    english, german = np.concatenate([spoken["en"], spoken["en_bread"]]), spoken["de"]
    return {
        "English talk after 40 s of Spanish": ("en", np.concatenate([spoken["es"][: 40 * RATE], english])),
        "German talk after 20 s of English": ("de", np.concatenate([spoken["en"][: 20 * RATE], german])),
        "Italian talk after 10 s of noise": ("it", np.concatenate([noise, spoken["it"]])),
        "French talk after 40 s of music": ("fr", np.concatenate([song, spoken["fr"]])),
        f"{SHORT_SECONDS:g} s of English": ("en", spoken["en"][: int(SHORT_SECONDS * RATE)]),
        f"{SHORT_SECONDS:g} s of Spanish": ("es", spoken["es"][: int(SHORT_SECONDS * RATE)]),
        "10 s of noise and nothing else": ("", noise),
    }


def _hard_cases(spoken: Mapping[str, Samples], listeners: Listeners) -> Iterator[Figure]:
    for what, (language, samples) in hard_cases(spoken).items():
        heard, theirs = listeners.ours(samples).language, listeners.their_language(samples)
        yield Figure(f"{what}: ours; plain", f"{heard or 'none'}; {theirs}", language or "none", heard == language)


def _names(
    samples: Samples, spoken: Mapping[str, Samples], texts: Mapping[str, Monologue], listeners: Listeners
) -> Iterator[Figure]:
    truth = texts[NAMES_TEXT].spoken
    for what, vocabulary in (("without help", ()), ("with `vocabulary`", NAMES)):
        text = listeners.ours(samples, ENGLISH, vocabulary).text
        right = [mentions(text, name) >= mentions(truth, name) for name in NAMES]
        yield Figure(
            f"made-up names right in every mention, {what}; errors",
            f"{sum(right)} of {len(NAMES)}; {error_rate(truth, text, ENGLISH):.1%}",
            "all" if vocabulary else "",
            all(right) if vocabulary else None,
        )
    for name in WITHOUT_NAMES:
        bare, helped = (listeners.ours(spoken[name], ENGLISH, given).text for given in ((), OTHER_NAMES))
        before, after = (error_rate(texts[name].spoken, text, ENGLISH) for text in (bare, helped))
        invented = [other for other in OTHER_NAMES if mentions(helped, other)]
        yield Figure(
            f"{name} with {len(OTHER_NAMES)} names that nobody says: errors, without them; names invented",
            f"{after:.1%}, {before:.1%}; {', '.join(invented) or 'none'}",
            f"≤ {MOST_WORSE:.0%} more errors, none",
            after <= before + MOST_WORSE and not invented,
        )


def mentions(text: str, name: str) -> int:
    """Return how often a text has a name, also with an `'s`."""
    return sum(word.removesuffix("'s") == name.casefold() for word in units(text, ENGLISH))
