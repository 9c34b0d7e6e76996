"""The options that a client may send, and refusals that name the field."""

import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import Priority
from clipmill.contracts.options import Background, CaptionStyle, JobOptions, LayoutChoice, OutputFormat
from clipmill.gateway.api.options import parse_options, parse_priority, parse_url
from hypothesis import given
from hypothesis import strategies as st


def test_nothing_sent_means_the_defaults():
    assert parse_options({"url": "https://example.com"}) == (JobOptions(), ())


def test_texts_of_a_form_mean_the_same_as_json():
    sent = {"target_clips": 5, "clip_min_seconds": 20, "clip_max_seconds": 45.5, "language": "de", "captions": False}
    sent |= {"output_format": "square", "layout": "fit", "background": "solid", "hook": True}
    texts = {name: str(value).lower() for name, value in sent.items()}
    assert parse_options(sent) == parse_options(texts)
    assert parse_options(sent)[0] == JobOptions(
        target_clips=5,
        clip_min_seconds=20,
        clip_max_seconds=45.5,
        language="de",
        captions=CaptionStyle.OFF,
        output_format=OutputFormat.SQUARE,
        layout=LayoutChoice.FIT,
        background=Background.SOLID,
        hook=True,
    )


@pytest.mark.parametrize(
    ("sent", "style"),
    [
        ("on", CaptionStyle.BOLD),
        (True, CaptionStyle.BOLD),
        ("true", CaptionStyle.BOLD),
        ("off", CaptionStyle.OFF),
        (False, CaptionStyle.OFF),
        ("Box", CaptionStyle.BOX),
        *((style.value, style) for style in CaptionStyle),
    ],
)
def test_captions_are_switched_or_named_by_style(sent, style):
    assert parse_options({"captions": sent})[0].captions is style


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("captions", "on, bold, box, fill, clean, off"),
        ("output_format", "vertical, square, horizontal"),
        ("layout", "auto, track, fit, split"),
        ("background", "blur, solid"),
    ],
)
def test_a_refused_choice_lists_what_there_is(name, choices):
    with pytest.raises(Permanent) as refusal:
        parse_options({name: "zebra"})
    assert refusal.value.sentence == f"The option {name} must be one of: {choices}."


def test_fields_nobody_knows_are_ignored_and_named():
    assert parse_options({"quality": "best", "foo": 1})[1] == ("foo", "quality")


def test_a_job_is_of_normal_priority_unless_it_is_urgent():
    assert parse_priority({}) is parse_priority({"priority": ""}) is parse_priority({"priority": "normal"})
    assert parse_priority({"priority": "HIGH"}) is Priority.HIGH
    for value in ("urgent", 1, ["high"], False):
        with pytest.raises(Permanent, match="priority must be high or normal"):
            parse_priority({"priority": value})


def test_the_length_that_was_not_sent_gives_way():
    assert parse_options({"clip_max_seconds": 10})[0].clip_min_seconds == 10
    assert parse_options({"clip_min_seconds": 90})[0].clip_max_seconds == 90


@pytest.mark.parametrize("name", ["webhook_url", "webhook_secret"])
def test_an_option_of_a_later_version_is_refused_by_name(name):
    with pytest.raises(Permanent) as refusal:
        parse_options({name: "on"})
    assert refusal.value.code is ErrorCode.NOT_YET_SUPPORTED
    assert name in refusal.value.sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target_clips", 0),
        ("target_clips", 16),
        ("target_clips", 2.5),
        ("target_clips", True),
        ("target_clips", "many"),
        ("target_clips", [3]),
        ("clip_min_seconds", 1),
        ("clip_min_seconds", "NaN"),
        ("clip_max_seconds", 181),
        ("clip_max_seconds", "inf"),
        ("language", "klingon"),
        ("language", 5),
        ("captions", "karaoke"),
        ("captions", 1),
        ("captions", ["bold"]),
        ("output_format", "9:16"),
        ("output_format", True),
        ("layout", "off"),
        ("layout", 0),
        ("background", "red"),
        ("hook", "maybe"),
        ("hook", 1),
    ],
)
def test_a_bad_value_is_refused_by_name(name, value):
    with pytest.raises(Permanent) as refusal:
        parse_options({name: value})
    assert refusal.value.code is ErrorCode.BAD_OPTION
    assert name in refusal.value.sentence


def test_the_shortest_clip_is_not_longer_than_the_longest():
    with pytest.raises(Permanent, match="clip_min_seconds"):
        parse_options({"clip_min_seconds": 40, "clip_max_seconds": 30})


@given(st.dictionaries(st.text(max_size=20), st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
def test_whatever_is_sent_gives_usable_options_or_a_refusal(fields):
    try:
        options, ignored = parse_options(fields)
    except Permanent:
        return
    assert 1 <= options.target_clips <= 15
    assert 5 <= options.clip_min_seconds <= options.clip_max_seconds <= 180
    assert set(ignored) <= fields.keys()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a.mp4",
        "file:///etc/passwd",
        "example.com",
        "http://",
        "https://[::1",
        "http://a b/",
        7,
        "x" * 3000,
        "javascript:alert(1)",
        "http://example.com:99999/",
    ],
)
def test_only_http_addresses_are_taken(url):
    with pytest.raises(Permanent) as refusal:
        parse_url(url)
    assert refusal.value.code is ErrorCode.BAD_URL


@pytest.mark.parametrize(
    "url", ["https://www.youtube.com/watch?v=a&t=3", "HTTP://EXAMPLE.com:8080/ü.mp4", "http://[::1]/a"]
)
def test_http_addresses_are_kept_as_sent(url):
    assert parse_url(url) == url
