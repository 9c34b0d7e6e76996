"""Words of spoken sentences, without stammers, fillers, noises and what only leads to the point."""

import re
from collections.abc import Sequence

from clipmill.analyzer.talk import grammar
from clipmill.analyzer.talk.punctuation import CLOSERS, COMMAS, FULL_STOPS, OPENERS, QUESTION_MARKS
from msgspec import Struct

LONGEST_STAMMER = 5
"""Most words that a speaker says twice in a row before going on."""

_BREAK = "\u2014"
_BREAKS = re.compile(r"\s*(?:--+|\u2014|\u2026|\.{2,}|\s[-\u2013]+\s|(?<=\w)-(?=\s))\s*")
_NOISES = re.compile(r"[(\[](?!\w{1,3}[)\]])[^)\]]{0,40}[)\]]|[\u266a\u266b]+")
"""Noises in brackets and notes of music; up to three letters or digits in brackets are a part of a law."""

_LABEL = re.compile(r"^(?:[A-Z]{2,4}|(?:[A-Z][\w.'\u2019]+ ){0,2}[A-Z][\w'\u2019]+|>>+):\s+(?=\S)")
_SPLIT_STAMMER = re.compile(r"\b(\w{1,3})(?:-\s?\1\b)+", re.IGNORECASE)
_MARKED = re.compile(rf"^([{re.escape(OPENERS)}]*)(.*?)([^\w%$\u20ac\u00b0*]*)$", re.DOTALL)
_PARENTHETIC = (
    "you know", "i mean", "like", "you see", "i guess", "sort of", "kind of", "i think", "i believe", "i suppose",
    "of course", "for example", "for instance", "by the way", "if you will", "so to speak", "in fact", "you say",
    "as well", "again", "right", "okay", "your honor",
)  # fmt: skip
"""Phrases that speakers put between commas without a meaning."""

_LOOSE = ("sort of", "kind of")
_KINDS_BEFORE = grammar.DETERMINERS | {"different", "same", "certain", "right", "wrong", "best", "new", "of"}
_OPENINGS = frozenset(
    """and so but or well now okay ok yes yeah no oh look listen see again right anyway actually basically honestly
    frankly obviously clearly also then because however certainly admittedly nonetheless nevertheless therefore
    similarly finally secondly first second third true sure wow instead meaning still""".split()
)
"""Words before a comma that only lead to what is said."""

_OPENINGS_BEFORE_COMMA = _OPENINGS | grammar.NUMERALS
_LONGER_OPENINGS = tuple(
    phrase.strip()
    for phrase in """of course, in fact, in other words, first of all, by the way, as a result, for example,
    for instance, as you know, as we know, as i said, after all, at least, to be honest, on the other hand, and yet,
    you know, i mean, i think, i guess, excuse me, your honor, that is, what's more, number one, number two,
    in addition, i'm sorry, as you can see, the point is, at first, in the end, all right, thank you,
    the truth is, believe it or not, simply stated""".split(",")
)
_TITLES_OF_PEOPLE = frozenset("justice mr mrs ms dr chief professor senator judge madam president general".split())
_ALWAYS_OPEN = frozenset({"and", "so", "but", "or", "well", "because", "also", "then"})


class Piece(Struct, frozen=True):
    """One word of a sentence.

    Attributes:
        text: Word as it is shown, with its marks.
        word: Word in lower case without marks.
        broken: True if the speaker breaks off after it.
    """

    text: str
    word: str
    broken: bool = False

    @property
    def divides(self) -> bool:
        """True if a comma or the like follows."""
        return self.text.rstrip(CLOSERS).endswith(COMMAS)


def pieces_of(text: str, *, english: bool) -> list[Piece]:
    """Return the words of a spoken sentence, without noises, names of speakers, stammers and English fillers."""
    bare = without_noises(text)
    bare = _SPLIT_STAMMER.sub(r"\1", bare)
    pieces: list[Piece] = []
    for run in _BREAKS.split(bare):
        found = [_piece(token) for token in run.split()]
        if pieces and found:
            pieces[-1] = Piece(pieces[-1].text, pieces[-1].word, broken=True)
        pieces += [piece for piece in found if piece.word or piece.text.strip(CLOSERS + OPENERS)]
    if english:
        pieces = _without_fillers(pieces)
    return _without_stammers(pieces)


def without_noises(text: str) -> str:
    """Return a spoken sentence without noises in brackets and without the name of its speaker."""
    return _LABEL.sub("", _NOISES.sub(" ", text).strip())


def tidied(text: str, *, english: bool) -> str:
    """Return a spoken sentence without stammers, fillers, noises and names of speakers; breaks become dashes."""
    pieces = pieces_of(text, english=english)
    said = [f"{piece.text} {_BREAK}" if piece.broken else piece.text for piece in pieces]
    return " ".join(said) or text.strip()


