"""English word classes that tell a clause from a part of one; other languages are divided at their marks alone.

The classes of pronouns, articles, prepositions, conjunctions and auxiliary verbs are closed, so their lists are nearly
complete. Of the open class of verbs, the list has the most frequent ones of speech. A rare verb that is missing costs a
title, not a mistake: the clause is taken for incomplete, and another one is chosen.
"""

from collections.abc import Iterator, Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SUBJECT_PRONOUNS = _words(
    """i you we they he she it there this these those everyone everybody someone somebody anyone anybody nobody
    nothing something everything anything people one who"""
)
"""Words that are the subject of the verb after them."""

NOMINATIVES = _words("i you we they he she it there")

OBJECT_PRONOUNS = _words("me him her us them")

BACKWARD_PRONOUNS = _words("he she it they him her them this that these those his hers its their theirs")
"""Pronouns that stand for something named before."""

DETERMINERS = _words(
    """a an the my your our their his her its this that these those every each no some any all both another many much
    most more few several half enough whose which what"""
)
"""Words that begin a noun phrase."""

NUMERALS = _words(
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion"""
)

PREPOSITIONS = _words(
    """of to in on at for with by from into about over under between through during without within against among
    toward towards upon across behind beyond beside around near inside outside above below onto along per via despite
    beneath amid throughout versus except"""
)

COORDINATORS = _words("and or but nor so yet")

SUBORDINATORS = _words(
    """because although though while if unless until when whenever where wherever whether whereas who whom whose which
    what how why"""
)
"""Words that begin a clause which needs another one, or a question."""

PART_TIME_SUBORDINATORS = _words("as since before after than like once till")
"""Words that begin a clause only if a subject follows; else they are prepositions or adverbs."""

BE = _words("am is are was were be been being isn't aren't wasn't weren't ain't")
HAVE = _words("has have had having hasn't haven't hadn't")
DO = _words("do does did don't doesn't didn't")
MODALS = _words(
    """can could will would shall should may might must cannot can't couldn't won't wouldn't shan't shouldn't mustn't
    mightn't"""
)
FINITE_AUXILIARIES = (BE | HAVE | DO | MODALS) - {"be", "been", "being", "having"}

CONTRACTED = ("'m", "'re", "'ve", "'ll", "'d")
"""Ends of pronouns that hold an auxiliary verb."""

CONTRACTED_IS = _words(
    """it's that's there's he's she's what's who's here's where's how's when's why's let's everybody's everyone's
    nobody's somebody's someone's something's nothing's everything's one's"""
)

ADVERBS = _words(
    """not never always also just really still even only ever often actually already almost simply probably maybe
    perhaps then now very too quite rather soon finally suddenly again together well usually sometimes hardly barely
    basically literally certainly clearly"""
)
"""Adverbs that may stand between a subject and its verb."""

FILLERS = _words("uh um uhm er erm ah eh hmm hm mm mhm mmm huh uh-huh")
"""Sounds of a speaker who thinks."""

INTERJECTIONS = _words("hey oh ah well yes yeah no okay ok right wow hmm so like please look listen")
"""Words that a speaker puts before what follows, at the end of a phrase that is not over."""

ABBREVIATIONS = _words("v vs mr mrs ms dr st prof sen rep gov gen lt sgt jr inc e.g i.e cf vol sec art fig approx dept")
"""Abbreviations before a name or a number, whose full stop ends no sentence."""

SAYING = _words(
    """say says said show shows showed suggest suggests suggested argue argues argued claim claims claimed tell tells
    told explain explained emphasize emphasise mention mentioned submit ask asked insist insists insisted allege alleges
    alleged pretend pretends pretended report reported"""
)
"""Verbs of speech, whose object is the clause after them."""

KNOWING = _words(
    """think thinks thought believe believes believed know knows knew see find finds found discover discovered suppose
    supposes guess mean means meant hope hopes imagine realize realized realise realised learn learned learnt feel feels
    felt understand understood assume assumes assumed wonder figured remember convinced agree"""
)
"""Verbs of thought, whose object is the clause after them."""

NEVER_LAST = (
    ABBREVIATIONS
    | PREPOSITIONS
    | COORDINATORS
    | SUBORDINATORS
    | PART_TIME_SUBORDINATORS
    | FINITE_AUXILIARIES
    | CONTRACTED_IS
    | _words("a an the my your our their his its every each no very i we he she they that be been being than such i.e")
    | _words("just really only even quite also not into more some any these those this having let's there another many")
)
"""Function words, after which an English phrase goes on."""

