# ruff: noqa: RUF001
"""The local picker works in other languages: without a lexicon, with other marks, without blanks between words."""

import pytest
from clipmill.analyzer.picking.features import features_of
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.audience import bundled
from clipmill.analyzer.talk.hashtags import Hashtags
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.sentences import sentences_of, words_of
from clipmill.analyzer.talk.terms import subject_stems, tokens
from clipmill.contracts.documents import Scenes, Segment, Shot, Transcript, Word
from clipmill.contracts.options import JobOptions
from msgspec.structs import replace

TALKS = {
    "de": [
        "Guten Abend, schön, dass Sie da sind.", "Die Garderobe ist im Erdgeschoss.", "Der Plan hängt neben der Tür.",
        "Warum verlernt ein Kind das Fragen?", "Mit vier Jahren stellt ein Kind 300 Fragen am Tag!",
        "Mit sechzehn stellt das Kind noch 2 Fragen.", "Niemand hat das Fragen verboten, wir haben das Kind belohnt.",
        "Also weiter im Text.", "Die nächste Pause ist um vier.", "Danach gibt es Kaffee im Hof.",
    ],
    "es": [
        "Buenas tardes a todos.", "El guardarropa está abajo.", "El programa cuelga junto a la puerta.",
        "¿Por qué deja de preguntar un niño?", "¡A los cuatro años un niño hace 300 preguntas al día!",
        "A los dieciséis ese niño hace 2 preguntas.", "Nadie prohibió al niño preguntar, premiamos las respuestas.",
        "Sigamos con lo nuestro.", "La pausa es a las cuatro.", "Después hay café en el patio.",
    ],
    "ja": [
        "皆さん、こんばんは。", "上着は一階でお預かりします。", "予定表は扉の横にあります。",
        "子供はなぜ質問をやめるのでしょうか？", "四歳の子供は一日に300の質問をします！",
        "十六歳の子供の質問は2つだけです。", "誰も子供に質問を禁じていません、私たちは答えを褒めただけです。",
        "では次に進みます。", "休憩は四時です。", "その後は庭で珈琲をどうぞ。",
    ],
    "zh": [
        "大家晚上好。", "外套可以放在一楼。", "日程表在门旁边。",
        "孩子为什么不再提问？", "四岁的孩子一天提300个问题！",
        "十六岁的孩子一天只提2个问题。", "没有人禁止孩子提问，我们只是奖励了答案。",
        "我们继续。", "四点休息。", "之后在院子里喝咖啡。",
    ],
    "hi": [
        "आप सबको नमस्ते।", "कोट नीचे रख सकते हैं।", "कार्यक्रम दरवाज़े के पास है।",
        "बच्चे सवाल पूछना क्यों छोड़ देते हैं?", "चार साल का बच्चा दिन में 300 सवाल पूछता है!",
        "सोलह साल का बच्चा केवल 2 सवाल पूछता है।", "किसी ने बच्चे को सवाल पूछने से नहीं रोका, हमने जवाब को इनाम दिया।",
        "अब आगे बढ़ते हैं।", "विराम चार बजे है।", "उसके बाद आँगन में चाय मिलेगी।",
    ],
    "ar": [
        "مساء الخير جميعا.", "المعاطف في الطابق الأرضي.", "البرنامج بجانب الباب.",
        "لماذا يتوقف الطفل عن السؤال؟", "طفل في الرابعة يسأل 300 سؤال في اليوم!",
        "طفل في السادسة عشرة يسأل سؤال واحد أو 2.", "لم يمنع أحد الطفل من السؤال، نحن كافأنا الجواب.",
        "لنتابع.", "الاستراحة في الرابعة.", "بعدها قهوة في الساحة.",
    ],
}  # fmt: skip
PASSAGE = range(3, 7)
SENTENCE_SECONDS = 5.0
UNSPACED = {"ja", "zh"}


