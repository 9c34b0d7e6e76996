"""Titles, captions and hashtags for clips, taken from the words that are said and never invented."""

import re
from collections.abc import Sequence

from clipmill.analyzer.talk.grammar import NEVER_LAST, NUMERALS
from clipmill.analyzer.talk.hashtags import HASHTAG_LIMIT
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES
from clipmill.analyzer.talk.punctuation import CLOSERS, COMMAS, FULL_STOPS, OPENERS, QUOTES
from clipmill.analyzer.talk.terms import DENSE, MARKS
from clipmill.contracts.swear_words import is_swear_word

TITLE_LIMIT = 100
"""YouTube's limit for a title, in characters; other platforms show fewer."""

CAPTION_LIMIT = 2200
"""TikTok's and Instagram's limit for a caption, in characters."""

_LEADING = re.compile(
    r"^(?:(?:(?:and|so|but|uh|um)\b[\s,]+)|(?:(?:well|okay|ok|now|yes|no|oh|you know|i mean|like),\s+))+", re.IGNORECASE
)
"""Words of English speakers before they begin; `no` and others count only before a comma, as in `No, I did.`"""

SHORTEST_DENSE_TITLE = 4
"""Fewest letters of a title in a script whose letters stand for syllables or words."""

LETTERS_OF_TITLE = 0.6
"""Share of letters from which a name with blanks is a title and not a date or a number."""

_FILE_ENDING = re.compile(
    r"\.(?:mp4|m4v|mov|mkv|webm|avi|wmv|flv|mpe?g|ts|m2ts|mts|3gp|ogv|mp3|m4a|wav)$", re.IGNORECASE
)
_FILE_WORDS = frozenset(
    """img vid mov mvi dsc dscn dscf dji gopr gx gh gl pxl mah mts wa whatsapp clip clips video videos videoplayback
    playback movie movies untitled unbenannt ohne titel sin titulo sans titre recording recordings recorded
    record screen screenrecording screencast screenshot capture zoom audio voice memo sound final finished
    master output export exported render rendered draft rough cut edit edited version ver rev v copy kopie copia
    copie aufnahme bildschirmaufnahme bildschirmvideo aufzeichnung enregistrement grabacion grabación
    registrazione gravação design project projekt sequence timeline composition comp file datei document media
    meeting gmt podcast track take part teil test temp tmp sample footage raw converted compressed upload
    uploads download downloaded mp4 mov avi mkv webm hd fhd uhd sd h264 h265 x264 am pm utc""".split()
)
"""Words of names that cameras, programs and people in a hurry give to files."""

_FILE_FILLERS = frozenset("new neue neuer my mein a an the of at on von am vom de and und".split()) | NUMERALS
"""Words between them that make no title of a name either."""

_PARTS_OF_NAME = re.compile(r"[^\W\d_]+|\d+")
_COUNTER = re.compile(
    r"\s*(?:\(\d+\)|\bv\d+|\b(?:final|copy|kopie|edit|export|master|draft)(?:\s+\d+)?)\s*$", re.IGNORECASE
)
"""Ends that tell one file from another with the same name."""

_PHRASE_ENDS = frozenset((*COMMAS, *FULL_STOPS))
ELLIPSIS = "\u2026"
"""Mark of a title that had to be cut."""

