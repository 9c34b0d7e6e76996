"""Sentences that run a conversation or point at a picture, and state nothing that a title could say."""

import re
from collections.abc import Sequence

from clipmill.analyzer.talk import grammar

MOST_AFTER = 8
"""Most words after an offer such as `I have two examples`: a longer sentence says something itself."""

_MANAGES = re.compile(
    r"(?<!how )(?<!why )(?<!what )(?<!where )(?<!when )(?:\b(?:may|can|could) i|\blet me|^(?:may|can|could) we) "
    r"(?:just |please )?(?:ask|respond|answer|interrupt|finish|follow up|go back|turn (?:to|now|back)|move on|clarify"
    r"|begin|start|reserve|say|add)\b"
    r"|\b(?:minutes?|seconds?|time) (?:remaining|left)\b(?! to\b)|\bquestions? for (?:you|me|him|her)\b"
    r"|\b(?:no|any) (?:further|more|other) questions?\b|\breserve (?:the|my)\b|\b(?:respond|answer) to (?:that|your)\b"
    r"|\bunderstand(?:ing)? (?:the|your) question\b|\bpage \d|\bsay that correctly\b"
    r"|\bi(?:'m| am|'d be) happy to (?:answer|take|respond|talk|discuss|address|elaborate|do|go|walk|be here)\b"
    r"|\b(?:minutes|time) for rebuttal\b|\bfinish your (?:answer|thought|point|sentence|question|statement)\b"
    r"|\b(?:rest|remainder|balance|out|on) (?:of )?your time\b|\bmy point$"
    r"|\bthe case is submitted\b|\bplease the court\b|\bi(?:'m| am) (?:sorry|afraid)$"
    r"|\b(?:your|his|her) (?:\w+ )?question$|\b(?:have|take|get|got|need) (?:\w+ ){1,3}minutes$"
    r"|\bhear argument\b|\b(?:we'll|we will|you'll|you will) (?:now |next )?hear from\b"
    r"|\b(?:just|please) let me (?:have|ask|say|see|get|go|add|make|try|stop|be clear|follow|read|put|check)\b"
    r"|^i(?:'m| am) (?:not sure|still trying|trying to (?:get|understand|figure|sort)|not (?:saying|holding|asking))\b"
    r"|\byour (?:rebuttal|response)\b|\b(?:\w+n't|not|\w+'ve) (?:yet )?made up my mind\b"
    r"|^let's (?:just )?(?:see|look|have a look)\b|^i apologi[sz]e\b|"
    r"^am i (?:reading|right|wrong|missing)\b(?! to\b)"
    r"|\bcan you (?:just )?help me(?:$| (?:out|with|here|on|understand|to understand|follow|see)\b)"
    r"|\bwould that be (?:okay|ok|all right|alright)\b|\bcan i sit down\b"
    r"|\bi(?:'m| am) (?:\w+ )?(?:glad|pleased|delighted|honou?red|thrilled) to (?:be|have been) (?:here|back|with"
    r"|on this|invited|asked|joined|able)\b"
    r"|\b(?:i'll|we'll|i will|we will) .*\bin a (?:second|minute|moment)$"
    r"|\b(?:modified|change|changed|back to|stay with|your|my|the) hypothetical$"
    r"|\bi (?:don't|didn't) (?:know|understand|remember|think so)(?: that| it| the question)?$|\bi (?:agree|disagree)$"
)
"""Sentences that manage a conversation, whatever follows."""

_OFFERS = re.compile(
    r"\bi(?:'ve got| have| had| want| will make| can give you|'ll give you) (?:just |only )?(?:a few|a couple of|an?|"
    r"one|two|three|four|some|several) (?:\w+ )?(?:points?|examples?|questions?|comments?|remarks?|slides?)\b"
    r"|^let's (?:just )?(?:(?:start|begin|stop)(?:$| (?:off|here|there|with|by|at|over|again|now|for"
    r"|from|it|this|that)\b)|(?:try|do)\b|(?:choose|pick|take)(?:$| (?:an?|one|two|the|another|it|this|that|again)\b)"
    r"|(?:choose|pick)(?: \w+){1,2}$"
    r"|(?:move|go|turn)(?:$| (?:on|to|back|ahead|forward|over|through|with|now)\b))"
    r"|\bi (?:really |very much |do )?appreciate (?:your|that|being|it|the (?:\w+ )?(?:opportunity|question|time|"
    r"chance|invitation|help|point|comment|concern|clarification|candou?r))\b"
)
"""Sentences that do so unless they go on: `I have a question` says nothing, and `I have a question that …` does."""

_OF_TALK = re.compile(
    r"\b(?:i|we)(?:'d| would)? (?:like|love|want|wanted) to (?:make|ask|add|raise|show|share|discuss)\b"
)
"""Clauses that say no more than the offer itself: `three points that I would like to make`."""

_HERE = re.compile(r"^(?:(?:and|so|now|next) )*here (?:we|you)(?: can)? see\b")
_POINTS = re.compile(r"^(?:(?:and|so|now|next) )*(?:this is by\b|next this\b)")
_PICTURE = re.compile(r"\bthis (?:next )?(?:picture|slide|photo|photograph|image|graph|chart|diagram|video)\b")
_SHOWING = frozenset("show shows showed means says tells".split())


def manages(words: Sequence[str]) -> bool:
    """Return whether lower-case `words` manage a conversation and have no subject."""
    line = " ".join(words)
    if _MANAGES.search(line):
        return True
    offer = _OFFERS.search(line)
    if offer is None:
        return False
    after = len(line[: offer.end()].split())
    return len(words) - after <= MOST_AFTER and (bool(_OF_TALK.search(line)) or not _has_clause(words, after))


def points(words: Sequence[str]) -> bool:
    """Return whether lower-case `words` are about something that the speaker shows, which no reader of a title sees."""
    line = " ".join(words)
    here = _HERE.search(line)
    if here:
        return not _has_clause(words, len(line[: here.end()].split()))
    if _POINTS.search(line):
        return True
    picture = _PICTURE.search(line)
    if picture is None:
        return False
    after = len(line[: picture.end()].split())
    if words[after - 1 :] == words[-1:]:
        return True
    if words[after] in _SHOWING:
        return not _has_clause(words, after + 1)
    acts = grammar.is_finite(words, after) and words[after] not in grammar.FINITE_AUXILIARIES
    return not acts or picture.start() > 0


def _has_clause(words: Sequence[str], first: int) -> bool:
    """Return whether a clause begins among the words from `first` on."""
    return any(
        grammar.subordinates(words, at)
        or (at > first and grammar.begins_clause(words, at))
        or (words[at - 1] == "that" and words[at].endswith("ed"))
        for at in range(first, len(words))
    )
