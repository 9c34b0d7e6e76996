"""The plan of a job: a model's moments, locally picked ones where they are too few, and their order."""

from collections.abc import Sequence

from clipmill.analyzer.asking.ranking import calibrated
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment
from clipmill.contracts.documents import Cost, Plan, PlannedClip

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
) -> Plan:
    """Return the plan of a job, with as many clips as it asked for or as fit into the source.

    Args:
        material: Material to pick from.
        proposed: Moments that a model chose, without overlap; missing ones are picked locally.
        picker: Name of the picker that chose them.
        cost: Cost of choosing them.
        note: Line for the job's log about the choice; empty for none.
    """
    moments = list(proposed)
    if len(moments) < material.options.target_clips:
        moments += pick_locally(material, proposed)
    if proposed:
        moments = calibrated(moments)
    return Plan(
        clips=_ranked(moments, material.offset_ms), picker=picker, cost=cost, options=material.options, note=note
    )


def _ranked(moments: Sequence[Moment], offset_ms: int) -> tuple[PlannedClip, ...]:
    """Return `moments` as the clips of a plan, the best score first, equal scores in order of time.

    Args:
        moments: Moments of the material.
        offset_ms: Time of the material's start in the source, in milliseconds.
    """
    ranked = sorted(moments, key=lambda moment: (-moment.score, moment.window.start_ms))
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
        )
        for number, moment in enumerate(ranked, 1)
    )
