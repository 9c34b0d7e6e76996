"""Moments that a model proposed, each passage once, with what the local picker knows about them."""

from collections.abc import Sequence

from clipmill.analyzer.picking.evidence import evidence_for
from clipmill.analyzer.picking.local_picker import LocalPicker
from clipmill.analyzer.picking.repeats import Repeats
from clipmill.analyzer.picking.surroundings import surroundings
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment
from msgspec.structs import replace


def adopted(material: Material, proposed: Sequence[Moment]) -> list[Moment]:
    """Return the moments of `proposed`, the best first, each passage once and with the sentence that says most.

    Of moments that repeat each other, the one with the better surroundings stays, with the best score of them.

    Args:
        material: Material that the model was asked about.
        proposed: Moments that the model chose, without overlap.
    """
    repeats, picker = Repeats(material.sentences), LocalPicker(evidence_for(material))
    kept: list[Moment] = []
    for moment in sorted(proposed, key=lambda one: -one.score):
        place = next((at for at, one in enumerate(kept) if repeats.same(one.window, moment.window)), None)
        if place is None:
            kept.append(moment)
        elif surroundings(picker.evidence, moment.window) > surroundings(picker.evidence, kept[place].window):
            kept[place] = replace(moment, score=kept[place].score)
    return [replace(moment, quote=material.sentences[picker.strongest(moment.window)].text) for moment in kept]
