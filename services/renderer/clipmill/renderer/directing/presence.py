"""The presence of people in a shot: people made of tracks, and the segments in which the same people are there."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, quantiles

from clipmill.renderer.seeing.survey import SurveyedShot
from clipmill.renderer.seeing.tracking import Detection, Track
from clipmill.renderer.shots import Span

GONE_SECONDS = 2.5
"""Longest time unseen after which somebody has only turned away or been hidden; after more they have left."""

TURNED_AWAY_SECONDS = 8.0
"""Longest time unseen of a person who is found again at the same place: they read, watch a slide or were missed."""

SAME_PLACE = 1.0
"""Largest distance in face widths between two detections at the same place."""

LEAST_STAY_SECONDS = 1.0
"""Time below which a person only passes by. Most of the detector's mistakes last no longer either."""

LEAST_SEGMENT_SECONDS = 2.0
"""Time below which other people in the picture do not change its layout."""

LEAST_DENSITY = 0.3
"""Least share of the detection frames, from a person's first to the last, that show the person: mistakes flicker."""

LEAST_RELATIVE_SIZE = 0.5
"""Part of the largest face's height below which a face is the audience, a photograph on a wall or a mistake."""

PICTURE = (0.003, 0.02)
"""Median and 90th percentile of a mouth's speed, in face widths a second, that a photograph does not exceed. Frozen
faces, encoded with and without grain, measured 0.000 to 0.0015 and 0.015 to 0.017; the calmest listeners 0.0084 and
0.027."""

ALIVE = 0.01
"""Median speed that another face's mouth must have before a still face counts as a photograph: in the dark, no mouth
may seem to move."""

LEAST_MOUTHS = 12
"""Number of measured mouths before a still face counts as a photograph: somebody may sit frozen for a second."""

FADE_SECONDS = 1.0
"""The longest fade: during it the people before and after may both be seen, or neither."""

COMPARED_SECONDS = 1.0
"""Time before and after a fade over which people are compared: if none is seen in both, there was a cut."""

REJOINING_WIDTHS = 2.0
"""Distance in face widths, from the place where a face was lost, within which a face found at once may be the same
person; it grows by a face width for each second in between."""


@dataclass(frozen=True, slots=True)
class PresenceSegment:
    """A part of a shot in which the same people are there.

    Attributes:
        shot: Survey of that part, its tracks reduced to one for each person who is there.
    """

    shot: SurveyedShot

    @property
    def people(self) -> tuple[Track, ...]:
        """People who are there, the largest and most often seen first."""
        return tuple(sorted(self.shot.tracks, key=lambda track: -size(track) * len(track.detections)))


def size(track: Track) -> float:
    """Return the median height of a person's face, in shown pixels."""
    return median(detection.face.box.height for detection in track.detections)


def presence_segments(shot: SurveyedShot, rate: float) -> list[PresenceSegment]:
    """Divide a shot where people come and go for good; together the segments are the whole shot.

    Where everybody is replaced at once there was an undetected cut or fade: the people before it and after it are not
    there all the time.

    Args:
        shot: Shot with all its tracks.
        rate: Frames per second.
    """
    people = {person.number: person for person in joined(shot.tracks, rate)}
    edges = [shot.span.first, *_replaced(list(people.values()), shot.span, rate), shot.span.last + 1]
    pieces = [_part(shot, Span(first, after - 1), people, frozenset(people)) for first, after in pairwise(edges)]
    return [segment for piece in pieces for segment in _divided(piece, rate)]


def _divided(shot: SurveyedShot, rate: float) -> list[PresenceSegment]:
    """Divide a shot in which there is no cut."""
    stays = _stays(shot, rate)
    edges = sorted({shot.span.first, shot.span.last + 1, *(edge for _, stay in stays for edge in _edges(stay))})
    parts = [(Span(first, after - 1), _present(stays, first, after)) for first, after in pairwise(edges)]
    people = {person.number: person for person, _ in stays}
    return [
        PresenceSegment(_part(shot, span, people, numbers))
        for span, numbers in _calmed(parts, LEAST_SEGMENT_SECONDS * rate)
    ]


