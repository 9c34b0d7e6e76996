"""Most replayed parts and chapters are evidence, compared with the rest of the same video."""

import pytest
from clipmill.analyzer.talk.site_marks import ChapterStarts, Replays, chapters_in, replays_of
from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.documents import Chapter, HeatPoint


def _curve(*values: float) -> list[HeatPoint]:
    """Return a curve of parts of ten seconds."""
    return [HeatPoint(start=10.0 * at, end=10.0 * at + 10, value=value) for at, value in enumerate(values)]


def _window(start: float, end: float) -> Window:
    return Window(first=0, last=0, start_ms=round(start * 1000), end_ms=round(end * 1000))


FLAT = [0.2] * 20


def test_the_most_replayed_part_has_one_and_the_usual_ones_have_nothing():
    replays = Replays(_curve(*FLAT, 0.6, 1.0, *FLAT))
    assert replays.excess(_window(0, 30)) == 0
    assert replays.excess(_window(195, 225)) == 1
    assert replays.excess(_window(180, 210)) == pytest.approx(0.5)


def test_a_part_counts_by_the_share_of_it_that_a_window_has():
    replays = Replays(_curve(*FLAT, 1.0, *FLAT))
    assert replays.excess(_window(170, 204)) == pytest.approx(0.4)
    assert replays.excess(_window(170, 200)) == 0
    assert replays.excess(_window(202, 207)) == 1, "a window inside the part has all that it can have of it"


def test_the_peak_at_the_start_shows_only_that_everybody_begins_there():
    replays = Replays(_curve(1.0, 0.8, 0.5, *FLAT, 0.4, *FLAT))
    assert replays.excess(_window(0, 25)) == 0
    assert replays.excess(_window(225, 245)) == 1


def test_a_peak_that_follows_the_start_counts():
    replays = Replays(_curve(1.0, 0.1, 0.9, *FLAT))
    assert replays.excess(_window(15, 35)) == 1


def test_a_curve_that_falls_all_the_way_counts_after_its_first_tenth():
    replays = Replays(_curve(*(1 - at / 40 for at in range(40))))
    assert replays.excess(_window(0, 35)) == 0
    assert replays.excess(_window(40, 60)) == 1


def test_a_flat_curve_says_nothing():
    assert Replays(_curve(*FLAT)).excess(_window(0, 200)) == 0


def test_a_curve_counts_from_the_start_of_the_part_that_is_used():
    points = _curve(*FLAT, 1.0, *FLAT)
    replays = replays_of(points, 150.0, 120.0)
    assert replays.excess(_window(50, 60)) == 1
    assert replays.excess(_window(0, 50)) == 0
    assert replays_of(points, 150.0, 30.0) is None, "three parts are too few to compare"
    assert replays_of((), 0.0, 100.0) is None


@pytest.mark.parametrize(
    ("start", "end", "favour"),
    [
        (61.0, 90.0, 1),
        (64.9, 90.0, 1),
        (59.2, 90.0, 1),  # the owner's time is rounded
        (70.0, 100.0, 0),
        (40.0, 60.8, 0),
        (40.0, 75.0, -1),
        (61.0, 140.0, -1),
        (0.0, 30.0, 1),
    ],
)
def test_a_clip_that_opens_a_chapter_is_better_and_one_across_its_start_is_worse(start, end, favour):
    assert (
        ChapterStarts([Chapter(start=at, end=at + 60) for at in (0.0, 60.0, 120.0)], 180_000).favour(
            _window(start, end)
        )
        == favour
    )


def test_chapters_count_from_the_start_of_the_part_that_is_used():
    chapters = [Chapter(start=at, end=at + 60) for at in (0.0, 60.0, 120.0)]
    assert chapters_in(chapters, 50.0, 60_000).favour(_window(10.0, 30.0)) == 1
    assert chapters_in(chapters, 50.0, 60_000).favour(_window(0.5, 30.0)) == -1
    assert chapters_in(chapters, 65.0, 50_000) is None, "one chapter has no border"
    assert chapters_in((), 0.0, 50_000) is None