MISSING_THE_REST = _words(
    """a an the my your our their every and or but because although than whose whether unless very i we he she they i'm
    you're we're they're i've we've you've they've i'll we'll you'll they'll into upon toward towards between during
    among"""
)
"""Words after which no English sentence ends, whatever mark follows them."""

_IRREGULAR = """
    be/was/were/been become/became begin/began/begun bend/bent bet bite/bit/bitten bleed/bled blow/blew/blown
    break/broke/broken breed/bred bring/brought build/built burn/burnt burst buy/bought catch/caught choose/chose/chosen
    cling/clung come/came cost creep/crept cut deal/dealt dig/dug do/did/done draw/drew/drawn dream/dreamt
    drink/drank/drunk drive/drove/driven eat/ate/eaten fall/fell/fallen feed/fed feel/felt fight/fought find/found
    flee/fled fly/flew/flown forbid/forbade/forbidden forget/forgot/forgotten forgive/forgave/forgiven
    freeze/froze/frozen get/got/gotten give/gave/given go/went/gone grow/grew/grown hang/hung have/had hear/heard
    hide/hid/hidden hit hold/held hurt keep/kept know/knew/known lay/laid lead/led leap/leapt learn/learnt leave/left
    lend/lent let lie/lay lose/lost make/made mean/meant meet/met pay/paid prove/proven put quit read ride/rode/ridden
    ring/rang/rung rise/rose/risen run/ran say/said see/saw/seen seek/sought sell/sold send/sent set shake/shook/shaken
    shine/shone shoot/shot show/showed/shown shrink/shrank shut sing/sang/sung sink/sank/sunk sit/sat sleep/slept
    slide/slid speak/spoke/spoken spend/spent spin/spun split spread spring/sprang stand/stood steal/stole/stolen
    stick/stuck sting/stung strike/struck strive/strove swear/swore sweep/swept swim/swam swing/swung take/took/taken
    teach/taught tear/tore/torn tell/told think/thought throw/threw/thrown understand/understood wake/woke wear/wore
    weave/wove weep/wept win/won wind/wound withdraw/withdrew write/wrote/written"""

_REGULAR = """
    accept achieve act add admit adopt advise affect afford agree aim allow announce answer apologize appear apply
    appreciate approach argue arrive ask assume attack attempt attend avoid base beat beg believe belong blame borrow
    breathe burn call cancel capture care carry cause celebrate challenge change charge check cheer claim clean climb
    close collapse collect compare compete complain complete concern conclude confirm confuse connect consider consist
    contain continue contribute control convince cook copy count cover crash create cry cure dance dare decide declare
    decrease defend define deliver demand deny depend describe deserve design destroy determine develop die differ
    disagree disappear discover discuss divide double doubt drop earn educate emerge employ enable encourage end engage
    enjoy ensure enter escape establish estimate evolve examine exist expand expect experience explain explore express
    extend face fail fear fill finish fit fix flow focus follow force form found free fund gain gather generate grab
    guess handle happen hate help hope hug hunt identify ignore imagine improve include increase indicate influence
    inform insist inspire intend interrupt introduce invent invest invite involve join joke judge jump kick kill kiss
    knock lack land last laugh launch laugh learn lift like limit link list listen live locate look love lower maintain
    manage mark marry matter measure mention mind miss move name need notice observe obtain occur offer open operate
    oppose order organize own paint park pass pause perform pick place plan plant play point pollute pour practice
    prefer prepare present press pretend prevent print process produce promise promote protect protest prove provide
    publish pull punish push question raise reach react realize realise receive recognize recommend record recover
    reduce reflect refuse regret reject relate relax release rely remain remember remind remove repair repeat replace
    reply report represent request require rescue resist resolve respect respond rest result retire return reveal roll
    rule sail satisfy save scan scare score scream search seem select serve settle shape share shift ship shout sign
    skip slow smell smile solve sound spark spot stare start starve state stay step stop store stretch struggle study
    succeed suffer suggest support suppose surprise survive suspect switch talk tap target taste tend test thank
    threaten touch trace track trade train transform translate travel treat trigger trust try turn type unite use
    value vanish vary view violate visit vote wait walk want warn wash waste watch weigh welcome wish wonder work worry
    wrap yell"""

