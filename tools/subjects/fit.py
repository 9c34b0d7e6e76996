"""Fit the weights of the evidence for a subject on the requests about the written talks, and print them.

Run: `.venv/bin/python tools/subjects/fit.py`. Words that were said count as requests too: two rare ones of each
highlight. Shares are those of talks of voices that were left out.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.searching.meanings import english
from clipmill.analyzer.searching.quantised import Numbers
from clipmill.analyzer.searching.relevance import Passage, Relevance, goodness
from clipmill.analyzer.searching.stems import stems_in
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.options import JobOptions
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "services" / "analyzer" / "tests"), str(ROOT / "tests" / "bench")]

from talks.generation import Planted, Talk, talks  # noqa: E402
from talks.judging import HIT_OVERLAP, overlap  # noqa: E402
from understanding.requests import Case, fitted_cases, written_cases  # noqa: E402

PENALTY = 1.0
"""Strength of the penalty on squared weights of evidence of unit spread, against the sum over all requests."""

INVERSE_PENALTY = 0.2
"""Inverse strength of the penalty in the logistic regression: weights of evidence that says the same stay alike."""

EVERYTHING = [0, 1, 2, 3, 4, 5]
WORDS_ALONE = [4, 5]
"""Columns of the evidence with tables of words, and without them: literal words and interest."""

FITTED = 500
"""Number of requests that the regression counts, whatever their number, so its penalty stays what it is."""

BOUNDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)

SAID, WRITTEN, PARAPHRASED, RELATED, FOREIGN = "said", "written", "paraphrased", "related", "foreign"
"""Kinds of requests: rare words of a passage, the paraphrases that the bench asks and more of them, subjects of other
voices, and subjects that no voice has."""


@dataclass(frozen=True)
class Row:
    """The evidence of all moments of a talk about one request, and which of them answer it."""

    group: str
    kind: str
    evidence: Numbers
    answers: Sequence[bool]


def main() -> None:
    """Fit the weights and print them."""
    rows = _rows()
    for name, columns in (("preference", EVERYTHING), ("literal preference", WORDS_ALONE)):
        _say(f"{name}: {_listed(_preferring(rows, columns)[1:])}")
        preferred = _left_out(rows, partial(_preferring, columns=columns))
        for kind in (WRITTEN, PARAPHRASED, SAID):
            firsts = [row.answers[place] for row, place in _best(rows, preferred) if row.kind == kind]
            _say(f"  {kind}: first {np.mean(firsts):.3f} of {len(firsts)}")
    _say(f"presence: {_listed(_present(rows))}")
    preferred = _left_out(rows, partial(_preferring, columns=EVERYTHING))
    _bounds(_best(rows, preferred), _left_out(rows, _present))


def _best(rows: Sequence[Row], values: Sequence[Numbers]) -> list[tuple[Row, int]]:
    """Return each request with the place of the moment that has the highest value."""
    return [(row, int(each.argmax())) for row, each in zip(rows, values, strict=True)]


def _bounds(best: Sequence[tuple[Row, int]], values: Sequence[Numbers]) -> None:
    """Print what share of each kind of requests gets clips by several bounds, and the highlight first."""
    kinds = np.array([row.kind for row, _ in best])
    chances = np.array([1 / (1 + np.exp(-each[place])) for (_, place), each in zip(best, values, strict=True)])
    right = np.array([row.answers[place] for row, place in best])
    for bound in BOUNDS:
        found = chances >= bound
        shares = [f"{kind} {found[kinds == kind].mean():.2f}" for kind in (WRITTEN, PARAPHRASED, RELATED, FOREIGN)]
        firsts = [f"{kind} {(found & right)[kinds == kind].mean():.2f}" for kind in (WRITTEN, PARAPHRASED)]
        _say(f"  bound {bound:g}: clips for {', '.join(shares)}, first {', '.join(firsts)}")


def _rows() -> list[Row]:
    sources = {talk.name: _source(talk) for talk in talks()}
    rows: list[Row] = []
    for cases, present, absent in ((written_cases(), WRITTEN, RELATED), (fitted_cases(), PARAPHRASED, FOREIGN)):
        for case in cases:
            rows.append(_row(case, case.request, sources, present if case.planted is not None else absent))
            if case.planted is not None and present == WRITTEN:
                rows.append(_row(case, _said(case.talk, case.planted), sources, SAID))
    return rows


def _source(talk: Talk) -> tuple[Relevance, list[Passage], list[tuple[float, float]]]:
    material = Material(talk.media, talk.transcript, talk.scenes, JobOptions())
    moments = [moment for moment in pick_locally(material) if moment.quote]
    relevance = Relevance([sentence.text for sentence in material.sentences], material.language)
    times = [(one.window.start_ms / 1000, one.window.end_ms / 1000) for one in moments]
    return relevance, [Passage.of(moment) for moment in moments], times


def _row(
    case: Case, request: str, sources: dict[str, tuple[Relevance, list[Passage], list[tuple[float, float]]]], kind: str
) -> Row:
    relevance, passages, times = sources[case.talk.name]
    evidence = np.column_stack([relevance.evidence(request, passages), goodness(passages)])
    answers = [case.planted is not None and overlap([one], case.planted) >= HIT_OVERLAP for one in times]
    return Row(case.talk.group, kind, evidence, answers)


def _said(talk: Talk, planted: Planted) -> str:
    """Return two rare words of a highlight."""
    words = [word.text.strip(".,?!") for segment in talk.transcript.segments for word in segment.words
             if planted.start <= word.start < planted.end]  # fmt: skip
    rare = {word: english().information(stems[0]) for word in words if (stems := stems_in(word, "en"))}
    return " ".join(sorted(rare, key=lambda word: -rare[word])[:6:3])


def _left_out(rows: Sequence[Row], fit: Callable[[Sequence[Row]], Numbers]) -> list[Numbers]:
    """Return the value of each moment for each request, by weights from the other voices' requests."""
    fitted = {group: fit([row for row in rows if row.group != group]) for group in sorted({row.group for row in rows})}
    return [fitted[row.group][0] + row.evidence @ fitted[row.group][1:] for row in rows]


