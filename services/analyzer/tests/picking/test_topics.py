"""A change of topic is found by the words."""

from clipmill.analyzer.picking.topics import topic_changes
from clipmill.analyzer.talk.terms import subject_stems, tokens

SEA = [
    "The cod left the bay in winter.", "No cod, no boats in the bay.", "The boats rotted in the bay.",
    "A cod costs more than its boats.", "The bay is empty of cod.",
]  # fmt: skip
BREAD = [
    "Bread wants a hot oven.", "The oven makes the crust of the bread.", "A crust without an oven is not bread.",
    "The dough rests before the oven.", "Dough, crust, oven: that is bread.",
]  # fmt: skip


def _changes(texts):
    return topic_changes([subject_stems(tokens(text)) for text in texts])


def test_the_clearest_change_is_where_the_words_change():
    changes = _changes(SEA + BREAD)
    inside = changes[1:-1]
    assert inside.index(max(inside)) + 1 == len(SEA)
    assert changes[len(SEA)] == 1.0


def test_a_script_without_blanks_has_topics_too():
    sea = ["海の魚は海を泳ぐ。", "泳ぐ魚は海の底へ。", "海の底を泳ぐ魚。", "魚の海は海の底。"]
    bread = ["窯でパンを焼く。", "焼く窯でパンを。", "窯が熱いとパンを焼く。", "熱い窯が焼くパン。"]
    changes = _changes(sea + bread)
    assert max(range(1, 8), key=changes.__getitem__) == 4


def test_talks_of_hardly_a_sentence_have_no_changes_inside():
    assert _changes([]) == [1.0]
    assert _changes(["One."]) == [1.0, 1.0]


def test_sentences_without_a_subject_change_nothing():
    assert all(0.0 <= change <= 1.0 for change in _changes(["And so it is."] * 6))
