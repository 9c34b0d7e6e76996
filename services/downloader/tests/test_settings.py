"""Settings of the downloader that cannot be used stop its start with a sentence that says what to write."""

from pathlib import Path

import pytest
from clipmill.downloader.settings import DownloaderSettings
from clipmill.operations.settings import SettingsError


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("10.1.0.5/16", "write 10.1.0.0/16."), ("fd00::1/8", "write fd00::/8."), ("intranet", "such as 10.1.0.0/16.")],
)
def test_a_wrong_network_is_refused_with_what_to_write(text: str, remedy: str):
    with pytest.raises(SettingsError) as caught:
        DownloaderSettings(allowed_networks=("10.0.0.0/8", text)).check()
    assert str(caught.value).startswith(f"CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS has '{text}', which ")
    assert str(caught.value).endswith(remedy)


def test_networks_of_both_versions_are_read():
    networks = ("10.1.0.0/16", "FD00::/8", "192.168.0.7")
    read = DownloaderSettings(allowed_networks=networks).networks()
    assert [str(network) for network in read] == ["10.1.0.0/16", "fd00::/8", "192.168.0.7/32"]


def test_a_file_of_cookies_that_cannot_be_read_stops_the_start(tmp_path: Path):
    missing = tmp_path / "cookies.txt"
    with pytest.raises(SettingsError) as caught:
        DownloaderSettings(cookies_file=missing).check()
    assert str(caught.value) == (
        f"CLIPMILL_DOWNLOADER_COOKIES_FILE names {missing}, which cannot be read (No such file or directory); "
        "name a file that the downloader may read."
    )
    missing.touch()
    DownloaderSettings(cookies_file=missing).check()
