"""The share of jobs with a subject that get the passage about it first, and of those without one that get nothing.

`services/analyzer/tests/requests.csv` asks about the development corpus; it was written before the retrieval. The
requests about the written talks served to develop it: its weights were fitted to them. Each of those talks is also
asked for subjects of other voices, which it does not have.
"""

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.searching import meanings, wordings
from clipmill.analyzer.searching.relevance import FOUND_CHANCE, LITERAL_PREFERENCE, Passage, Preference, Relevance
from clipmill.analyzer.talk.audience import bundled
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.documents import Plan
from clipmill.contracts.options import JobOptions
from figures import Figure
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[3] / "services" / "analyzer" / "tests"))

from asked_requests import Asked, asked_of_corpus, asked_of_talks, foreign_requests, paraphrases_of_talks
from talks.generation import Planted, Talk, talks
from talks.judging import HIT_OVERLAP, overlap
from talks.passages import groups

from understanding.moments import corpus_talk

WANTED_FIRST = 18
"""Requests of 21 whose planted highlight should be first."""

LARGEST_TABLES = 2_000_000
"""Bytes that the tables of words may have."""

ABSENT_EACH = 10
"""Absent subjects asked of each written talk."""

FOREIGN_SHARE = 10
"""One of so many pairs of a talk and a subject that no talk has is asked."""

HOUR_TALKS = 24
SLOWEST_SECONDS = 2.0


@dataclass(frozen=True)
class Case:
    """A request about a talk, and the highlight that answers it, None if the talk has no such subject."""

    talk: Talk
    request: str
    planted: Planted | None


def measure(corpus: Path, _folder: Path) -> list[Figure]:
    """Ask all requests of their sources and return the figures."""
    meanings.english(), wordings.english()  # read before anything is timed
    foreign = [case for case in fitted_cases() if case.planted is None]
    return [*_judged(_corpus_cases(corpus)), *_developed(written_cases()), *_foreign(foreign), _seconds(), _size()]


