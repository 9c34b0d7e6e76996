"""Hashtags name the subject of a passage."""

import pytest
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


def test_the_common_words_name_no_subject():
    assert 2500 < len(common_words()) < 4000
    assert {"people", "really", "question", "believe"} <= common_words()
    assert {"amazing", "whereas", "refer", "imposes", "letting", "awful", "manner", "instance"} <= common_words()
    assert {
        "counsel",
        "provision",
        "statutory",
        "requirement",
        "appendix",
    } <= common_words()  # in every second argument
    assert not {"jury", "injury", "statistics", "engineering", "immunity"} & common_words()
    assert not {"ocean", "glacier", "court", "climate", "women", "school", "city", "war"} & common_words()


@pytest.mark.parametrize(
    "word",
    "amazing nonetheless elsewhere whereas whatsoever whenever regardless tonight yesterday oops nowwwww bluer bluest "
    "refer imposes letting awful hell paddling dangerous hmmm rape vagina".split(),
)
def test_words_of_closed_classes_and_of_degree_are_no_hashtags(word):
    texts = [f"The {word} of the glacier is {word}.", f"It is {word} than the {word}.", "The glacier is very deep."]
    assert Hashtags(texts).of(0, 2) == ["#glacier"]


def test_a_passage_gets_fewer_hashtags_and_no_words_that_only_seem_to_name_a_subject():
    assert Hashtags(["The glacier is shiny and glints.", "Something glints."]).of(0, 1) == ["#glacier"]


def test_a_name_of_two_words_with_new_is_one_hashtag():
    assert Hashtags(["We met in New York."]).of(0, 0) == ["#newyork"]


def test_people_who_are_spoken_to_and_labels_of_speakers_are_no_hashtags():
    texts = [
        "Chris Anderson: The glacier is a wonder, Your Honor.",
        "(Video) Announcer: The glacier, Mr. Anderson.",
        "Justice Miller, the glacier is blue, counsel.",
    ]
    assert Hashtags(texts).of(0, 2) == ["#glacier"]


@pytest.mark.parametrize(
    ("language", "text", "tags"),
    [
        ("de", "Ich glaube, dass mein Gletscher dann nicht schmilzt, weil der Gletscher lebt.", {"#gletscher"}),
        ("es", "Mucho de todo el glaciar, cuando el glaciar quiere, desde entonces.", {"#glaciar", "#quiere"}),
        (
            "fr",
            "Mais le glacier, quand le glacier bouge, cette chose est comme avant.",
            {"#glacier", "#bouge", "#chose"},
        ),
    ],
)
def test_function_words_of_other_languages_are_no_hashtags(language, text, tags):
    found = set(Hashtags([text], language).of(0, 0))
    assert f"#{'gletscher' if language == 'de' else 'glaciar' if language == 'es' else 'glacier'}" in found
    assert found <= tags


def test_a_word_in_many_sentences_of_another_language_is_no_hashtag():
    texts = [f"Bref glacier numero{letter * 2}." for letter in "abcdefghijklmn"]
    assert "#bref" not in Hashtags(texts, "fr").of(0, 3)


def test_a_passage_of_common_words_has_no_hashtags():
    texts = ["The question is a question of people and of things.", "Bees hum."]
    assert Hashtags(texts).of(0, 0) == []
    assert Hashtags(texts).of(1, 1) == ["#bees"]


def test_chinese_hashtags_are_words_and_no_clauses():
    texts = ["现在家里的墙上挂满了她的作品。", "她总是说自己画得不好。", "我妈妈最近开始学习画画。"]
    found = Hashtags(texts, "zh").of(0, 2)
    assert "#作品" in found
    assert all(len(tag) <= len("#四个汉字") for tag in found)
    assert not any(set(tag) & set("的了她我") for tag in found)


@pytest.mark.parametrize(
    ("language", "texts", "tags"),
    [
        (
            "zh",
            ["人工智能的未来是什么。", "上海改变了社会。", "很多人在上海和北京工作。", "他们的能力很重要。"],
            "人工智能 上海 上海改变 社会 未来 北京工作 能力 重要",
        ),
        ("zh", ["我们了解和平的目的。", "他弹吉他。", "维也纳的酒吧和会议室。"], "和平 目的 吉他 维也纳 酒吧 会议室"),
        ("zh", ["去年我去了北京的故宫。", "成都的火锅比重庆的更辣吗。"], "北京 故宫 成都"),
        (
            "zh",
            ["人工智能改变了社会。", "上海的人工智能公司很重要。", "大学生活和可能的未来。"],
            "上海 大学生活 未来 社会 重要",
        ),
        (
            "zh",
            ["這個時代的孩子們都在上海。", "臺灣的教育和科學。", "我們的社會沒有和平嗎。", "因為香港的交通很方便。"],
            "時代 孩子 上海 臺灣 教育 科學 社會 和平 香港 交通 方便",
        ),
        (
            "yue",
            ["人工智能嘅未來好重要。", "佢哋嘅學校喺九龍。", "我哋嘅社會和上海嘅關係。"],
            "人工智能 學校 九龍 社會 上海 關係",
        ),
        (
            "ja",
            ["ソーシャルネットワーキングサービスと東京都立産業技術研究所。", "スティーブ・ジョブズのコンピューター。"],
            "スティーブ ジョブズ コンピューター",
        ),
        ("", ["人工智能改变了社会。", "上海的天气。"], "上海的天气"),
        ("th", ["ปัญญาประดิษฐ์เปลี่ยนแปลงสังคมไทย"], ""),
        ("my", ["မြွှေ့မြွှေ့ ကျွန်တော်တို့မြန်မာနိုင်ငံ"], ""),
    ],
)
def test_hashtags_of_scripts_without_blanks_have_no_halves_of_words(language, texts, tags):
    found = Hashtags(texts, language).of(0, len(texts) - 1, 20)
    assert {tag[1:] for tag in found} <= set(tags.split())
    if language in ("zh", "yue"):
        assert {tag[1:] for tag in found} >= {"社会", "上海", "人工智能", "和平", "社會"} & set(tags.split())
