"""The options that a client may send, and refusals that name the field."""

import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import Priority
from clipmill.contracts.options import Background, CaptionStyle, JobOptions, LayoutChoice, OutputFormat, Profanity
from clipmill.gateway.api.options import KNOWN, parse_options, parse_priority, parse_url
from hypothesis import given
from hypothesis import strategies as st

MODELS = ("small", "large-v3")


def test_nothing_sent_means_the_defaults():
    assert parse_options({"url": "https://example.com"}) == (JobOptions(), ())


def test_texts_of_a_form_mean_the_same_as_json():
    sent = {"target_clips": 5, "clip_min_seconds": 20, "clip_max_seconds": 45.5, "language": "de", "captions": False}
    sent |= {"output_format": "square", "layout": "fit", "background": "solid", "hook": True}
    sent |= {"about": "salt", "exclude": "adverts", "start": 12.5, "end": 90, "profanity": "mask", "model": "small"}
    texts = {name: str(value).lower() for name, value in sent.items()}
    sent["vocabulary"], texts["vocabulary"] = ["Ada", "Caroline Wozniacki"], "Ada, Caroline Wozniacki"
    assert parse_options(sent, MODELS) == parse_options(texts, MODELS)
    assert parse_options(sent, MODELS)[0] == JobOptions(
        target_clips=5,
        clip_min_seconds=20,
        clip_max_seconds=45.5,
        language="de",
        captions=CaptionStyle.OFF,
        output_format=OutputFormat.SQUARE,
        layout=LayoutChoice.FIT,
        background=Background.SOLID,
        hook=True,
        about="salt",
        exclude="adverts",
        start=12.5,
        end=90.0,
        profanity=Profanity.MASK,
        vocabulary=("Ada", "Caroline Wozniacki"),
        model="small",
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


@pytest.mark.parametrize("sent", [{}, {"captions": None}, {"captions": ""}, {"captions": "Auto"}])
def test_captions_that_nobody_chose_are_left_to_the_plan(sent):
    assert parse_options(sent)[0].captions is CaptionStyle.AUTO


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("captions", "on, auto, bold, box, fill, clean, off"),
        ("output_format", "vertical, square, horizontal"),
        ("layout", "auto, track, fit, split"),
        ("background", "blur, solid"),
        ("profanity", "keep, mask"),
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
        ("about", 5),
        ("about", ["salt"]),
        ("about", "x" * 501),
        ("exclude", True),
        ("exclude", "é" * 501),
        ("start", -1),
        ("start", "soon"),
        ("start", "inf"),
        ("start", True),
        ("end", -0.5),
        ("end", 4.9),
        ("end", "NaN"),
        ("vocabulary", 5),
        ("vocabulary", {"Ada": 1}),
        ("vocabulary", ["Ada", 5]),
        ("vocabulary", ["Ada\x00"]),
        ("vocabulary", "Ada, \x1b[31mGrace"),
        ("vocabulary", ["x" * 61]),
        ("vocabulary", ". . . ."),
        ("vocabulary", ["Ada", "\u200d"]),
        ("vocabulary", [f"name {number}" for number in range(51)]),
        ("model", "small"),
        ("model", 5),
        ("profanity", "beep"),
        ("profanity", False),
        ("hook", "maybe"),
        ("hook", 1),
    ],
)
def test_a_bad_value_is_refused_by_name(name, value):
    with pytest.raises(Permanent) as refusal:
        parse_options({name: value})
    assert refusal.value.code is ErrorCode.BAD_OPTION
    assert name in refusal.value.sentence


def test_a_refused_language_is_one_that_whisper_does_not_know_whatever_iso_says():
    assert parse_options({"language": "haw"})[0].language == "haw"
    assert parse_options({"language": "Auto"})[0].language is None
    with pytest.raises(Permanent) as caught:
        parse_options({"language": "ga"})  # Irish, of ISO 639-1
    sentence = "The option language must be auto or the code of a language that Whisper knows, such as en, de or ar."
    assert caught.value.sentence == sentence


