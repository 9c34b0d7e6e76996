"""Variables of a service set how often and when each of its stages tries a task again."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from clipmill.contracts.stages import Stage
from clipmill.messaging.retry import RetryPolicy
from clipmill.operations.settings import SettingsError, load_settings

PREFIXES = {
    Stage.DOWNLOAD: "CLIPMILL_DOWNLOADER_",
    Stage.TRANSCRIBE: "CLIPMILL_TRANSCRIBER_",
    Stage.SCENES: "CLIPMILL_ANALYZER_SCENES_",
    Stage.ANALYZE: "CLIPMILL_ANALYZER_ANALYZE_",
    Stage.RENDER: "CLIPMILL_RENDERER_",
}


@pytest.fixture
def load(services):
    """Return a function that loads the settings of a stage's service with variables of the stage."""

    def load(stage, **values):
        name = stage.row.service
        environ = {f"{PREFIXES[stage]}{variable}": value for variable, value in values.items()}
        return load_settings(services[name].settings, name, environ)

    return load


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({stage.row.service for stage in Stage}))
async def test_the_settings_reach_the_workers_of_their_stages(services, name):
    build = import_module(f"clipmill.{name}.__main__").build
    own = {stage: prefix for stage, prefix in PREFIXES.items() if stage.row.service == name}
    environ = {"CLIPMILL_RENDERER_SPARES": "0", "CLIPMILL_TRANSCRIBER_DEVICE": "cpu"}
    for number, prefix in enumerate(own.values(), 5):
        environ[f"{prefix}ATTEMPTS"] = str(number)
        environ[f"{prefix}RETRY_FIRST_SECONDS"] = f"{number}.5"
        environ[f"{prefix}RETRY_LIMIT_SECONDS"] = str(number * 10)
    settings = load_settings(services[name].settings, name, environ)
    async with build(settings, SimpleNamespace(store=None)) as works:
        policies = {work.stage: work.retry for work in works}
    assert policies == {
        stage: RetryPolicy(attempts=number, first_delay=number + 0.5, delay_limit=number * 10.0)
        for number, stage in enumerate(own, 5)
    }


@pytest.mark.parametrize("stage", Stage)
def test_the_delays_are_by_default_those_of_every_policy(load, stage):
    settings = load(stage)
    field = PREFIXES[stage].removeprefix(f"CLIPMILL_{stage.row.service.upper()}_").lower()
    policy = RetryPolicy()
    assert getattr(settings, f"{field}retry_first_seconds") == policy.first_delay
    assert getattr(settings, f"{field}retry_limit_seconds") == policy.delay_limit


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "soon"])
def test_a_delay_is_a_finite_number_of_seconds_above_zero(load, stage, text):
    for variable in ("RETRY_FIRST_SECONDS", "RETRY_LIMIT_SECONDS"):
        with pytest.raises(SettingsError, match=rf"^{PREFIXES[stage]}{variable} is '{text}', but must be "):
            load(stage, **{variable: text})


@pytest.mark.parametrize("stage", Stage)
def test_the_longest_delay_is_not_below_the_first(load, stage):
    sentence = f"{PREFIXES[stage]}RETRY_LIMIT_SECONDS is 120, but must be at least 300, the value of {PREFIXES[stage]}"
    with pytest.raises(SettingsError, match=f"^{sentence}RETRY_FIRST_SECONDS\\.$"):
        load(stage, RETRY_FIRST_SECONDS="300")
    load(stage, RETRY_FIRST_SECONDS="300", RETRY_LIMIT_SECONDS="300")
