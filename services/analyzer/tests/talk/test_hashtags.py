"""Hashtags name the subject of a passage."""

from clipmill.analyzer.talk.hashtags import Hashtags, common_words

TALK = [
    "Good evening, and welcome to our little show.",
    "The glacier above the village loses a metre of ice every year.",
    "Scientists measured the glacier with a laser, and they found it really shrinking.",
    "Without the glacier, the village has no water in August.",
    "People actually think that somebody will suddenly solve it.",
    "Please take your seats after the break.",
]


def test_hashtags_are_the_subjects_of_the_passage():
    tags = Hashtags(TALK).of(1, 3)
    assert {"#glacier", "#village"} <= set(tags[:3])
    assert 3 <= len(tags) <= 5


def test_common_words_adverbs_and_verbs_are_no_hashtags():
    tags = Hashtags(TALK).of(0, 5)
    assert not set(tags) & {"#actually", "#suddenly", "#people", "#measured", "#think", "#every", "#year", "#shrinking"}


def test_a_swear_word_is_no_hashtag():
    texts = ["The bullshit about the glacier is pure bullshit.", "Bullshit, said the farmer, is the fertiliser."]
    assert not any("bull" in tag for tag in Hashtags(texts).of(0, 1))
    assert "#merde" not in Hashtags(["La merde, la merde du glacier."], "fr").of(0, 0)


def test_a_hashtag_has_letters_only_and_the_form_that_is_said_most():
    texts = ["The glaciers, the glacier's ice, the glaciers of the rock'n'roll café in 1984."]
    tags = Hashtags(texts).of(0, 0)
    assert tags[0] == "#glaciers"
    assert all(tag[1:].isalpha() for tag in tags)


def test_where_nothing_is_specific_there_are_few_hashtags():
    assert Hashtags(["I really think that you should do it again."]).of(0, 0) == []


def test_the_common_words_are_about_a_thousand_and_name_no_rare_subject():
    assert 800 < len(common_words()) < 1500
    assert {"people", "really", "question", "believe"} <= common_words()
    assert not {"ocean", "glacier", "court", "applause"} & common_words()


def test_a_passage_of_common_words_has_no_hashtags():
    texts = ["The question is a question of people and of things.", "Bees hum."]
    assert Hashtags(texts).of(0, 0) == []
    assert Hashtags(texts).of(1, 1) == ["#bees"]
