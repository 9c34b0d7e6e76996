"""Words of a request meet other forms of themselves in a transcript."""

import pytest
from clipmill.analyzer.searching.stems import stems_in


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "connections", "connected"),
        ("", "interruption", "interrupted"),
        ("de", "Berge", "Bergen"),
        ("fr", "maisons", "maison"),
        ("es", "canciones", "canción"),
        ("ru", "книгами", "книга"),
        ("fi", "taloissa", "talossa"),
    ],
)
def test_forms_of_a_word_have_one_stem(language, one, other):
    assert stems_in(one, language) == stems_in(other, language) != []


def test_words_that_carry_no_subject_have_no_stem():
    assert stems_in("What is it about?", "en") == []


def test_stop_words_of_english_are_words_elsewhere():
    assert stems_in("war", "en") == ["war"]
    assert stems_in("also", "en") == []
    assert stems_in("also", "de") != []


def test_a_language_without_an_algorithm_has_stems_too():
    assert stems_in("上海的天气很好", "zh") == stems_in("上海的天气很好", "ja")
    assert "天气" in stems_in("上海的天气很好", "zh")
