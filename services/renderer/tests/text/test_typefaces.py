import unicodedata

import pytest
from clipmill.renderer.text import typefaces
from clipmill.renderer.text.typefaces import EMOJI, FOLDER, HEAVY, PLAIN, SHAPES, font, legible, missing, runs, unshaped

SCRIPTS = (
    "naïve Việt ĳ œ ß ɓɗƙ ẹọṣ|Привет ғқңөұүһі ҙҫҡ|Γειά σου ῶ|Հայերեն|שָׁלוֹם|مرحبا پښتو ٹھیک ژ|नमस्ते|বাংলা|ਪੰਜਾਬੀ|"  # noqa: RUF001
    "ગુજરાતી|தமிழ்|తెలుగు|ಕನ್ನಡ|മലയാളം|සිංහල|สวัสดีน้ำ|ລາວ|བོད་ཡིག|မြန်မာ|ქართული|አማርኛ|ភាសាខ្មែរ|你好嘅咗喺|"
    "こんにちは東京ー|안녕하세요 뷁|€₹₿₩₽$£¥ ½ ° № ™ … – — “” «» ♪ ★ → ✓ 100% C# @ & ¿¡"  # noqa: RUF001
)


def test_text_is_shaped():
    assert SHAPES, "Pillow finds no FriBidi (Debian: libfribidi0): Arabic and Indic captions would fall apart"


@pytest.mark.parametrize("text", SCRIPTS.split("|"))
@pytest.mark.parametrize("main", [HEAVY, PLAIN])
def test_a_script_has_its_letters(text, main):
    assert missing(text) == ""
    assert legible(text) == unicodedata.normalize("NFC", text)
    assert "".join(run for run, _ in runs(legible(text), main)) == legible(text)


@pytest.mark.parametrize(
    "text", ["🔥", "❤️", "👍🏽", "👩🏽\u200d💻", "👨\u200d👩\u200d👧", "🇩🇪", "🏳️\u200d🌈", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]
)
def test_an_emoji_is_one_picture_in_colour(text):
    assert runs(legible(text), HEAVY) == [(text, EMOJI)]
    assert font(EMOJI, 80).getlength(text) == 80
    left, top, right, bottom = font(EMOJI, 80).getbbox(text, anchor="ls")
    assert right > left
    assert bottom > top


def test_a_letter_that_no_font_has_is_left_out_and_named():
    assert legible("see 𓀀 ᚠ") == "see"
    assert missing("see 𓀀 ᚠ𓀀") == "𓀀ᚠ"


def test_controls_and_ends_of_lines_are_left_out_without_a_word():
    assert legible("a\u202eb\x00\nc\ufeff") == "ab c"
    assert missing("a\u202eb\x00\nc\ufeff") == ""


def test_a_modifier_alone_is_not_legible():
    assert legible("\u200d\ufe0f") == ""


def test_a_letter_takes_no_tower_of_marks():
    assert len(legible("a" + "\u0316" * 200)) < 10


def test_text_that_needs_shaping_is_reported_where_nothing_shapes_it(monkeypatch):
    assert not unshaped("مرحبا")
    monkeypatch.setattr(typefaces, "SHAPES", False)
    assert [text for text in SCRIPTS.split("|")[3:] if not unshaped(text)] == [
        "Հայերեն",
        "ქართული",
        "አማርኛ",
        "你好嘅咗喺",
        "こんにちは東京ー",
        *SCRIPTS.split("|")[-2:],
    ]
    assert not unshaped("naïve 🔥 Привет, κόσμε!")


def test_every_font_has_its_licence_beside_it():
    licence = (FOLDER / "OFL.txt").read_text(encoding="utf-8")
    for path in FOLDER.glob("*.?tf"):
        assert path.name in licence
