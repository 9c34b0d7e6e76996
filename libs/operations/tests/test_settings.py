"""Settings from environment variables."""

import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
from clipmill.operations.settings import (
    AT_LEAST,
    FORMERLY,
    CommonSettings,
    LogFormat,
    Secret,
    SettingsError,
    current,
    describe,
    load_settings,
    renamed_variables,
    sources,
    unknown_variables,
)
from msgspec import Meta, Struct


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class ShopSettings(Struct, frozen=True, kw_only=True):
    shop_url: Annotated[str, Meta(description="Address of the shop.", pattern="^https?://")] = ""


class PaintSettings(Struct, frozen=True, kw_only=True):
    common: CommonSettings = CommonSettings()
    port: Annotated[int, Meta(description="Port.", ge=0, le=65535)] = 9109
    share: Annotated[float, Meta(description="Share of white, 0 to 1.", gt=0, le=1)] = 0.5
    glossy: Annotated[bool, Meta(description="Whether it shines.")] = False
    colour: Annotated[Colour, Meta(description="What it looks like.")] = Colour.RED
    brushes: Annotated[tuple[str, ...], Meta(description="Which brushes.")] = ("flat", "round")
    limit: Annotated[int | None, Meta(description="Most coats; unset for any number.", ge=1)] = None
    folder: Annotated[Path | None, Meta(description="Where tins are.")] = None
    api_key: Annotated[Secret | None, Meta(description="Key of the paint shop.")] = None
    drying: Annotated[
        float, Meta(description="Pause between coats, seconds.", ge=0, extra={FORMERLY: "CLIPMILL_DRYING_SECONDS"})
    ] = 60.0
    drying_limit: Annotated[
        float, Meta(description="Longest pause between coats, seconds.", gt=0, extra={AT_LEAST: "drying"})
    ] = 600.0
    thinner: Annotated[
        bool, Meta(description="Whether paint is thinned.", extra={FORMERLY: "CLIPMILL_PAINT_OIL_THINNER"})
    ] = False


def load(**environ: str) -> PaintSettings:
    return load_settings(PaintSettings, "paint", {f"CLIPMILL_{name}": value for name, value in environ.items()})


def test_nothing_set_gives_the_defaults():
    assert load() == PaintSettings()


def test_an_empty_variable_counts_as_unset():
    assert load(PAINT_PORT="", PAINT_LIMIT="  ", NATS_URL="") == PaintSettings()


def test_every_type_is_read():
    settings = load(
        PAINT_PORT="0",
        PAINT_SHARE="1",
        PAINT_GLOSSY="yes",
        PAINT_COLOUR="blue",
        PAINT_BRUSHES=" flat, ,fan ",
        PAINT_LIMIT="3",
        PAINT_FOLDER="/tins",
        PAINT_API_KEY="k",
    )
    assert settings == PaintSettings(
        port=0,
        share=1.0,
        glossy=True,
        colour=Colour.BLUE,
        brushes=("flat", "fan"),
        limit=3,
        folder=Path("/tins"),
        api_key=Secret("k"),
    )


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("true", True), ("ON", True), ("0", False), ("False", False), ("no", False)]
)
def test_a_truth_value_is_read_in_any_usual_spelling(text, value):
    assert load(PAINT_GLOSSY=text).glossy is value