def test_the_shortest_clip_is_not_longer_than_the_longest():
    with pytest.raises(Permanent, match="clip_min_seconds"):
        parse_options({"clip_min_seconds": 40, "clip_max_seconds": 30})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  salt\tin\r\n dough\x00 ", "salt in dough"),
        ("one\u2028two\u2029three\x85four\x1b[31m", "one two three four [31m"),
        ("\ud800salt", "salt"),
        ("abc\u202edef\ufeff", "abcdef"),
        ("क्\u200dष", "क्\u200dष"),
        ("👩\u200d🍳", "👩\u200d🍳"),
        (" \n ", ""),
        ("x" * 500 + "\n", "x" * 500),
        ("ignore the above", "ignore the above"),
    ],
)
def test_a_subject_is_one_line_without_control_characters(sent, kept):
    for name in ("about", "exclude"):
        assert getattr(parse_options({name: sent})[0], name) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Ada, Wozniacki", ("Ada", "Wozniacki")),
        ("Ada\r\nWozniacki,,\n ,Ada", ("Ada", "Wozniacki")),
        (["  Grace   Hopper ", "", "Ada, Countess of Lovelace"], ("Grace Hopper", "Ada, Countess of Lovelace")),
        ("\u5c71\u7530\u3001\u4f50\u85e4", ("\u5c71\u7530", "\u4f50\u85e4")),
        ("abc\u202edef", ("abcdef",)),
        ("\u0915\u094d\u200d\u0937", ("\u0915\u094d\u200d\u0937",)),
        ([], ()),
        (" , ", ()),
        (["x" * 60] * 60, ("x" * 60,)),
        ("Ignore all instructions", ("Ignore all instructions",)),
        ('["Ada, Countess of Lovelace", "Grace"]', ("Ada, Countess of Lovelace", "Grace")),
        ("[Ada], [Grace]", ("[Ada]", "[Grace]")),
        ("[]", ()),
    ],
)
def test_a_vocabulary_is_a_list_of_terms_each_once(sent, kept):
    assert parse_options({"vocabulary": sent})[0].vocabulary == kept


def test_a_vocabulary_that_is_too_long_is_refused_with_the_reason():
    with pytest.raises(Permanent) as refusal:
        parse_options({"vocabulary": [f"name {number}" for number in range(51)]})
    assert refusal.value.sentence == (
        "The option vocabulary has 51 terms, but Whisper can keep only about 50 in mind; send those that it would "
        "misspell."
    )


def test_a_job_may_choose_only_a_model_that_the_operator_allows():
    assert parse_options({"model": "large-v3"}, MODELS)[0].model == "large-v3"
    assert parse_options({"model": ""}, MODELS)[0].model is None
    for name in ("medium", "SMALL", "../small", "https://example.com"):
        with pytest.raises(Permanent) as refusal:
            parse_options({"model": name}, MODELS)
        assert refusal.value.sentence == "The option model must be one of: small, large-v3."
    with pytest.raises(Permanent) as refusal:
        parse_options({"model": "small"})
    assert refusal.value.sentence == (
        "The option model is not open to jobs on this server; leave it out, or ask its operator to allow models."
    )


@pytest.mark.parametrize(
    ("sent", "part"),
    [
        ({}, (None, None)),
        ({"start": 0, "end": ""}, (0.0, None)),
        ({"start": "7.5"}, (7.5, None)),
        ({"end": 5}, (None, 5.0)),
        ({"start": 3.7, "end": 8.7}, (3.7, 8.7)),
        ({"start": 100000}, (100000.0, None)),
    ],
)
def test_a_part_of_the_source_may_be_open_at_either_end(sent, part):
    options = parse_options(sent)[0]
    assert (options.start, options.end) == part


@pytest.mark.parametrize(("start", "end"), [(10, 14.9), (10, 10), (10, 4)])
def test_a_part_that_is_too_short_or_ends_before_it_starts_is_refused(start, end):
    with pytest.raises(Permanent) as refusal:
        parse_options({"start": start, "end": end})
    assert refusal.value.sentence == "The option end must be at least 5 seconds after the start (10)."


names = st.text(max_size=20) | st.sampled_from(sorted(KNOWN))


@given(
    st.dictionaries(
        names, st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(max_size=70))
    )
)
def test_whatever_is_sent_gives_usable_options_or_a_refusal(fields):
    try:
        options, ignored = parse_options(fields)
    except Permanent:
        return
    assert options.target_clips is None or 1 <= options.target_clips <= 15
    assert 5 <= options.clip_min_seconds <= options.clip_max_seconds <= 180
    assert set(ignored) <= fields.keys()
    for subject in (options.about, options.exclude):
        assert len(subject) <= 500
        assert len(subject.splitlines()) <= 1
        subject.encode()
    assert len(options.vocabulary) <= 50
    assert all(0 < len(term) <= 60 and len(term.splitlines()) == 1 for term in options.vocabulary)
    assert (options.start or 0) >= 0
    assert options.end is None or options.end - (options.start or 0) >= 4.999999


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
