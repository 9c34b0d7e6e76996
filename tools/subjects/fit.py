"""Fit the weights of the evidence for a subject on the requests about the written talks, and print them.

Run: `.venv/bin/python tools/subjects/fit.py`. Words that were said count as requests too: two rare ones of each
highlight. Shares are those of talks of voices that were left out.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.searching.meanings import Numbers, english
from clipmill.analyzer.searching.relevance import Passage, Relevance
from clipmill.analyzer.searching.stems import stems_in
from clipmill.analyzer.talk.audience import bundled
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.options import JobOptions
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "services" / "analyzer" / "tests"), str(ROOT / "tests" / "bench")]

from talks.generation import Planted, Talk  # noqa: E402
from talks.judging import HIT_OVERLAP, overlap  # noqa: E402
from understanding.requests import Case, written_cases  # noqa: E402

PENALTY = 0.03
"""Inverse strength of the penalty: weights of evidence that says the same stay alike."""

BOUNDS = (0.05, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25)


@dataclass(frozen=True)
class Row:
    """The evidence of all moments of a talk about one request, and which of them answer it."""

    group: str
    evidence: Numbers
    answers: Sequence[bool]
    paraphrase: bool


def main() -> None:
    """Fit the weights and print them."""
    rows = [row for case in written_cases() for row in _rows(case)]
    judged: list[tuple[Row, Numbers]] = []
    for group in sorted({row.group for row in rows}):
        weights = _fitted([row for row in rows if row.group != group])
        judged += [(row, _chances(row, weights)) for row in rows if row.group == group]
    base, *weights = _fitted(rows)
    sys.stdout.write(f"base {base:.2f}, weights {', '.join(f'{each:.2f}' for each in weights)}\n")
    present = [chances for row, chances in judged if row.paraphrase and any(row.answers)]
    firsts = [row.answers[int(chances.argmax())] for row, chances in judged if row.paraphrase and any(row.answers)]
    absent = [chances for row, chances in judged if not any(row.answers)]
    sys.stdout.write(f"first {np.mean(firsts):.2f} of {len(firsts)}\n")
    for bound in BOUNDS:
        accepted = np.mean([chances.max() >= bound for chances in present])
        rejected = np.mean([chances.max() < bound for chances in absent])
        sys.stdout.write(f"bound {bound:g}: {accepted:.2f} accepted, {rejected:.2f} rejected\n")


def _rows(case: Case) -> list[Row]:
    material = Material(case.talk.media, case.talk.transcript, case.talk.scenes, JobOptions(), bundled())
    moments = [moment for moment in pick_locally(material) if moment.quote]
    relevance = Relevance([sentence.text for sentence in material.sentences], material.language)
    passages = [Passage.of(moment) for moment in moments]
    answers = [
        case.planted is not None
        and overlap([(one.window.start_ms / 1000, one.window.end_ms / 1000)], case.planted) >= HIT_OVERLAP
        for one in moments
    ]
    rows = [Row(case.talk.group, relevance.evidence(case.request, passages), answers, paraphrase=True)]
    if case.planted is not None:
        said = _said(case.talk, case.planted)
        rows.append(Row(case.talk.group, relevance.evidence(said, passages), answers, paraphrase=False))
    return rows


def _said(talk: Talk, planted: Planted) -> str:
    """Return two rare words of a highlight."""
    words = [word.text.strip(".,?!") for segment in talk.transcript.segments for word in segment.words
             if planted.start <= word.start < planted.end]  # fmt: skip
    rare = {word: english().information(stems[0]) for word in words if (stems := stems_in(word, "en"))}
    return " ".join(sorted(rare, key=lambda word: -rare[word])[:6:3])


def _fitted(rows: Sequence[Row]) -> Numbers:
    """Return the base and the weights of a logistic regression over all moments."""
    evidence = np.vstack([row.evidence for row in rows])
    mean, spread = evidence.mean(axis=0), evidence.std(axis=0)
    model = LogisticRegression(C=PENALTY).fit((evidence - mean) / spread, np.concatenate([row.answers for row in rows]))
    weights = model.coef_[0] / spread
    return np.array([model.intercept_[0] - weights @ mean, *weights])


def _chances(row: Row, weights: Numbers) -> Numbers:
    chances: Numbers = 1 / (1 + np.exp(-(weights[0] + row.evidence @ weights[1:])))
    return chances


if __name__ == "__main__":
    main()
