"""The plan of a job: the moments that a model chose, then locally picked ones, as clips and a reserve."""

from collections.abc import Sequence

from clipmill.analyzer.asking.ranking import calibrated
from clipmill.analyzer.picking.local_moments import GOOD_SCORE, WORDLESS_GOOD_SCORE, pick_around, pick_locally
from clipmill.analyzer.searching.subjects import HIGHEST_SCORE, Sought, about_found, allowed, descending, seek, unlisted
from clipmill.analyzer.talk.material import FEWEST_CLIPS, Material
from clipmill.analyzer.talk.moments import Moment, scored
from clipmill.contracts.documents import Cost, Plan, PlannedClip
from clipmill.contracts.options import JOB_CLIPS_LIMIT, RESERVE_LIMIT

LOCAL_PICKER = "local"
"""Name of the picker in a plan without a model's choice."""

_FREE = Cost()


def plan_of(
    material: Material,
    proposed: Sequence[Moment] = (),
    *,
    picker: str = LOCAL_PICKER,
    cost: Cost = _FREE,
    note: str = "",
    searched: bool = False,
) -> Plan:
    """Return the plan of a job: the first moments of one ranked list, and the next ones as its reserve.

    The list does not depend on how many clips the job asks for, so a larger plan contains every smaller one. If the job
    names a subject, only moments that qualify become clips, which may be none, and the others go to the reserve.

    Args:
        material: Material to pick from.
        proposed: Moments that a model chose, each passage once; missing ones are picked locally.
        picker: Name of the picker that chose them.
        cost: Cost of choosing them.
        note: Line for the job's log about the choice; empty for none.
        searched: True if a model has searched for the job's subject, so `proposed` is all that it found.
    """
    moments = [*proposed, *pick_locally(material, proposed)][:JOB_CLIPS_LIMIT]
    if proposed:
        moments = calibrated(moments)
    qualified = len(moments)
    if material.subject.named:
        complete = searched and not (proposed and not material.subject.about)
        sought = _sought(material, moments[len(proposed) :], proposed, searched=complete)
        found = [*moments[: len(proposed)], *sought.found]
        moments, qualified = descending(found, sought.others), len(found)
        note = " ".join(filter(None, (note, about_found(material.subject, len(found)))))
    good = qualified if material.subject.about else _good(material, proposed or moments)
    open_number = min(max(good, FEWEST_CLIPS), material.most_clips)
    count = min(material.options.target_clips or open_number, qualified)
    clips = _numbered(moments, material.offset_ms)
    return Plan(
        clips=clips[:count],
        reserve=clips[count : count + RESERVE_LIMIT],
        picker=picker,
        cost=cost,
        options=material.options,
        note=note,
        good=min(good, count + RESERVE_LIMIT),
        captions=material.captions,
    )


def _sought(material: Material, moments: Sequence[Moment], proposed: Sequence[Moment], *, searched: bool) -> Sought:
    """Return which moments qualify, and the best of the others.

    A subject is sought among moments that are picked without the learned audience: what makes people laugh is often
    not what somebody asks for. Where that list leaves out what names the subject, the best moments around it count.

    Args:
        material: Material to pick from.
        moments: Moments of the material, the best first.
        proposed: Moments that the plan already has.
        searched: True if a model has found all that qualifies.
    """
    if searched or not material.subject.about:
        return seek(material, moments, searched=searched)
    calm = material.without_audience()
    listed = pick_locally(calm, proposed)
    found = seek(calm, listed).found
    missing = unlisted(calm, listed)
    if missing:
        around = pick_around(calm, missing)
        found = seek(calm, [*around, *pick_locally(calm, around)][:JOB_CLIPS_LIMIT]).found or found
    if not found:
        return Sought(found=(), others=tuple(allowed(material, moments)))
    taken = [scored(one, HIGHEST_SCORE) for one in (*proposed, *found)]
    return Sought(found=found, others=tuple(allowed(material, pick_locally(material, taken))))


def _good(material: Material, moments: Sequence[Moment]) -> int:
    """Return the number of good ones among `moments`: those above the bar, which are the first."""
    bar = GOOD_SCORE if material.sentences else WORDLESS_GOOD_SCORE
    return sum(moment.score >= bar for moment in moments)


def _numbered(moments: Sequence[Moment], offset_ms: int) -> tuple[PlannedClip, ...]:
    """Return `moments` as clips of a plan, numbered by rank.

    Args:
        moments: Moments of the material, the best first.
        offset_ms: Time of the material's start in the source, in milliseconds.
    """
    return tuple(
        PlannedClip(
            number=number,
            start=(offset_ms + moment.window.start_ms) / 1000,
            end=(offset_ms + moment.window.end_ms) / 1000,
            title=moment.title,
            tiktok=moment.tiktok,
            instagram=moment.instagram,
            youtube=moment.youtube,
            score=moment.score,
            reason=moment.reason,
            quote=moment.quote,
            parts=moment.parts,
            fade_in=moment.window.fade_in_ms / 1000,
            fade_out=moment.window.fade_out_ms / 1000,
        )
        for number, moment in enumerate(moments, 1)
    )