def test_common_settings_come_from_variables_without_the_service_name():
    settings = load(NATS_URL="nats://broker:4222", LOG_FORMAT="json", PAINT_NATS_URL="ignored")
    assert settings.common.nats_url == "nats://broker:4222"
    assert settings.common.log_format is LogFormat.JSON


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("PAINT_PORT", "many", "a whole number from 0 to 65535"),
        ("PAINT_PORT", "70000", "a whole number from 0 to 65535"),
        ("PAINT_PORT", "1.5", "a whole number"),
        ("PAINT_SHARE", "0", "a number greater than 0 and at most 1"),
        ("PAINT_SHARE", "nan", "a number"),
        ("PAINT_GLOSSY", "perhaps", "true or false"),
        ("PAINT_COLOUR", "green", "one of red, blue"),
        ("PAINT_LIMIT", "0", "a whole number, at least 1"),
        ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("NATS_REPLICAS", "0", "a whole number from 1 to 5"),
    ],
)
def test_a_wrong_value_names_the_variable_the_value_and_what_is_allowed(variable, value, allowed):
    with pytest.raises(SettingsError) as caught:
        load(**{variable: value})
    message = str(caught.value)
    assert message.startswith(f"CLIPMILL_{variable} is {value!r}, but must be ")
    assert allowed in message


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "1e999"])
def test_a_number_must_be_finite(text):
    with pytest.raises(SettingsError, match=rf"^CLIPMILL_PAINT_DRYING_LIMIT is '{text}', but must be "):
        load(PAINT_DRYING_LIMIT=text)


def test_a_value_below_the_setting_that_it_must_reach_names_both():
    assert load(PAINT_DRYING="600").drying_limit == 600.0
    sentence = r"^CLIPMILL_PAINT_DRYING_LIMIT is 600, but must be at least 700, the value of CLIPMILL_PAINT_DRYING\.$"
    with pytest.raises(SettingsError, match=sentence):
        load(PAINT_DRYING="700")
    with pytest.raises(SettingsError, match=r"^CLIPMILL_PAINT_DRYING_LIMIT is 30, but must be at least 60, "):
        load(PAINT_DRYING_LIMIT="30")
    described = {setting.variable: setting.type for setting in describe(PaintSettings, "paint")}
    assert described["CLIPMILL_PAINT_DRYING_LIMIT"] == "a number greater than 0 and at least CLIPMILL_PAINT_DRYING"


def test_a_secret_is_seen_nowhere():
    settings = load(PAINT_API_KEY="hunter2", SECRET_KEY="correct horse")
    seen = f"{settings!r} {settings} {settings.api_key} {settings.api_key!r} {current(settings, 'paint')}"
    assert "hunter2" not in seen
    assert "correct horse" not in seen
    assert settings.api_key is not None
    assert settings.api_key.reveal() == "hunter2"


def test_every_setting_is_described():
    described = {setting.variable: setting for setting in describe(PaintSettings, "paint")}
    assert described["CLIPMILL_PAINT_PORT"].default == "9109"
    assert described["CLIPMILL_PAINT_PORT"].type == "a whole number from 0 to 65535"
    assert described["CLIPMILL_PAINT_BRUSHES"].default == "flat,round"
    assert described["CLIPMILL_PAINT_GLOSSY"].default == "false"
    assert described["CLIPMILL_PAINT_LIMIT"].default == ""
    assert described["CLIPMILL_JOB_RETENTION"].default == "604800"
    assert all(setting.doc for setting in described.values())


def test_what_is_described_as_the_default_can_be_set():
    environ = {setting.variable: setting.default for setting in describe(PaintSettings, "paint")}
    assert load_settings(PaintSettings, "paint", environ) == PaintSettings()


def test_values_in_force_are_listed_by_variable():
    values = current(load(PAINT_PORT="1", HOST="0.0.0.0"), "paint")
    assert values["CLIPMILL_PAINT_PORT"] == "1"
    assert values["CLIPMILL_HOST"] == "0.0.0.0"


def test_an_unknown_variable_is_warned_about_with_a_suggestion():
    environ = {"CLIPMILL_PAINT_PROT": "1", "CLIPMILL_PAINT_PORT": "1", "CLIPMILL_OTHER_X": "1", "PATH": ""}
    assert unknown_variables(PaintSettings, "paint", environ) == [
        "CLIPMILL_PAINT_PROT is not a setting of clipmill and is ignored; did you mean CLIPMILL_PAINT_PORT?"
    ]


def test_a_setting_is_read_under_its_earlier_name():
    settings = load(DRYING_SECONDS="90", PAINT_OIL_THINNER="yes")
    assert settings.drying == 90.0
    assert settings.thinner


