"""No sentence and no log line shows the user and password of an address."""

import traceback

import pytest
from clipmill.operations.credentials import conceal_credentials, split_address, without_credentials


@pytest.mark.parametrize(
    ("addresses", "shown"),
    [
        ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
        ("nats://a:b@one,nats://c:d@two:4223", "nats://***@one,nats://***@two:4223"),
        ("nats://token@one", "nats://***@one"),
        ("nats://a:b,c@one", "nats://***@one"),
        ("http://user:s3/cr@et@proxy:3128", "http://***@proxy:3128"),
        ("user:s3cret@proxy", "***@proxy"),
        ("https//user:s3cret@proxy", "***@proxy"),
        ("file:///clips@home", "file:///clips@home"),
    ],
)
def test_an_address_is_shown_without_its_user(addresses, shown):
    assert without_credentials(addresses) == shown


def test_text_is_shown_without_the_users_of_its_addresses():
    text = "Unable to download https://user:s3cret@site.example/a (as https://site.example/@someone says)"
    assert conceal_credentials(text) == text.replace("user:s3cret", "***")


@pytest.mark.parametrize(
    "address", ["http://user:s3cret/x@host", "http://user:s3cret℀@host", "http://user:[s3cret@host", "s3cret"]
)
def test_an_address_that_cannot_be_read_is_refused_without_quoting_it(address):
    with pytest.raises(ValueError, match="malformed") as caught:
        split_address(address)
    said = traceback.format_exception(caught.value)
    assert "s3cret" not in said[-1]
    assert len([line for line in said if "Error: " in line]) == 1