def _transcript(language, texts, *, word_times=True):
    segments = []
    for index, text in enumerate(texts):
        start = index * SENTENCE_SECONDS
        parts = list(text) if language in UNSPACED else text.split()
        step = (SENTENCE_SECONDS - 0.4) / len(parts)
        words = tuple(
            Word(text=part, start=start + step * at, end=start + step * (at + 1)) for at, part in enumerate(parts)
        )
        segments.append(Segment(text=text, start=start, end=words[-1].end, words=words if word_times else ()))
    return Transcript(language=language, duration=len(texts) * SENTENCE_SECONDS, segments=tuple(segments))


@pytest.mark.parametrize("language", TALKS)
@pytest.mark.parametrize("word_times", [True, False])
def test_sentences_are_found_by_the_marks_of_their_script(language, word_times):
    transcript = _transcript(language, TALKS[language], word_times=word_times)
    found = sentences_of(words_of(transcript, transcript.duration))
    assert [sentence.text for sentence in found] == TALKS[language]


@pytest.mark.parametrize("language", TALKS)
def test_the_passage_with_the_question_and_the_figures_is_picked(language, media_of):
    transcript = _transcript(language, TALKS[language])
    scenes = Scenes(shots=(Shot(start=0, end=transcript.duration),), detector="d", frame_rate=25.0)
    options = JobOptions(target_clips=1, clip_min_seconds=15.0, clip_max_seconds=30.0)
    material = Material(media_of(transcript.duration), transcript, scenes, options, bundled())
    moment = pick_locally(material)[0]
    chosen = range(moment.window.first, moment.window.last + 1)
    shared = len(set(chosen) & set(PASSAGE))
    assert shared / len(set(chosen) | set(PASSAGE)) >= 0.5
    assert moment.window.first == PASSAGE[0]
    (clip,) = plan_of(material).clips
    assert clip.title.strip("?!") in "".join(TALKS[language])
    assert "raises a question" in clip.reason


def test_a_segment_without_word_times_is_divided_at_full_stops_that_no_blank_follows():
    segment = Segment(text="四点休息。之后喝咖啡。", start=0.0, end=8.0)
    words = words_of(Transcript(language="zh", duration=8.0, segments=(segment,)), 8.0)
    assert [word.text for word in words] == ["四点休息。", "之后喝咖啡。"]


def test_vowel_signs_do_not_divide_words():
    assert tokens("हिन्दी में सवाल।") == ["हिन्दी", "में", "सवाल"]


def test_scripts_without_blanks_give_pairs_of_letters():
    assert tokens("子供は質問") == ["子供", "供は", "は質", "質問"]
    assert tokens("30歳のtest") == ["30", "歳の", "test"]


def test_japanese_endings_carry_no_subject():
    assert subject_stems(tokens("質問をします")) == ["質問", "問を"]


def test_the_same_subject_is_recognised_without_a_lexicon():
    features = features_of(sentences_of(words_of(_transcript("ja", TALKS["ja"]), 50.0)), "ja")
    shared = set(features[3].stems) & set(features[5].stems)
    assert {"子供", "質問"} <= shared


@pytest.mark.parametrize(("language", "tag"), [("ja", "#子供"), ("de", "#fragen"), ("hi", "#सवाल"), ("zh", None)])
def test_hashtags_are_words(language, tag):
    tags = Hashtags(TALKS[language], language).of(PASSAGE[0], PASSAGE[-1])
    assert 0 < len(tags) <= 5
    assert tag is None or tag in tags


@pytest.mark.parametrize("language", TALKS)
def test_a_talk_in_a_language_that_nobody_named_is_picked_from_too(language, media_of):
    """A given transcript need not name its language. Its words count as English, which most of them are not."""
    transcript = replace(_transcript(language, TALKS[language]), language="")
    options = JobOptions(target_clips=1, clip_min_seconds=15, clip_max_seconds=30)
    media = media_of(transcript.duration)
    scenes = Scenes(shots=(Shot(start=0.0, end=transcript.duration),), detector="adaptive", frame_rate=25.0)
    (clip,) = plan_of(Material(media, transcript, scenes, options)).clips
    assert clip.title.strip("?!….") in "".join(TALKS[language])
    assert clip.quote in "".join(TALKS[language])
