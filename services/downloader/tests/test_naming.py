import re

import pytest
from clipmill.contracts.documents import Origin
from clipmill.downloader.naming import file_title, origin_of, stem_of, title_of, url_title
from hypothesis import given
from hypothesis import strategies as st


@given(st.text(max_size=400))
def test_a_stem_is_safe_and_never_empty_whatever_the_title(title: str):
    assert re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,78}[A-Za-z0-9])?", stem_of(title))


@given(st.text(max_size=400))
def test_a_stem_is_its_own_stem(title: str):
    assert stem_of(stem_of(title)) == stem_of(title)


@given(st.text(max_size=400))
def test_a_title_is_one_line_that_can_be_written(title: str):
    shown = title_of(title)
    assert len(shown) <= 300
    assert shown.isprintable() or not set(shown) & set("\r\n\t\x00\x1b\u2028")
    shown.encode()


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("weird näme 🎬 it's.mp4", "weird_name_its"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot"),
        ("C:\\videos\\My Talk.MOV", "My_Talk"),
        ("a" * 251 + ".mp4", "a" * 80),
        ("🎬.mp4", "video"),
        ("", "video"),
        (".mp4", "video"),
        ("--help.mp4", "help"),
        ("video_123.mp4", "video_123"),
        ("talk\x00\r\nSet-Cookie: x.mp4", "talk_Set-Cookie_x"),
        ("<script>.mp4", "script"),
        ("3.14 of things.webm", "3_14_of_things"),
    ],
)
def test_file_names_become_stems(name: str, stem: str):
    assert stem_of(file_title(name)) == stem


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("https://example.org/videos/My%20talk.mp4?x=1", "My talk"),
        ("https://example.org/", "example.org"),
        ("https://example.org/watch", "watch"),
    ],
)
def test_a_url_gives_a_title(url: str, title: str):
    assert url_title(url) == title


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://www.youtube.com/watch?v=x", Origin.YOUTUBE),
        ("https://youtube.com/shorts/x", Origin.YOUTUBE),
        ("https://m.youtube.com/watch?v=x", Origin.YOUTUBE),
        ("https://music.youtube.com/watch?v=x", Origin.YOUTUBE),
        ("https://youtu.be/x", Origin.YOUTUBE),
        ("https://www.youtube-nocookie.com/embed/x", Origin.YOUTUBE),
        ("https://YOUTU.BE./x", Origin.YOUTUBE),
        ("https://notyoutube.com/x", Origin.URL),
        ("https://youtube.com.example.org/x", Origin.URL),
        ("https://example.org/youtube.com", Origin.URL),
        (None, Origin.UPLOAD),
    ],
)
def test_where_a_source_comes_from(url: str | None, origin: Origin):
    assert origin_of(url) is origin