def _preferring(rows: Sequence[Row], columns: Sequence[int]) -> Numbers:
    """Return the weights of a conditional logit: which of the moments of a source answers the request."""
    asked = [(row.evidence[:, columns], np.array(row.answers)) for row in rows if any(row.answers)]
    spread = np.vstack([evidence for evidence, _ in asked]).std(axis=0)

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        total, slope = PENALTY * weights @ weights, 2 * PENALTY * weights
        for evidence, answers in asked:
            values = evidence / spread @ weights
            chances = np.exp(values - values.max())
            chances /= chances.sum()
            right = chances * answers
            total -= np.log(right.sum())
            slope += (chances - right / right.sum()) @ (evidence / spread)
        return float(total), slope

    weights = np.zeros(1 + len(EVERYTHING))
    found = minimize(loss, np.zeros(len(columns)), jac=True, method="L-BFGS-B").x
    weights[[1 + column for column in columns]] = found / spread
    return weights


def _present(rows: Sequence[Row]) -> Numbers:
    """Return the base and the weights of a logistic regression: whether the preferred moment of a source is about it.

    Present and absent requests count alike in sum, and of the absent ones, related and foreign ones. Words that were
    said are left out: whoever has them needs no model.
    """
    asked = [row for row in rows if row.kind != SAID]
    preferring = _preferring(rows, EVERYTHING)
    best = np.array([row.evidence[int((row.evidence @ preferring[1:]).argmax()), :5] for row in asked])
    kinds = np.array([row.kind for row in asked])
    absent = np.isin(kinds, [RELATED, FOREIGN])
    shares = {kind: int((kinds == kind).sum()) for kind in set(kinds.tolist())}
    counts = np.where(absent, 0.5 / np.array([shares[kind] for kind in kinds]), 1 / int((~absent).sum()))
    spread = best.std(axis=0)
    model = LogisticRegression(C=INVERSE_PENALTY).fit(best / spread, ~absent, counts * FITTED)
    return np.array([model.intercept_[0], *(model.coef_[0] / spread), 0.0])


def _listed(weights: Numbers) -> str:
    return ", ".join(f"{each:.2f}" for each in weights)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
