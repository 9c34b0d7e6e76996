"""The swear words that `Profanity.MASK` and all titles mask, and the masking itself.

Masking replaces every letter after the first with an asterisk, so a masked text is as long as before and its words keep
their times. Whole words are compared, which leaves Scunthorpe and assessments alone.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_DISGUISED = re.compile(r"(?<!\w)(?=\w*[*@$!#1037])[^\W\d_]+[*@$!#1037]+[^\W_]*(?<=\w)(?!\w)")
"""A word in which signs stand for letters, such as `f*ck`."""

_LETTERS_OF_SIGNS = str.maketrans({"@": "a", "$": "s", "!": "i", "1": "i", "0": "o", "3": "e", "7": "t"})
_COMPOUND = re.compile(r"\b(?:mother|bull|horse|bat|dumb|jack)[-\u2010\u2011]$", re.IGNORECASE)
"""First halves of swear words that are written with a hyphen."""
_STARRED = re.compile(r"[^\s-]")
_NEXT_NAME = re.compile(r"\s+[A-Z][a-z]")
_SENTENCE_START = re.compile(r"(?:^|[.!?\u2026]['\")\]\u201d\u2019]*)\s*[-\u2014\u2013\s'\"(\[\u201c\u2018]*$")


def _families(text: str) -> Iterator[str]:
    """Yield the words of `text`, in which `stem: suffix suffix` stands for a stem with each suffix (`-` for none)."""
    for line in text.splitlines():
        stem, mark, suffixes = line.strip().partition(":")
        if mark:
            yield from (stem + suffix.strip("-") for suffix in suffixes.split())
        else:
            yield from stem.split()


EVERYWHERE = frozenset(
    _families(
        """fuck: - s ed er ers in ing ups up off able wit wits face head tard
        motherfuck: - er ers in ing
        clusterfuck: - s
        mindfuck: - s ed ing
        shit: - s ty tier tiest ting ted ter ters show shows hole holes head heads faced load loads storm less
        bullshit: - s ted ting ter ters
        horseshit apeshit batshit dipshit dipshits dogshit chickenshit jackshit goatshit
        shite shites shat
        cunt: - s y
        nigg: er ers a as az uh
        cocksuck: er ers ing
        asshole: - s
        faggot: - s y"""
    )
)
"""Words that have no other meaning, whatever the language: English swear words are said in all of them."""

IN_ENGLISH = frozenset(
    _families(
        """ass asses arse arses
        arsehole: - s
        jackass jackasses dumbass dumbasses badass badasses smartass fatass
        bitch: - es y ed ing in
        biatch
        bastard: - s
        goddamn: - ed it
        goddammit
        wtf stfu gtfo
        piss: - ed es ing er ers
        slut: - s ty
        whore: - s
        wank: - er ers ing ed
        twat: - s
        bollocks
        dickhead: - s
        douchebag: - s
        jizz
        blowjob: - s
        handjob: - s
        titt: y ies
        fag: - s
        kike: - s
        spic: - s
        wetback: - s
        gook: - s"""
    )
)
"""Words that mean something else in other languages, such as the German `Ass` (ace)."""

NAMES_TOO = frozenset(_families("dick: - s\ncock: - s\npussy pussies"))
"""English words that are names as well: they are masked unless a capital marks a name."""

IN_LANGUAGE = {
    "de": frozenset(
        _families(
            """scheiße: - r
            scheisse scheiß scheiss beschissen beschissene beschissener verschissen
            arschloch arschlöcher arsch
            fotze: - n
            wichser: - n
            wichs: e en t
            fick: - e en st t te ten end
            gefickt verfickt verfickte verfickter ficker hurensohn hurensöhne hure huren schlampe schlampen"""
        )
    ),
    "es": frozenset(
        _families(
            """mierda: - s
            put: a as o os ada adas
            hijoputa coño coños joder jodido jodida jodidos jodidas jode
            gilipollas cabrón cabrones cabrona pendejo pendejos pendeja pendejas
            ching: ar ado ada ados adas uen a
            verga culero culeros maricón maricones"""
        )
    ),
    "fr": frozenset(
        _families(
            """merde: - s
            merdique emmerde emmerder emmerdes emmerdeur putain putains pute putes
            conn: ard ards asse asses
            salope: - s
            salaud salauds enculé enculés enculer enfoiré enfoirés nique niquer niqué couille couilles"""
        )
    ),
    "it": frozenset(
        _families(
            """cazz: o i ata ate
            vaffanculo fanculo merda merde stronzo stronza stronzi stronze stronzata stronzate
            puttana puttane coglione coglioni incazzato incazzata minchia"""
        )
    ),
    "pt": frozenset(
        _families(
            """merda: - s
            caralho porra puta putas fod: er ido ida a endo
            foda fodido fodida cacete buceta cuzão arrombado"""
        )
    ),
    "nl": frozenset(_families("""kut klootzak klootzakken neuken geneukt godverdomme gvd hoer hoeren kutwijf""")),
    "pl": frozenset(
        _families(
            """kurw: a yę o y ieł ać
            chuj chuja chuje chujowy pierdol: ić e ony ona one
            jebać jebany jebana jebane zajebiście spierdalaj pizda"""
        )
    ),
    "ru": frozenset(
        """блядь блять бля хуй хуя хуево хуйня пизда пиздец пизды
        ебать ёбаный ебаный ебаная заебись сука суки мудак мудаки""".split()
    ),
}
"""Swear words of other languages, by ISO 639-1 code."""

IN_UNSPACED = {
    "ja": re.compile(
        "くそったれ|クソったれ|糞ったれ|くそ野郎|クソ野郎|クソガキ|くそガキ|畜生|ちくしょう|ちんぽ|まんこ|ファック|死ね"
    ),
    "zh": re.compile("操你妈|肏你妈|他妈的|你妈的|傻[逼屄]|煞笔|狗屎|王八蛋|婊子|鸡巴|操蛋"),
    "ko": re.compile("씨발|시발놈|개새끼|좆|병신|지랄|니미"),
    "th": re.compile("เหี้ย|ควย|เย็ด|สัส"),
}
"""Swear words of languages that put no blanks between words, or attach endings to them, found inside longer text."""

ENGLISH = frozenset({"", "en"})
"""Languages in which English words count: English, and an unknown language."""


def is_swear_word(word: str, language: str = "") -> bool:
    """Return whether a single lower-case `word` is masked in speech of `language`, an ISO 639-1 code or empty."""
    if word in EVERYWHERE or "fuck" in word or word in IN_LANGUAGE.get(language, frozenset()):
        return True
    if language in IN_UNSPACED and IN_UNSPACED[language].search(word):
        return True
    return language in ENGLISH and (word in IN_ENGLISH or word in NAMES_TOO)


def masked(text: str, language: str = "") -> str:
    """Return `text` with an asterisk for each letter of a swear word after its first; it is as long as before.

    Args:
        text: Text with its punctuation and capitals, which tell names such as Dick from swear words.
        language: ISO 639-1 code of the text; empty if unknown, which counts as English.
    """
    pieces: list[str] = []
    reached = 0
    for start, end in _swearing(text, language):
        if start >= reached:
            pieces += [text[reached : start + 1], _STARRED.sub("*", text[start + 1 : end])]
            reached = end
    return "".join([*pieces, text[reached:]])


def _swearing(text: str, language: str) -> list[tuple[int, int]]:
    """Return the intervals of `text` with swear words, in order."""
    found: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        if language in IN_UNSPACED and (inside := IN_UNSPACED[language].search(match.group())):
            found.append((match.start() + inside.start(), match.start() + inside.end()))
        elif _swears(text, match, language):
            joined = _COMPOUND.search(text, 0, match.start())
            found.append((joined.start() if joined else match.start(), match.end()))
    found += [match.span() for match in _DISGUISED.finditer(text) if _is_disguised(match.group(), language)]
    return sorted(found)


def _is_disguised(word: str, language: str) -> bool:
    """Return whether signs in `word` stand for letters of a swear word."""
    letters = word.lower().translate(_LETTERS_OF_SIGNS)
    if not re.search(r"[*#]", letters):
        return is_swear_word(letters, language)
    pattern = re.compile("".join("." if letter in "*#" else re.escape(letter) for letter in letters))
    known = EVERYWHERE | IN_LANGUAGE.get(language, frozenset()) | (IN_ENGLISH if language in ENGLISH else frozenset())
    return any(pattern.fullmatch(one) for one in known)


def masked_words(texts: Sequence[str], language: str = "") -> list[str]:
    """Return the words of a running text, masked as `masked` does with the whole text."""
    text = masked(" ".join(texts), language)
    ends = [0]
    for one in texts:
        ends.append(ends[-1] + len(one) + 1)
    return [text[start : end - 1] for start, end in pairwise(ends)]


def _swears(text: str, match: re.Match[str], language: str) -> bool:
    word = match.group().lower().replace("\u2019", "'")
    bare = word.removesuffix("'s")
    if not (is_swear_word(word, language) or is_swear_word(bare, language)):
        return False
    return bare not in NAMES_TOO or not _is_name(text, match)


def _is_name(text: str, match: re.Match[str]) -> bool:
    """Return whether a capital marks a name: inside a sentence, or at its start before another name."""
    if not match.group()[0].isupper() or match.group()[1:].isupper():
        return False
    return not _SENTENCE_START.search(text[: match.start()]) or bool(_NEXT_NAME.match(text, match.end()))