def _replaced(people: Sequence[Track], span: Span, rate: float) -> list[int]:
    """Return the frames at which everybody is replaced by other people."""
    frames = sorted({detection.frame for person in people for detection in person.detections})
    who = [{person.number for person in people if person.within(frame, frame)} for frame in frames]
    fade, reach = FADE_SECONDS / 2 * rate, (FADE_SECONDS / 2 + COMPARED_SECONDS) * rate

    def seen(first: float, last: float) -> set[int]:
        return set().union(*who[bisect_left(frames, first) : bisect_right(frames, last)])

    around = sorted({*frames, *((one + other) // 2 for one, other in pairwise(frames))})
    sides = ((place, seen(place - reach, place - fade), seen(place + fade, place + reach)) for place in around)
    runs: list[list[int]] = [[]]
    for place, left, right in sides:
        if left and right and not left & right:
            runs[-1].append(place)
        elif runs[-1]:
            runs.append([])
    places = [(run[0] + run[-1] + 1) // 2 for run in runs if run]
    # A place nearer to the shot's edge is that edge: the cut was found at the fade's beginning or end.
    return [place for place in places if span.first + 2 * fade < place <= span.last - 2 * fade]


def joined(tracks: Sequence[Track], rate: float) -> list[Track]:
    """Return one track for each person: a track that begins later near the end of another continues it.

    Args:
        tracks: Tracks of one shot.
        rate: Frames per second.
    """
    people: list[Track] = []
    for track in sorted(tracks, key=lambda each: each.detections[0].frame):
        free = [person for person in people if person.last.frame < track.detections[0].frame]
        near = [(distance, person) for person in free if (distance := _leap(person, track, rate)) is not None]
        if near:
            person = min(near, key=lambda pair: pair[0])[1]
            person.detections.extend(track.detections)
            person.motion.extend(track.motion)
        else:
            people.append(Track(track.number, list(track.detections), list(track.motion)))
    return people


def narrowed(track: Track, span: Span) -> Track:
    """Return the part of a track within `span`."""
    motion = [(frame, energy) for frame, energy in track.motion if span.first <= frame <= span.last]
    return Track(track.number, track.within(span.first, span.last), motion)


def _leap(person: Track, track: Track, rate: float) -> float | None:
    """Return the face widths from a person's last place to a track's beginning, None if it is another person."""
    before, after = person.last, track.detections[0]
    if not 0.5 <= before.face.box.width / max(after.face.box.width, 1e-6) <= 2:
        return None
    distance = _distance(before, after)
    return distance if distance <= REJOINING_WIDTHS + (after.frame - before.frame) / rate else None


def _distance(before: Detection, after: Detection) -> float:
    (x, y), (u, v) = before.face.box.centre, after.face.box.centre
    width = max(before.face.box.width, after.face.box.width, 1e-6)
    return float(((x - u) ** 2 + (y - v) ** 2) ** 0.5 / width)


def _stays(shot: SurveyedShot, rate: float) -> list[tuple[Track, Span]]:
    """Return the people and the times they are there, without passers-by, small faces and photographs."""
    people = _alive(shot.tracks)
    found = [(person, stay) for person in people for stay in _times(person, shot, rate)]
    largest = max((size(narrowed(person, stay)) for person, stay in found), default=0.0)
    return [pair for pair in found if size(narrowed(*pair)) >= LEAST_RELATIVE_SIZE * largest]


def _alive(tracks: Sequence[Track]) -> list[Track]:
    """Return the tracks without photographs (on a wall, on a slide): faces that never move while another one does."""
    speeds = [
        quantiles((speed for _, speed in track.motion), n=10) if len(track.motion) > 1 else [] for track in tracks
    ]
    if not any(deciles and deciles[4] >= ALIVE for deciles in speeds):
        return list(tracks)
    return [
        track
        for track, deciles in zip(tracks, speeds, strict=True)
        if len(track.motion) < LEAST_MOUTHS or deciles[4] > PICTURE[0] or deciles[8] > PICTURE[1]
    ]


def _times(person: Track, shot: SurveyedShot, rate: float) -> list[Span]:
    """Return the times a person is there: detections with gaps too short to leave, up to the shot's edges if near."""
    runs: list[list[Detection]] = [[person.detections[0]]]
    for before, after in pairwise(person.detections):
        gap = (after.frame - before.frame) / rate
        returned = gap <= TURNED_AWAY_SECONDS and _distance(before, after) <= SAME_PLACE
        if gap <= GONE_SECONDS or returned:
            runs[-1].append(after)
        else:
            runs.append([after])
    return [_extended(run, shot.span, rate) for run in runs if _credible(run, shot, rate)]


def _credible(run: Sequence[Detection], shot: SurveyedShot, rate: float) -> bool:
    first, last = run[0].frame, run[-1].frame
    frames = sum(first <= frame <= last for frame in shot.detection_frames)
    needed = min(LEAST_STAY_SECONDS * rate, (shot.span.last - shot.span.first) / 2)
    return last - first >= needed - rate / 4 and len(run) >= max(1.0, LEAST_DENSITY * frames)


def _extended(run: Sequence[Detection], span: Span, rate: float) -> Span:
    """Return the frames from the first detection to the last, a little beyond, up to the shot's edges if near."""
    first, last, gone = run[0].frame, run[-1].frame, round(GONE_SECONDS * rate)
    beyond = round(rate / 4)
    return Span(
        span.first if first - span.first <= gone else first - beyond,
        span.last if span.last - last <= gone else last + beyond,
    )


def _edges(stay: Span) -> tuple[int, int]:
    return stay.first, stay.last + 1


def _present(stays: Sequence[tuple[Track, Span]], first: int, after: int) -> frozenset[int]:
    return frozenset(person.number for person, stay in stays if stay.first <= first and after - 1 <= stay.last)


def _calmed(parts: list[tuple[Span, frozenset[int]]], least: float) -> list[tuple[Span, frozenset[int]]]:
    """Join each part that is too short, the shortest first, with the neighbour most like it."""
    parts = list(parts)
    while len(parts) > 1:
        shortest = min(range(len(parts)), key=lambda place: parts[place][0].last - parts[place][0].first)
        span, numbers = parts[shortest]
        same = next((place for place in range(1, len(parts)) if parts[place - 1][1] == parts[place][1]), None)
        if same is not None:
            left, right = same - 1, same
            who = parts[same][1]
        elif span.last - span.first + 1 < least:
            around = [place for place in (shortest - 1, shortest + 1) if 0 <= place < len(parts)]
            other = max(around, key=lambda place: (len(parts[place][1] & numbers), -len(parts[place][1] - numbers)))
            left, right = sorted((shortest, other))
            who = parts[other][1]
        else:
            break
        parts[left : right + 1] = [(Span(parts[left][0].first, parts[right][0].last), who)]
    return parts


def _part(shot: SurveyedShot, span: Span, people: Mapping[int, Track], numbers: frozenset[int]) -> SurveyedShot:
    frames = tuple(frame for frame in shot.detection_frames if span.first <= frame <= span.last)
    there = [narrowed(person, span) for number, person in people.items() if number in numbers]
    return SurveyedShot(span, frames, tuple(track for track in there if track.detections))