ALSO_NOUNS = _words(
    """act answer approach attack attempt beat blame care cause challenge change charge check claim concern control
    copy count cover crash cure dance demand design doubt drop end escape estimate experience express face fear fit fix
    flow focus force form fund guess hope hug hunt influence joke judge kick kiss knock lack land last launch laugh lift
    like limit link list look love mark matter measure mention mind move name need notice offer open order own paint
    park pass pause place plan plant play point practice present press print process promise protest question record
    regret release report request rescue respect rest result return roll rule scan score scream search shape share
    shift ship shout sign smell smile sound spark spot state step stop store stretch struggle study support surprise
    switch talk tap target taste test thank touch trace track trade train travel trigger trust turn type use value view
    visit vote wait walk wash waste watch wish wonder work worry bet bite blow break catch cost cut deal draw dream
    drink drive fall feed feel fight find fly hang hit hold hurt lay lead leap lie mean meet pay read ride ring rise run
    set shake shine show shut sink sleep slide spin split spread spring stand sting strike sweep swim swing tear wake
    wear wind win clean close complete complete double free fill lower mean right slow welcome live base land"""
)
"""Verbs whose plain form and form with -s are nouns or adjectives as well."""


def _inflected() -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield the plain form, the form with -s, the form with -ing and the past forms of each verb."""
    for entry in _IRREGULAR.split():
        plain, *pasts = entry.split("/")
        yield plain, _third(plain), _gerund(plain), tuple(pasts) or (plain,)
    for plain in _REGULAR.split():
        yield plain, _third(plain), _gerund(plain), (_past(plain),)


def _third(plain: str) -> str:
    if plain.endswith("y") and plain[-2] not in "aeou":
        return f"{plain[:-1]}ies"
    return f"{plain}es" if plain.endswith(("s", "sh", "ch", "x", "z", "o")) else f"{plain}s"


def _doubles(plain: str) -> bool:
    """Return whether a verb of one syllable ends in one vowel and one consonant."""
    vowels = sum(letter in "aeiouy" for letter in plain)
    return len(plain) > 2 and vowels == 1 and plain[-2] in "aeiou" and plain[-1] in "bdgmnprt"


def _past(plain: str) -> str:
    if plain.endswith("e"):
        return f"{plain}d"
    if plain.endswith("y") and plain[-2] not in "aeou":
        return f"{plain[:-1]}ied"
    return f"{plain}{plain[-1]}ed" if _doubles(plain) else f"{plain}ed"


def _gerund(plain: str) -> str:
    if plain.endswith("e") and not plain.endswith("ee"):
        return f"{plain[:-1]}ing"
    return f"{plain}{plain[-1]}ing" if _doubles(plain) else f"{plain}ing"


_FORMS = list(_inflected())
PLAIN = frozenset(plain for plain, *_ in _FORMS)
THIRD = frozenset(third for _, third, *_ in _FORMS)
CLEAR_THIRD = THIRD - frozenset(_third(plain) for plain in ALSO_NOUNS)
CLEAR_PLAIN = PLAIN - ALSO_NOUNS
GERUNDS = frozenset(gerund for _, _, gerund, _ in _FORMS)
PAST = frozenset(past for *_, pasts in _FORMS for past in pasts) - PLAIN
_PARTICIPLES_ONLY = _words(
    """been begun bitten blown broken chosen done drawn driven drunk eaten fallen flown forbidden forgotten forgiven
    frozen gone gotten given grown hidden known proven ridden rung risen seen shaken shown sung sunk spoken stolen taken
    torn thrown written born"""
)
SIMPLE_PAST = PAST - _PARTICIPLES_ONLY
ANY_VERB = PLAIN | THIRD | PAST | _PARTICIPLES_ONLY | FINITE_AUXILIARIES | CONTRACTED_IS

_PAST_NOUNS = _words(
    "bit shot thought saw felt left rose cut set bet hit put read spread cost hurt let shut split wound"
)
"""Past forms that are other words as well."""

_SELDOM_FINITE = _words("called named based born entitled given compared combined involved located dedicated concerned")
"""Past forms that mostly begin a shortened relative clause, as in `a man called Brian`."""

_SUBJECTS_OF_ANY = _words("i you we they he she it who that which people everyone everybody nobody somebody someone")
_BEFORE_NOUNS = DETERMINERS | PREPOSITIONS | _words("very too more most as")
_BEFORE_PLAIN = _words("i you we they people who men women children kids folks humans animals parents that")
_BEFORE_INFINITIVE = MODALS | {"to"}
_BEFORE_THIRD = SUBJECT_PRONOUNS | {"which", "that"}
_AFTER_THAT = SUBJECT_PRONOUNS | DETERMINERS | ANY_VERB
_NOT_FOR_FINITE = (_PAST_NOUNS | _SELDOM_FINITE) - PLAIN
_HAVE_BE_DO = HAVE | BE | DO
_OTHER_BEFORE_BARE = PREPOSITIONS | PART_TIME_SUBORDINATORS | COORDINATORS
_NO_FINITE_AFTER = BE | HAVE | MODALS | DO | _words("to let help make makes made and")


def holds_auxiliary(word: str) -> bool:
    """Return whether a lower-case `word` is or contains a finite auxiliary verb."""
    return word in FINITE_AUXILIARIES or word in CONTRACTED_IS or word.endswith((*CONTRACTED, "n't"))


def is_finite(words: Sequence[str], index: int) -> bool:
    """Return whether the word at `index` is a finite verb, as far as the words around it tell.

    Args:
        words: Words in lower case without marks.
        index: Index of the word.
    """
    word = words[index]
    before = index - 1
    while before >= 0 and words[before] in ADVERBS:
        before -= 1
    previous = words[before] if before >= 0 else ""
    if holds_auxiliary(word):
        return not (word in _HAVE_BE_DO and (previous in _BEFORE_INFINITIVE or previous.endswith(("'ll", "'d"))))
    if previous in _NO_FINITE_AFTER or (previous and holds_auxiliary(previous)):
        return previous == "and" and (word in SIMPLE_PAST or word in CLEAR_THIRD)
    if word in _NOT_FOR_FINITE:
        return previous in _SUBJECTS_OF_ANY
    if word in SIMPLE_PAST or (len(word) > 4 and word.endswith("ed") and word not in PLAIN and "-" not in word):
        passive = index + 1 < len(words) and words[index + 1] == "by"
        return bool(previous) and previous not in _BEFORE_NOUNS and not passive
    if word in CLEAR_THIRD:
        return bool(previous) and previous not in PREPOSITIONS
    if word in THIRD:
        return previous in _BEFORE_THIRD
    if word in PLAIN:
        plural = previous.endswith("s") and not previous.endswith(("ss", "us", "is", "'s")) and len(previous) > 3
        return previous in _BEFORE_PLAIN or (
            plural and (before < index - 1 or word not in ALSO_NOUNS) and previous not in THIRD
        )
    return False


def subordinates(words: Sequence[str], index: int) -> bool:
    """Return whether the word at `index` begins a subordinate clause, or a relative one."""
    word = words[index]
    following = words[index + 1] if index + 1 < len(words) else ""
    previous = words[index - 1] if index else ""
    if word in SUBORDINATORS:
        return following != "to" and not (
            word in ("what", "which", "how") and previous in PREPOSITIONS and following in DETERMINERS
        )
    if word in PART_TIME_SUBORDINATORS:
        subject = following.partition("'")[0] in SUBJECT_PRONOUNS - {"one", "people", "that", "this"}
        return subject or (word == "as" and index == 0)
    if word == "that":
        if not previous or previous in PREPOSITIONS or previous in COORDINATORS:
            return False
        return following in _AFTER_THAT or holds_auxiliary(following)
    return False


def begins_clause(words: Sequence[str], index: int) -> bool:
    """Return whether a pronoun at `index` begins a clause without `that`, as in `the man I saw` or `I think we can`.

    Args:
        words: Words in lower case without marks, none of them divided by a mark from the one at `index`.
        index: Index of the word, above 0.
    """
    word, previous = words[index].partition("'")[0], words[index - 1]
    if word not in NOMINATIVES or previous in COORDINATORS or subordinates(words, index - 1):
        return False
    if previous in PREPOSITIONS | PART_TIME_SUBORDINATORS or holds_auxiliary(previous):
        return False
    contracted = words[index] != word
    return (
        contracted
        or (index + 1 < len(words) and is_finite(words, index + 1))
        or word in ("i", "we", "he", "she", "they")
    )
