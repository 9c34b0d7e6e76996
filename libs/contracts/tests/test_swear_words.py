"""Swear words are masked, and innocent words are not."""

import pytest
from clipmill.contracts.swear_words import masked, masked_words
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("What the fuck was that?", "What the f*** was that?"),
        ("Motherfucking SHIT, he said.", "M************ S***, he said."),
        ("It's bullshit\u2014utter bullshit.", "It's b*******\u2014utter b*******."),
        ("That asshole's car", "That a******** car"),
        ("a kick-ass fuck-up", "a kick-a** f***-up"),
        ("Don't be a dick. Dick moves lose.", "Don't be a d***. D*** moves lose."),
        ("F*ck it, this sh!t is b1tchy sh1t.", "F*** it, this s*** is b***** s***."),
        ("You mother-fucker, wtf", "You m*****-******, w**"),
        ("unfuckingbelievable", "u******************"),
    ],
)
def test_a_swear_word_keeps_its_first_letter(text, shown):
    assert masked(text, "en") == shown


@pytest.mark.parametrize(
    "text",
    [
        "Scunthorpe, Penistone and Clitheroe are towns.",
        "We assess the class, the grass and the bass in Essex.",
        "I asked Dick about Moby Dick. Dick Cheney agreed.",
        "Akira Yamashita ate shiitake with a cocktail and a peacock.",
        "Charles Dickens was shitake-free and pissarro-like.",
        "Damn, what the hell.",
        "Call 1-800 at 10:30, cl!ck a11y, goods!t and me@home.org: 100%!",
        "The title was titled; the titan cummings graduated cum laude.",
    ],
)
def test_an_innocent_word_is_shown(text):
    assert masked(text, "en") == text


@pytest.mark.parametrize(
    ("language", "text", "shown"),
    [
        ("de", "Das Ass ist dick, so ein Scheiß.", "Das Ass ist dick, so ein S*****."),
        ("es", "\u00a1Joder, qué mierda!", "\u00a1J****, qué m*****!"),
        ("fr", "Putain, as-tu vu ça ?", "P*****, as-tu vu ça ?"),
        ("ja", "fuck だよ", "f*** だよ"),
        ("ja", "このくそったれが", "このく****が"),
        ("zh", "他妈的天气", "他**天气"),
    ],
)
def test_words_are_masked_by_the_language_of_the_speech(language, text, shown):
    assert masked(text, language) == shown


def test_words_are_masked_with_the_words_around_them():
    assert masked_words(["Ask", "Dick,", "you", "dick."], "en") == ["Ask", "Dick,", "you", "d***."]


@given(st.lists(st.text(min_size=1, max_size=12) | st.sampled_from(["fuck", "Shit!", "Dick", "can't"]), max_size=12))
def test_masking_changes_letters_only_into_asterisks(texts):
    shown = masked_words(texts, "en")
    assert [len(one) for one in shown] == [len(one) for one in texts]
    pairs = [pair for one, other in zip(texts, shown, strict=True) for pair in zip(one, other, strict=True)]
    assert all(new in (old, "*") for old, new in pairs)
