"""yt-dlp gets a copy of the operator's cookies that has no line which it would print."""

from pathlib import Path

import pytest
from clipmill.downloader.cookies import copy_cookies
from yt_dlp.cookies import YoutubeDLCookieJar

GOOD = "site.example\tFALSE\t/\tFALSE\t0\tsession\tvalue"
HTTP_ONLY = "#HttpOnly_.site.example\tTRUE\t/\tTRUE\t1999999999.5\tlogin\tvalue"


def _copied(tmp_path: Path, *lines: str) -> tuple[list[int], Path]:
    source, target = tmp_path / "source.txt", tmp_path / "target.txt"
    source.write_text("\n".join(lines))
    return copy_cookies(source, target), target


def test_a_good_file_is_copied_whole(tmp_path):
    lines = ("# Netscape HTTP Cookie File", "", GOOD, HTTP_ONLY)
    dropped, target = _copied(tmp_path, *lines)
    assert dropped == []
    assert target.read_text().splitlines() == list(lines)


@pytest.mark.parametrize("bad", ["SID=s3cret", GOOD.replace("\t0\t", "\tnever\t"), GOOD.replace("\t", " "), '{"a": 1}'])
def test_a_malformed_line_is_left_out_and_numbered(tmp_path, capfd, bad):
    dropped, target = _copied(tmp_path, "# Netscape HTTP Cookie File", bad, GOOD)
    assert dropped == [2]
    jar = YoutubeDLCookieJar(str(target))
    jar.load()
    assert [cookie.name for cookie in jar] == ["session"]
    assert capfd.readouterr() == ("", "")


def test_a_file_of_another_format_is_refused_without_quoting_it(tmp_path):
    with pytest.raises(ValueError, match="no line is a cookie in Netscape format") as caught:
        _copied(tmp_path, '[{"name": "SID", "value": "s3cret"}]')
    assert "s3cret" not in str(caught.value)