_BLANKS = re.compile(r"\s+")
_HASHTAG = re.compile(rf"#[\w{MARKS}]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_ABBREVIATED = re.compile(r"\b(?:[A-Z]\.){2,}$")
_APOSTROPHES = ("'", "\u2018", "\u2019", "\u201a")
_OPENING_APOSTROPHE = re.compile(r"(?<!\S)['\u2018](?=\w)")
_CLOSING_APOSTROPHE = re.compile(r"['\u2018\u2019](?!\w)")
_BEFORE_QUOTES = " \t\n([{\u2014\u2013-"
_LOOSE_ENDS = "".join(mark for mark in (*COMMAS, *FULL_STOPS) if mark != "!") + "-"


def title_from(text: str, limit: int = TITLE_LIMIT, spoken_in: str | None = None) -> str:
    """Return `text` as a title: one line that begins with a capital and has no loose marks at its end.

    Args:
        text: Words that somebody said, or a name.
        limit: Largest number of characters.
        spoken_in: ISO 639-1 code if somebody said the text, to leave out the words of English speakers before they
            begin; an empty code counts as English. None if nobody said it.
    """
    line = _BLANKS.sub(" ", _CONTROL.sub(" ", text)).strip()
    begun = _LEADING.sub("", line) if spoken_in in LEXICON_LANGUAGES else line
    bare = begun.strip(OPENERS + CLOSERS + " ")
    if bare and begun[: begun.find(bare)].endswith(_APOSTROPHES):
        bare = _CLOSING_APOSTROPHE.sub("", bare, count=1)
    elif bare and begun[begun.rfind(bare) + len(bare) :][:1] in _APOSTROPHES:
        bare = _OPENING_APOSTROPHE.sub("", bare, count=1)
    line = bare or line
    if len(line) > limit:
        line = shortened_phrase(line, limit)
    ends = _ABBREVIATED.search(line) or (line.endswith(ELLIPSIS) and spoken_in in LEXICON_LANGUAGES)
    line = line if ends else line.rstrip(_LOOSE_ENDS + " ")
    closing = QUOTES.search(begun, begun.rfind(line) + len(line)) if len(QUOTES.findall(line)) % 2 else None
    line += closing.group() if closing else ""
    if len(QUOTES.findall(line)) % 2:
        line = QUOTES.sub("", line)
    return line[:1].upper() + line[1:]


def human_title(text: str) -> str:
    """Return the title of a source if a person wrote it, and an empty text if it is the name of a file."""
    line = _BLANKS.sub(" ", text).strip()
    bare = _FILE_ENDING.sub("", line)
    while (shorter := _COUNTER.sub("", bare)) != bare and " " in shorter:
        bare = shorter
    words = [word.lower() for word in _PARTS_OF_NAME.findall(bare)]
    letters = sum(letter.isalpha() for letter in bare)
    worded = " " in bare or len(DENSE.findall(bare)) >= SHORTEST_DENSE_TITLE
    of_file = all(word.isdigit() or word in _FILE_WORDS or word in _FILE_FILLERS for word in words)
    if "_" in bare or of_file or not worded or letters < len(bare.replace(" ", "")) * LETTERS_OF_TITLE:
        return ""
    return bare


def shortened_phrase(text: str, limit: int) -> str:
    """Return the beginning of `text` of at most `limit` characters that ends with a phrase as far as possible.

    It ends at the last comma or the like in its second half. Elsewhere it ends between words, without the short words
    that lead to the next phrase in most languages (English function words, and words of up to three small letters).
    """
    if len(text) <= limit:
        return text
    ends = [
        at for at in range(limit // 2, limit + 1) if text[at] in _PHRASE_ENDS and not text[at + 1 : at + 2].isalnum()
    ]
    if ends:
        return text[: ends[-1]].rstrip()
    words = shortened(text, limit).split(" ")
    while len(words) > 2 and (words[-1].lower() in NEVER_LAST or (len(words[-1]) <= 3 and words[-1].islower())):
        words.pop()
    return " ".join(words)


def shortened(text: str, limit: int) -> str:
    """Return `text`, cut between words if it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    cut = text[: limit + 1]
    at = cut.rfind(" ")
    return (cut[:at] if at > limit // 2 else cut[:limit]).rstrip()


def caption_of(text: str, hashtags: Sequence[str], limit: int = CAPTION_LIMIT) -> str:
    """Return `text` with `hashtags` after it, at most `limit` characters in all."""
    tags = " ".join(hashtags)
    return f"{shortened(clean(text), limit - len(tags) - 1)} {tags}".strip()


def paired_quotes(text: str) -> str:
    """Return `text` without the quotation marks that have no other half in it."""
    alone: list[int] = []
    opened: list[int] = []
    for match in QUOTES.finditer(text):
        mark, at = match.group(), match.start()
        opens = mark in "\u201c\u201e\u00ab" if mark != '"' else not text[:at].strip() or text[at - 1] in _BEFORE_QUOTES
        if opens and not (mark == "\u201c" and opened and text[opened[-1]] == "\u201e"):
            opened.append(at)
        elif opened:
            opened.pop()
        else:
            alone.append(at)
    loose = {*alone, *opened}
    return "".join(letter for at, letter in enumerate(text) if at not in loose)


def clean(text: str) -> str:
    """Return `text` without control characters and surrounding blanks; line breaks stay."""
    return _CONTROL.sub(" ", text).strip()


def clean_hashtags(text: str, language: str = "") -> str:
    """Return `text` without hashtags of swear words, which a mask would leave unreadable.

    Args:
        text: A caption.
        language: ISO 639-1 code; empty if unknown.
    """
    swearing = [match for match in _HASHTAG.finditer(text) if is_swear_word(match.group()[1:].lower(), language)]
    for match in reversed(swearing):
        text = text[: match.start()].rstrip() + text[match.end() :]
    return text


def limited_hashtags(text: str, most: int = HASHTAG_LIMIT) -> str:
    """Return `text` with only its first `most` hashtags."""
    surplus = list(_HASHTAG.finditer(text))[most:]
    for match in reversed(surplus):
        text = text[: match.start()].rstrip() + text[match.end() :]
    return text
