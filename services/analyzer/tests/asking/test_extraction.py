"""Records are read from a model's answer, whatever surrounds them."""

import json

import pytest
from clipmill.analyzer.asking.extraction import RECORDS_LIMIT, records_in, with_numbers
from hypothesis import given
from hypothesis import strategies as st

ONE, TWO = {"first_sentence": 1, "title": "a } b {"}, {"first_sentence": 2, "title": "c"}
ASKED_FOR = json.dumps({"clips": [ONE, TWO]})


def _read(text):
    return records_in(text, "clips", "first_sentence")


@pytest.mark.parametrize(
    "text",
    [
        ASKED_FOR,
        f"\ufeff  {ASKED_FOR}\n",
        f"```json\n{ASKED_FOR}\n```",
        f"Sure! Here {{you}} are: {ASKED_FOR} Enjoy :}}",
        f"<think>First {{'clips': [..]}} or {ONE}?</think>\n{ASKED_FOR}",
        json.dumps([ONE, TWO]),
        json.dumps({"passages": [ONE, TWO]}),
        json.dumps(ONE) + "\n" + json.dumps(TWO),
        ASKED_FOR[:-2] + ', {"first_sentence": 3, "ti',
    ],
    ids=["as asked", "blanks", "fence", "prose", "thoughts", "list", "another name", "lines", "cut off"],
)
def test_the_records_are_found(text):
    assert _read(text) == [ONE, TWO]


@pytest.mark.parametrize(
    "text", ["", "I cannot do that.", "[]", "{}", '{"clips": 3}', '{"clips": [{"first_sent', "{" * 999]
)
def test_a_text_without_records_gives_none(text):
    assert _read(text) is None


def test_an_empty_list_is_an_answer():
    assert _read('{"clips": []}') == []


def test_thoughts_that_never_end_are_no_answer():
    assert _read(f"<think>{ASKED_FOR}") is None


def test_an_answer_of_any_size_is_read_only_so_far():
    assert len(_read(json.dumps({"clips": [ONE] * 5000}))) == RECORDS_LIMIT


@pytest.mark.parametrize(
    "nonsense", ['{"clips": ' + "[" * 50_000, '{"a":' * 50_000, '{"clips": [' + "9" * 50_000 + "]}"]
)
def test_nonsense_that_breaks_parsers_is_no_answer(nonsense):
    assert _read(nonsense) is None


@given(st.text(alphabet='{}[]",:\\ clipsfrt_en19.<>/think`\n'))
def test_no_text_raises(text):
    _read(text)


@given(
    st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner))
)
@pytest.mark.slow
def test_no_json_raises(value):
    assert all(isinstance(record, dict) for record in _read(json.dumps({"clips": value})) or [])


def test_texts_are_read_as_numbers_only_where_numbers_belong():
    record = {"first_sentence": "sentence 12", "score": "87/100", "title": "12", "reason": None}
    assert with_numbers(record) == {"first_sentence": 12.0, "score": 87.0, "title": "12"}