def _foreign(cases: Sequence[Case]) -> list[Figure]:
    """Return how many subjects that no voice has are rejected, of a tenth of all."""
    asked = random.Random(1).sample(cases, len(cases) // FOREIGN_SHARE)
    rejected = sum(not _plan(case).clips for case in asked)
    return [Figure("written talks: subjects that none of them has, without a clip", _share(rejected, len(asked)))]


def _judged(cases: Sequence[Case]) -> list[Figure]:
    present = [case for case in cases if case.planted is not None]
    absent = [case for case in cases if case.planted is None]
    likeliest = sum(_likeliest(case) for case in present)
    literally = sum(_likeliest(case, LITERAL_PREFERENCE) for case in present)
    firsts = [_first(case) for case in present]
    rejected = sum(not _plan(case).clips for case in absent)
    missed = ", ".join(f"“{case.request}”" for case, first in zip(present, firsts, strict=True) if not first)
    return [
        Figure(
            "corpus: the planted highlight is the likeliest moment, whether or not it is likely enough",
            f"{likeliest} of {len(present)}",
        ),
        Figure("corpus: the same by words alone (BM25 of stems, and interest)", f"{literally} of {len(present)}"),
        Figure(
            "corpus: the planted highlight is the first clip",
            f"{sum(firsts)} of {len(present)}; not for {missed}",
            f"≥ {WANTED_FIRST}",
            sum(firsts) >= WANTED_FIRST,
        ),
        Figure("corpus: present subjects with a clip", f"{sum(bool(_plan(case).clips) for case in present)}"),
        Figure("corpus: absent subjects without a clip", f"{rejected} of {len(absent)}"),
    ]


def _developed(cases: Sequence[Case]) -> list[Figure]:
    present = [case for case in cases if case.planted is not None]
    absent = [case for case in cases if case.planted is None]
    likeliest, firsts = sum(map(_likeliest, present)), sum(map(_first, present))
    literally = sum(_likeliest(case, LITERAL_PREFERENCE) for case in present)
    clips = sum(bool(_plan(case).clips) for case in present)
    shown = [[overlap([clip], case.planted) > 0 for clip in _shown(case)] for case in present if case.planted]
    further = [on for each in shown for on in each[1:]]
    rejected = sum(not _plan(case).clips for case in absent)
    return [
        Figure("written talks: the planted highlight is the likeliest moment", _share(likeliest, len(present))),
        Figure("written talks: the same by words alone (BM25 of stems, and interest)", _share(literally, len(present))),
        Figure("written talks: the planted highlight is the first clip", _share(firsts, len(present))),
        Figure("written talks: present subjects with a clip", _share(clips, len(present))),
        Figure(
            "written talks: all clips of jobs that leave their number open overlap the planted highlight",
            _share(sum(map(sum, shown)), sum(map(len, shown))),
        ),
        Figure("written talks: second and further ones of these clips do", _share(sum(further), len(further))),
        Figure("written talks: absent subjects without a clip", _share(rejected, len(absent))),
    ]


def _share(count: int, of: int) -> str:
    return f"{count / of:.2f} of {of}"


def _corpus_cases(corpus: Path) -> list[Case]:
    found = {name: corpus_talk(corpus, name) for name in ("talk", "interview")}

    def planted(asked: Asked) -> Planted | None:
        return found[asked.source].planted[int(asked.highlight[1:]) - 1] if asked.highlight else None

    return [Case(found[asked.source], asked.request, planted(asked)) for asked in asked_of_corpus()]


def written_cases() -> list[Case]:
    """Return the requests about the written talks: for each highlight, and for subjects of other voices."""
    asked = asked_of_talks()
    cases: list[Case] = []
    for talk in talks():
        cases += _present(talk, asked)
        others = [each.request for each in asked if each.source != talk.group]
        cases += [Case(talk, each, None) for each in random.Random(talk.name).sample(others, ABSENT_EACH)]
    return cases


def fitted_cases() -> list[Case]:
    """Return more requests about the written talks: other paraphrases, and subjects that no talk has."""
    asked, foreign = paraphrases_of_talks(), foreign_requests()
    return [
        case
        for talk in talks()
        for case in (*_present(talk, asked), *(Case(talk, request, None) for request in foreign))
    ]


def _present(talk: Talk, asked: Sequence[Asked]) -> list[Case]:
    """Return the requests for the highlights that were planted in a talk."""
    group = next(each for each in groups() if each.name == talk.group)
    openings = [one.sentences[0].text for one in group.highlights]
    texts = {segment.start: segment.text for segment in talk.transcript.segments}
    numbers = {openings.index(texts[planted.start]): planted for planted in talk.planted}
    return [
        Case(talk, each.request, numbers[int(each.highlight)])
        for each in asked
        if each.source == talk.group and int(each.highlight) in numbers
    ]


def _material(case: Case) -> Material:
    options = JobOptions(about=case.request, target_clips=1)
    return Material(case.talk.media, case.talk.transcript, case.talk.scenes, options, bundled())


def _plan(case: Case) -> Plan:
    return plan_of(_material(case))


def _first(case: Case) -> bool:
    """Return whether the first clip is the planted highlight."""
    return case.planted is not None and overlap(_clips(_plan(case)), case.planted) >= HIT_OVERLAP


def _clips(plan: Plan) -> list[tuple[float, float]]:
    return [(clip.start, clip.end) for clip in plan.clips[:1]]


def _shown(case: Case) -> list[tuple[float, float]]:
    """Return the clips of a job that leaves their number open."""
    material = _material(case)
    material.options = replace(material.options, target_clips=None)
    return [(clip.start, clip.end) for clip in plan_of(material).clips]


def _likeliest(case: Case, model: Preference | None = None) -> bool:
    """Return whether the planted highlight answers the request best, however unlikely all moments are."""
    material = _material(case)
    moments = [moment for moment in pick_locally(material.without_audience()) if moment.quote]
    relevance = Relevance([sentence.text for sentence in material.sentences], material.language)
    preferences = relevance.preferences(case.request, [Passage.of(moment) for moment in moments], model)
    window = moments[int(preferences.argmax())].window
    assert case.planted is not None
    return overlap([(window.start_ms / 1000, window.end_ms / 1000)], case.planted) >= HIT_OVERLAP


def _seconds() -> Figure:
    """Return how long it takes to search an hour of talk."""
    texts = [segment.text for talk in talks()[:HOUR_TALKS] for segment in talk.transcript.segments]
    passages = [Passage(first, min(first + 7, len(texts) - 1)) for first in range(0, len(texts), 20)]
    began = time.perf_counter()
    found = Relevance(texts, "en").chances("the price of parking in the city", passages)
    seconds = time.perf_counter() - began
    met = seconds < SLOWEST_SECONDS and bool((found >= FOUND_CHANCE).any())
    what = f"an hour of talk ({len(texts)} sentences) is searched for a subject"
    return Figure(what, f"{seconds:.2f} s", f"< {SLOWEST_SECONDS:g} s", met)


def _size() -> Figure:
    size = meanings.TABLE.stat().st_size + wordings.TABLE.stat().st_size
    return Figure("tables of meanings and wordings", f"{size} bytes", f"≤ {LARGEST_TABLES}", size <= LARGEST_TABLES)