def after_openings(pieces: Sequence[Piece], index: int) -> int:
    """Return the index after the words from `index` on that only lead to what is said."""
    while index < len(pieces):
        rest = " ".join(piece.word for piece in pieces[index : index + 5])
        length = next((len(one.split()) for one in _LONGER_OPENINGS if rest == one or rest.startswith(f"{one} ")), 0)
        last = index + length - 1
        if length and last < len(pieces) and (pieces[last].divides or rest.startswith("and yet")):
            index += length
        elif pieces[index].word in _ALWAYS_OPEN or (
            pieces[index].word in _OPENINGS_BEFORE_COMMA and pieces[index].divides
        ):
            index += 1
        elif (named := _after_address(pieces, index)) > index:
            index = named
        else:
            break
    return index


def addresses(pieces: Sequence[Piece]) -> bool:
    """Return whether `pieces` are a title and a name, such as `Justice Breyer`."""
    capital = all(piece.text[:1].isupper() for piece in pieces)
    return capital and pieces[0].word.rstrip(".") in _TITLES_OF_PEOPLE


def _after_address(pieces: Sequence[Piece], index: int) -> int:
    """Return the index after a person who is spoken to, such as `Justice Breyer,`; else `index`."""
    for length in (2, 3, 4):
        named = pieces[index : index + length]
        if len(named) == length and named[-1].divides:
            return index + length if addresses(named) else index
    return index


def _piece(token: str) -> Piece:
    match = _MARKED.match(token)
    word = match.group(2) if match else token
    return Piece(token, word.lower().replace("\u2019", "'"))


def _without_fillers(pieces: Sequence[Piece]) -> list[Piece]:
    kept: list[Piece] = []
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        pair = " ".join(one.word for one in pieces[index : index + 2])
        length = next((n for n in (3, 2, 1) if _phrase(pieces, index, n) in _PARENTHETIC), 0)
        last = pieces[index + length - 1] if length else piece
        before_stops = not kept or kept[-1].divides or kept[-1].broken
        after_stops = last.divides or last.broken or index + length >= len(pieces)
        loose = pair in _LOOSE and bool(kept) and kept[-1].word not in _KINDS_BEFORE and not last.divides
        if piece.word in grammar.FILLERS:
            _hand_over(kept, piece)
            index += 1
        elif length and ((before_stops and after_stops and (kept or last.divides)) or loose):
            _hand_over(kept, last)
            index += length
        else:
            kept.append(piece)
            index += 1
    return kept


def _phrase(pieces: Sequence[Piece], index: int, length: int) -> str:
    return " ".join(piece.word for piece in pieces[index : index + length]) if index + length <= len(pieces) else ""


def _hand_over(kept: list[Piece], dropped: Piece) -> None:
    """Give the mark after a dropped word to the word before it."""
    if not kept:
        return
    last = kept[-1]
    ends = dropped.text.rstrip(CLOSERS).endswith(FULL_STOPS + QUESTION_MARKS)
    if ends and not last.text.rstrip(CLOSERS).endswith(FULL_STOPS + QUESTION_MARKS):
        marks = dropped.text[len(dropped.text.rstrip("".join((*CLOSERS, *FULL_STOPS, *QUESTION_MARKS)))) :]
        kept[-1] = Piece(last.text.rstrip("".join(COMMAS)) + marks, last.word, dropped.broken)
    elif dropped.divides and last.divides:
        # The commas stood around the dropped words.
        kept[-1] = Piece(last.text.rstrip("".join(COMMAS)), last.word, dropped.broken)
    elif dropped.broken:
        kept[-1] = Piece(last.text, last.word, broken=True)


def _without_stammers(pieces: Sequence[Piece]) -> list[Piece]:
    """Return `pieces` without the first of two equal runs of words, which the speaker began again."""
    kept = list(pieces)
    for length in range(LONGEST_STAMMER, 0, -1):
        index = 0
        while index + 2 * length <= len(kept):
            one, other = kept[index : index + length], kept[index + length : index + 2 * length]
            if _repeats(one, other):
                # The second run goes on, so it stays; it keeps the capital with which the first one began.
                again = [_capital_of(mine, theirs) for mine, theirs in zip(one, other, strict=True)]
                kept[index : index + 2 * length] = again
                index = max(index - length, 0)
            else:
                index += 1
    return kept


def _capital_of(first: Piece, second: Piece) -> Piece:
    if first.text[:1].isupper() and second.text[:1].islower():
        return Piece(second.text[:1].upper() + second.text[1:], second.word, second.broken)
    return second


def _repeats(one: Sequence[Piece], other: Sequence[Piece]) -> bool:
    if not all(piece.word for piece in one):
        return False
    if len(one) == 1 and other[0].word.startswith(f"{one[0].word}'") and one[0].word in grammar.SUBJECT_PRONOUNS:
        return True  # `I, I've`
    if [piece.word for piece in one] != [piece.word for piece in other]:
        return False
    if any(piece.text.rstrip(CLOSERS).endswith((":", ";", *FULL_STOPS, *QUESTION_MARKS)) for piece in one):
        return False
    word = one[0].word
    if len(one) > 1:
        return True
    named = one[0].text[:1].isupper() and other[0].text[:1].isupper() and len(word) > 3  # such as Duran Duran
    return not named and not word[:1].isdigit()
