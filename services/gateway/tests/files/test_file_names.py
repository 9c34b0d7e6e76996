"""Names of files made from titles: every system takes them, and they keep what people wrote."""

import re
import unicodedata
from email.message import Message
from urllib.parse import unquote

import pytest
from clipmill.gateway.api.file_names import NAME_BYTES, RESERVED, disposition, file_name
from hypothesis import given
from hypothesis import strategies as st

FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("It's 🎬 <b>", "It's 🎬 b"),
        ('He said "no"', "He said 'no'"),
        ("Why: this/that?", "Why- this-that"),
        ("日本語のタイトル", "日本語のタイトル"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("می‌خواهم", "می‌خواهم"),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
        ("cafe\u0301", "café"),
        ("a\u202eb", "ab"),
        ("one\r\ntwo\tthree", "one two three"),
        ("ends with dots... ", "ends with dots"),
        ("..", "clip_1"),
        ("???", "clip_1"),
        ("\u200d", "clip_1"),
        ("", "clip_1"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com¹", "_com¹"),
        ("console", "console"),
    ],
)
def test_a_title_becomes_a_name(title, name):
    assert file_name(title, "clip_1") == name


@given(st.text(max_size=400))
def test_every_system_takes_the_name_of_any_title(title):
    name = file_name(title, "clip_1")
    assert name
    assert not FORBIDDEN.search(name)
    assert not name.endswith((".", " "))
    assert name == name.strip()
    assert name.partition(".")[0].strip().casefold() not in RESERVED
    assert len(name.encode()) <= NAME_BYTES + 1
    assert unicodedata.is_normalized("NFC", name)


@given(st.text(max_size=400))
def test_a_disposition_is_ascii_and_names_the_file_exactly(title):
    name = f"{file_name(title, 'clip_1')}.mp4"
    header = disposition(name, "clip_1.mp4", download=True)
    assert header.isascii()
    assert header.isprintable()
    plain, encoded = re.fullmatch(r"attachment; filename=\"([^\"\\%]+)\"; filename\*=UTF-8''(\S+)", header).groups()
    assert unquote(encoded) == name
    assert plain.endswith(".mp4")
    message = Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == "attachment"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Café crème.mp4", "Cafe creme.mp4"),
        ("日本語.mp4", "clip_3.mp4"),
        ("100% 🎬.mp4", "100.mp4"),
        ("It's.mp4", "It's.mp4"),
    ],
)
def test_clients_that_know_ascii_only_get_what_is_left_of_the_name(name, shown):
    assert f'filename="{shown}"' in disposition(name, "clip_3.mp4", download=False)
    assert disposition(name, "clip_3.mp4", download=False).startswith("inline; ")
