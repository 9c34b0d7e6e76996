"""Settings and a lent key choose the model that is asked."""

import time
import traceback
from email.utils import formatdate

import pytest
from clipmill.analyzer.asking.provider import ProviderKind
from clipmill.analyzer.asking.transport import seconds_to_wait
from clipmill.analyzer.model_choice import choose, in_own_network
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.operations.settings import Secret, SettingsError, load_settings

LOCAL_MODEL = AnalyzerSettings(provider=ProviderKind.OPENAI, openai_model="meta/Llama-3.1-8B")


def test_without_a_key_nobody_is_asked():
    assert choose(AnalyzerSettings(), None) is None


def test_an_endpoint_needs_no_key():
    choice = choose(LOCAL_MODEL, None)
    assert (choice.name, choice.model, choice.key) == ("Llama-3.1-8B", "meta/Llama-3.1-8B", None)
    assert choice.line == "Analyzing viral moments with Llama-3.1-8B..."
    assert choice.free_unlisted


def test_an_endpoint_out_in_the_world_is_never_free():
    settings = AnalyzerSettings(
        provider=ProviderKind.OPENAI, openai_model="m", openai_base_url="https://api.example.com/v1"
    )
    assert not choose(settings, None).free_unlisted


def test_a_lent_key_goes_before_everything():
    settings = AnalyzerSettings(gemini_api_key=Secret("operator's"))
    assert choose(settings, "lent").key == "lent"
    assert choose(LOCAL_MODEL, "lent").name == "Gemini"


def test_the_provider_is_a_setting():
    environment = {"CLIPMILL_ANALYZER_PROVIDER": "openai", "CLIPMILL_ANALYZER_OPENAI_MODEL": "m"}
    assert load_settings(AnalyzerSettings, "analyzer", environment).provider is ProviderKind.OPENAI
    with pytest.raises(SettingsError, match="one of gemini, openai"):
        load_settings(AnalyzerSettings, "analyzer", {"CLIPMILL_ANALYZER_PROVIDER": "bard"})


def test_the_patience_setting_is_still_read_under_its_earlier_name():
    earlier = {"CLIPMILL_ANALYZER_GEMINI_PATIENCE_SECONDS": "7"}
    assert load_settings(AnalyzerSettings, "analyzer", earlier).provider_patience_seconds == 7.0
    both = {**earlier, "CLIPMILL_ANALYZER_PROVIDER_PATIENCE_SECONDS": "9"}
    assert load_settings(AnalyzerSettings, "analyzer", both).provider_patience_seconds == 9.0


def test_an_endpoint_without_a_model_is_a_problem_that_names_the_variable():
    with pytest.raises(SettingsError, match="CLIPMILL_ANALYZER_OPENAI_MODEL"):
        AnalyzerSettings(provider=ProviderKind.OPENAI).check()
    LOCAL_MODEL.check()
    AnalyzerSettings().check()


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://192.168.1.20/v1", True),
        ("http://localhost:1234/v1", True),
        ("http://ollama:11434/v1", True),
        ("http://host.docker.internal/v1", True),
        ("http://vllm.models.svc.cluster.local/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://8.8.8.8/v1", False),
        ("https://local.example.com/v1", False),
    ],
)
def test_the_own_network_is_known_by_address_and_name(url, own):
    assert in_own_network(url) is own


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("17", 17.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
    ],
)
def test_a_pause_is_read_from_a_header(said, seconds):
    assert seconds_to_wait(said) == seconds


def test_a_pause_may_be_a_date():
    assert 55 <= seconds_to_wait(formatdate(time.time() + 60, usegmt=True)) <= 60
    assert seconds_to_wait(formatdate(time.time() - 60, usegmt=True)) == 0.0


@pytest.mark.parametrize("name", ["gemini_base_url", "openai_base_url"])
@pytest.mark.parametrize("url", ["http://user:s3cret/x@host", "http://user:s3cret℀@host", "http://user:[s3cret@host"])
def test_a_malformed_address_stops_the_start_without_quoting_its_password(name, url):
    with pytest.raises(
        SettingsError, match=f"^CLIPMILL_ANALYZER_{name.upper()} is not the URL of a server; "
    ) as caught:
        AnalyzerSettings(**{name: url}).check()
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
