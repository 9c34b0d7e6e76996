"""Random jobs, as awkward as the contracts allow, on which the promises of every plan are tested.

Words touch or overlap, segments overlap or have no words, sentences have one word or outlast the longest clip, there is
no punctuation, words are guesses, there are silences of minutes, videos of seconds, cuts everywhere, any loudness or
none, laughs at anything, and songs.
"""

from itertools import pairwise

from clipmill.analyzer.talk.audience import bundled
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.documents import (
    Chapter,
    HeatPoint,
    MediaFacts,
    Origin,
    Scenes,
    Segment,
    Shot,
    Transcript,
    VideoFacts,
    Word,
)
from clipmill.contracts.options import RANGE_FLOOR, JobOptions
from clipmill.contracts.sounds import Sounds
from hypothesis import strategies as st

VOCABULARY = [
    "why", "never", "you", "forty", "percent", "secret", "I", "was", "it", "but", "thanks", "ocean", "bridge", "and",
    "meeting", "laughed", "the", "people", "work", "slides", "3.5", "Dr.", "e.g.", "naïve", "日本", "日", "don't",
    "हिन्दी", "¿qué", "für", "…", "-", "\u200d", "١٢", "🎬",
]  # fmt: skip
LANGUAGES = ["en", "", "de", "ja", "hi"]
PUNCTUATION = [["", ".", "?", "!", ",", "。", "..."], ["", "", "", "", "", ".", ","], [""], ["."]]
GAPS = [[0.0], [0.0, 0.02, 0.1], [0.1, 0.1, 0.4, 0.9], [0.05, 3.0], [0.1, 0.1, 0.1, 60.0], [0.0, -0.2, 0.3]]
WORD_SECONDS = [(0.05, 0.8), (0.001, 0.05), (0.3, 0.3), (0.5, 20.0)]


@st.composite
def jobs(draw: st.DrawFn) -> Material:
    """Draw a source with some speech, some cuts and some options."""
    duration = draw(st.one_of(st.floats(0.2, 20.0), st.floats(5.0, 240.0), st.floats(200.0, 900.0)))
    chance = draw(st.randoms(use_true_random=False))
    segments = _segments(draw, chance, duration)
    cuts = {round(chance.uniform(0, duration), 2) for _ in range(draw(st.sampled_from([0, 0, 1, 5, 12, 200])))}
    edges = [0.0, *sorted(cut for cut in cuts if 0.0 < cut < duration), duration]
    shortest = draw(st.sampled_from([5.0, 10.0, 15.0, 15.0, 30.0, 60.0]))
    longest = draw(st.sampled_from([shortest, shortest + 1, shortest + 15, 60.0, 180.0]))
    start, end = draw(_parts(duration))
    options = JobOptions(
        target_clips=draw(st.sampled_from([None, *range(1, 16)])),
        clip_min_seconds=shortest,
        clip_max_seconds=max(longest, shortest),
        start=start,
        end=end,
    )
    levels = tuple(chance.randint(-90, 0) for _ in range(draw(st.sampled_from([0, 3, int(duration) + 1]))))
    if draw(st.booleans()):
        levels = tuple(-90 for _ in levels)
    language = draw(st.sampled_from(LANGUAGES))
    sounds = _sounds(chance, int(duration * 2) + 1) if draw(st.booleans()) else None
    transcript = Transcript(
        language=language, duration=duration, segments=tuple(segments), levels=levels, sounds=sounds
    )
    media = MediaFacts(
        stem="s", title="A talk", container="mp4", duration=duration, size_bytes=1, origin=Origin.UPLOAD,
        video=VideoFacts(codec="h264", width=16, height=9),
        heatmap=_heatmap(chance, duration) if draw(st.booleans()) else (),
        chapters=_chapters(chance, duration) if draw(st.booleans()) else (),
    )  # fmt: skip
    shots = tuple(Shot(start=one, end=other) for one, other in pairwise(edges))
    return Material(media, transcript, Scenes(shots=shots, detector="d", frame_rate=25.0), options, bundled())


def _sounds(chance, halves):
    """Return sounds with reactions and songs of any length, in silence or in noise that passes for everything."""
    kinds = {}
    for kind in ("laughter", "applause", "cheering", "shouting", "music", "singing"):
        floor, highest = chance.choice([(1, 60), (1, 60), (80, 110), (0, 255)])
        scores = bytearray(chance.randint(floor, highest) for _ in range(halves))
        for _ in range(chance.choice([0, 1, 5, 40])):
            start, length = chance.randrange(halves), chance.choice([1, 2, 6, 60])
            scores[start : start + length] = bytes([chance.randint(90, 200)] * len(scores[start : start + length]))
        kinds[kind] = bytes(scores)
    return Sounds(**kinds)


def _heatmap(chance, duration):
    """Return a curve of replays of 100 parts."""
    edges = [duration * at / 100 for at in range(101)]
    return tuple(HeatPoint(start=one, end=other, value=chance.random()) for one, other in pairwise(edges))


def _chapters(chance, duration):
    """Return chapters of any length."""
    edges = sorted({0.0, duration, *(chance.uniform(0, duration) for _ in range(chance.choice([0, 1, 5, 60])))})
    return tuple(Chapter(start=one, end=other, title="Chapter") for one, other in pairwise(edges))


@st.composite
def _parts(draw, duration):
    """Draw the start and the end of a part of the source, which is mostly the whole source."""
    if duration < RANGE_FLOOR + 1 or draw(st.integers(0, 2)):
        return None, None
    start = draw(st.none() | st.floats(0.0, duration - RANGE_FLOOR - 0.5))
    end = draw(st.none() | st.floats((start or 0.0) + RANGE_FLOOR + 0.001, duration))
    return start, end


def _segments(draw, chance, duration):
    marks = draw(st.sampled_from(PUNCTUATION))
    gaps = draw(st.sampled_from(GAPS))
    shortest, longest = draw(st.sampled_from(WORD_SECONDS))
    words_a_segment = draw(st.sampled_from([1, 3, 12, 400]))
    overlap = draw(st.sampled_from([0.0, 0.0, 0.5, 4.0]))
    wordless = draw(st.sampled_from([0.0, 0.0, 0.3, 1.0]))
    score = draw(st.sampled_from([1.0, 1.0, 0.2]))
    segments, time = [], draw(st.sampled_from([0.0, 0.0, 0.7, 30.0]))
    for _ in range(draw(st.sampled_from([0, 1, 3, 10, 40]))):
        words = []
        for _ in range(chance.randint(1, words_a_segment)):
            start = max(time + chance.choice(gaps), 0.0)
            end = start + chance.uniform(shortest, longest)
            if end > duration + 1:
                break
            text = chance.choice(VOCABULARY) + chance.choice(marks)
            words.append(Word(text=text, start=start, end=end, score=score))
            time = end
        if words:
            text = " ".join(word.text for word in words)
            kept = () if chance.random() < wordless else tuple(words)
            first = min(word.start for word in words)
            segments.append(Segment(text=text, start=first, end=words[-1].end, words=kept, speaker=chance.choice("AB")))
            time = max(time - overlap * chance.random(), 0.0)
    return sorted(segments, key=lambda segment: segment.start)
