"""The plan of a job: what a model proposed, what is picked locally where that is not enough, and its order."""

from collections.abc import Sequence

from clipmill.analyzer.asking.ranking import calibrated
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment
from clipmill.contracts.documents import Cost, Plan, PlannedClip

LOCAL_PICKER = "local"
"""The picker that a plan names where no model chose."""

_FREE = Cost()


def plan_of(
    material: Material,
    proposed: Sequence[Moment] = (),
    *,
    picker: str = LOCAL_PICKER,
    cost: Cost = _FREE,
    note: str = "",
) -> Plan:
    """Return the plan of a job, with as many clips as it asked for or as there is room for.

    Args:
        material: what to pick from.
        proposed: moments that a model chose, not overlapping; what is missing is picked locally.
        picker: who chose them.
        cost: what choosing them cost.
        note: what the job's log says about the choice; empty for nothing.
    """
    moments = list(proposed)
    if len(moments) < material.options.target_clips:
        moments += pick_locally(material, proposed)
    if proposed:
        moments = calibrated(moments)
    return Plan(clips=_ranked(moments), picker=picker, cost=cost, options=material.options, note=note)


def _ranked(moments: Sequence[Moment]) -> tuple[PlannedClip, ...]:
    """Return `moments` as the clips of a plan, the best score first, the earlier first among equals."""
    ranked = sorted(moments, key=lambda moment: (-moment.score, moment.window.start_ms))
    return tuple(
        PlannedClip(
            number=number,
            start=moment.window.start_ms / 1000,
            end=moment.window.end_ms / 1000,
            title=moment.title,
            tiktok=moment.tiktok,
            instagram=moment.instagram,
            youtube=moment.youtube,
            score=moment.score,
            reason=moment.reason,
        )
        for number, moment in enumerate(ranked, 1)
    )
