"""The cost of asking a model is counted."""

import pytest
from clipmill.analyzer.asking.costs import PriceTableError, Spending, Usage, added, load_prices
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.contracts.documents import Cost
from clipmill.operations.settings import SettingsError

MILLION = 1_000_000


def test_cached_tokens_are_cheaper_and_thoughts_count_as_output():
    usage = Usage(prompt_tokens=2 * MILLION, cached_tokens=MILLION, answer_tokens=MILLION, thought_tokens=MILLION)
    assert load_prices().usd("gemini-2.5-flash", usage) == pytest.approx(0.30 + 0.03 + 2 * 2.50)


def test_an_unlisted_model_is_priced_by_an_estimate_and_marked_so():
    spending = Spending(load_prices(), "gemini-9-ultra")
    spending.request(Usage(prompt_tokens=MILLION))
    assert spending.cost == Cost(total_usd=1.5, provider_calls=1, estimated=True)


def test_an_unlisted_model_of_the_operator_is_free_and_not_estimated():
    spending = Spending(load_prices(), "qwen2.5:14b", free_unlisted=True)
    spending.request(Usage(prompt_tokens=MILLION))
    assert spending.cost == Cost(provider_calls=1)


def test_a_request_that_failed_counts_as_a_call():
    spending = Spending(load_prices(), "gemini-2.5-flash")
    spending.request(None)
    spending.request(Usage(prompt_tokens=MILLION))
    assert spending.cost == Cost(total_usd=0.3, provider_calls=2)


def test_costs_add_up():
    total = added(Cost(total_usd=0.1, provider_calls=1, estimated=True), Cost(total_usd=0.2, provider_calls=2))
    assert total == Cost(total_usd=0.3, provider_calls=3, estimated=True)


def test_an_operator_may_bring_prices(tmp_path):
    table = tmp_path / "prices.toml"
    table.write_text('unlisted = "m"\n[models.m]\ninput = 1.0\noutput = 2.0\n')
    usage = Usage(prompt_tokens=MILLION, cached_tokens=MILLION)
    assert load_prices(table).usd("m", usage) == 1.0


@pytest.mark.parametrize(
    "text", ["", "nonsense", 'unlisted = "x"\n[models.m]\ninput = 1.0\noutput = 2.0\n', 'unlisted = "m"\n[models.m]\n']
)
def test_a_table_that_cannot_be_used_is_refused_with_its_name(tmp_path, text):
    table = tmp_path / "prices.toml"
    table.write_text(text)
    with pytest.raises(PriceTableError):
        load_prices(table)
    with pytest.raises(SettingsError, match=r"^CLIPMILL_ANALYZER_PRICE_TABLE names .*prices\.toml, which "):
        AnalyzerSettings(price_table=table).check()


def test_a_table_that_cannot_be_read_says_what_to_name_instead(tmp_path):
    with pytest.raises(SettingsError, match=r"which cannot be read \(No such file.*\); name a TOML file of prices\.$"):
        AnalyzerSettings(price_table=tmp_path / "none.toml").check()


def test_a_table_without_the_price_for_other_models_says_so(tmp_path):
    table = tmp_path / "prices.toml"
    table.write_text('unlisted = "x"\n[models.m]\ninput = 1.0\noutput = 2.0\n')
    with pytest.raises(
        SettingsError, match=r"which uses the price of x for models that it does not list, but has no price for x"
    ):
        AnalyzerSettings(price_table=table).check()
