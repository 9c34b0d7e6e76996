"""The direction of letters in a line that mixes scripts of both directions.

This is Unicode's bidirectional algorithm (UAX #9, revision 48) for one line, without explicit embeddings and isolates,
which transcripts do not have, and without paired brackets (N0): rules W1 to W7, N1, N2, I1, I2, L1 and L2. The caller
gives the direction of the line. It is that of most letters, not of the first strong one, because a chunk of an Arabic
sentence may begin with a Latin name.
"""

import unicodedata
from collections.abc import Sequence

NEUTRAL = frozenset({"B", "S", "WS", "ON", "BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def levels(text: str, right_to_left: bool) -> list[int]:
    """Return the embedding level of every character: odd ones run from right to left.

    Args:
        text: Text of one line, in the order of speech.
        right_to_left: True if the line as a whole runs from right to left.
    """
    base = int(right_to_left)
    kinds = [unicodedata.bidirectional(letter) or "L" for letter in text]
    _weak(kinds, "R" if right_to_left else "L")
    _neutral(kinds, base)
    found = [_level(kind, base) for kind in kinds]
    end = len(text)
    while end and text[end - 1].isspace():  # L1
        end -= 1
        found[end] = base
    return found


def visual_order(levels_of: Sequence[int]) -> list[int]:
    """Return the indices of runs with these levels, in order from left to right (rule L2)."""
    order = list(range(len(levels_of)))
    if not order:
        return order
    for level in range(max(levels_of), 0, -1):
        begin = 0
        while begin < len(order):
            end = begin
            while end < len(order) and levels_of[order[end]] >= level:
                end += 1
            order[begin:end] = reversed(order[begin:end])
            begin = end + 1
    return order


def _level(kind: str, base: int) -> int:
    """Apply rules I1 and I2."""
    if base % 2:
        return base if kind == "R" else base + 1
    return base + {"R": 1, "EN": 2, "AN": 2}.get(kind, 0)


def _weak(kinds: list[str], base: str) -> None:
    """Apply rules W1 to W7 in place."""
    before = strong = base
    for index in range(len(kinds)):
        if kinds[index] == "NSM":  # W1
            kinds[index] = before
        before = kind = kinds[index]
        if kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":  # W2
            kinds[index] = "AN"
    kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]  # W3
    for index in range(1, len(kinds) - 1):  # W4
        around = kinds[index - 1]
        if around == kinds[index + 1] and (
            (kinds[index] in ("ES", "CS") and around == "EN") or (kinds[index] == "CS" and around == "AN")
        ):
            kinds[index] = around
    _terminators(kinds)
    strong = base
    for index, kind in enumerate(kinds):
        if kind in ("ES", "CS", "ET"):  # W6
            kinds[index] = "ON"
        elif kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":  # W7
            kinds[index] = "L"


def _terminators(kinds: list[str]) -> None:
    """Apply rule W5 in place: signs such as those of currencies join the number beside them."""
    begin = 0
    while begin < len(kinds):
        end = begin
        while end < len(kinds) and kinds[end] == "ET":
            end += 1
        if end > begin and "EN" in (kinds[begin - 1] if begin else "", kinds[end] if end < len(kinds) else ""):
            kinds[begin:end] = ["EN"] * (end - begin)
        begin = max(end, begin + 1)


def _neutral(kinds: list[str], base: int) -> None:
    """Apply rules N1 and N2 in place: neutral characters take the direction of their neighbours."""
    embedding = "R" if base % 2 else "L"
    begin = 0
    while begin < len(kinds):
        end = begin
        while end < len(kinds) and kinds[end] in NEUTRAL:
            end += 1
        if end > begin:
            left = _side(kinds[begin - 1]) if begin else embedding
            right = _side(kinds[end]) if end < len(kinds) else embedding
            kinds[begin:end] = [left if left == right else embedding] * (end - begin)
        begin = max(end, begin + 1)


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"