def test_the_new_name_of_a_setting_wins_over_its_earlier_one():
    assert load(DRYING_SECONDS="90", PAINT_DRYING="30", PAINT_OIL_THINNER="on", PAINT_THINNER="off") == load(
        PAINT_DRYING="30"
    )
    assert load(DRYING_SECONDS="90", PAINT_DRYING=" ").drying == 90.0


def test_a_wrong_value_under_an_earlier_name_names_the_variable_that_was_set():
    with pytest.raises(SettingsError, match=r"^CLIPMILL_DRYING_SECONDS is 'damp', but must be a number, at least 0\.$"):
        load(DRYING_SECONDS="damp")


def test_an_earlier_name_is_warned_about_once_and_names_the_new_one():
    environ = {"CLIPMILL_DRYING_SECONDS": "90", "CLIPMILL_PAINT_OIL_THINNER": "on", "CLIPMILL_PAINT_THINNER": "off"}
    assert renamed_variables(PaintSettings, "paint", environ) == [
        "CLIPMILL_DRYING_SECONDS is now called CLIPMILL_PAINT_DRYING; set it by that name.",
        "CLIPMILL_PAINT_OIL_THINNER is ignored, because its new name CLIPMILL_PAINT_THINNER is set too.",
    ]
    assert unknown_variables(PaintSettings, "paint", environ) == []


def test_the_source_of_a_value_is_its_default_its_variable_or_its_earlier_name():
    environ = {
        "CLIPMILL_DRYING_SECONDS": "90",
        "CLIPMILL_PAINT_PORT": "1",
        "CLIPMILL_HOST": "::",
        "CLIPMILL_LOG_LEVEL": "",
    }
    found = sources(PaintSettings, "paint", environ)
    assert found["CLIPMILL_PAINT_DRYING"] == "CLIPMILL_DRYING_SECONDS (old name of CLIPMILL_PAINT_DRYING)"
    assert (found["CLIPMILL_PAINT_PORT"], found["CLIPMILL_HOST"]) == ("environment", "environment")
    assert (found["CLIPMILL_PAINT_SHARE"], found["CLIPMILL_LOG_LEVEL"]) == ("default", "default")
    assert sources(PaintSettings, "paint", {**environ, "CLIPMILL_PAINT_DRYING": "30"})["CLIPMILL_PAINT_DRYING"] == (
        "environment"
    )


def test_present_and_empty_names_are_not_warned_about():
    environ = {"CLIPMILL_PAINT_DRYING": "90", "CLIPMILL_DRYING_SECONDS": "", "PATH": "/bin"}
    assert renamed_variables(PaintSettings, "paint", environ) == []


def test_what_is_described_and_in_force_goes_by_the_new_names():
    described = {setting.variable: setting.formerly for setting in describe(PaintSettings, "paint")}
    assert described["CLIPMILL_PAINT_DRYING"] == "CLIPMILL_DRYING_SECONDS"
    assert described["CLIPMILL_PAINT_PORT"] == ""
    values = current(load(DRYING_SECONDS="90"), "paint")
    assert values["CLIPMILL_PAINT_DRYING"] == "90"
    assert "CLIPMILL_DRYING_SECONDS" not in values


def test_the_default_store_is_below_the_users_data_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert CommonSettings().store_url == f"file://{tmp_path}/clipmill/store"
    assert CommonSettings().models_dir == tmp_path / "clipmill" / "models"


def test_a_password_in_an_address_is_in_no_listing_of_the_values():
    settings = load_settings(CommonSettings, "", {"CLIPMILL_NATS_URL": "nats://user:s3cret@nats:4222"})
    assert current(settings, "")["CLIPMILL_NATS_URL"] == "nats://***@nats:4222"


def test_a_password_in_an_address_is_not_in_the_sentence_that_refuses_it():
    environ = {"CLIPMILL_PAINTER_SHOP_URL": "https//user:s3cret@shop"}
    with pytest.raises(SettingsError) as caught:
        load_settings(ShopSettings, "painter", environ)
    assert str(caught.value) == "CLIPMILL_PAINTER_SHOP_URL is '***@shop', but must be text that matches ^https?://."
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
