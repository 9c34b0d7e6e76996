"""English words from which the local picker sees the purpose of a sentence; other languages have the other features.

Each set is a short, closed class of everyday words that belong to no subject. A feature depends on the presence of such
a word, not on the share of all words that occur.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in " ".join(text.split()).split(","))


LEXICON_LANGUAGES = frozenset({"", "en"})
"""Languages in which these words count: English, and an unknown language. Elsewhere they have other meanings, such as
`war`, `die` and `also` in German."""

STOP_WORDS = _words(
    """a about above after again all also am an and any are as at be because been before being below between both but
    by can could did do does doing down during each even ever few for from further get gets getting go goes going got
    had has have having he her here hers herself him himself his how i if in into is it its itself just know let like
    lot made make makes many may me might mine more most much must my myself no nor not now of off on once one only or
    other our ours out over own put really right said same say says see she should so some still such take tell than
    that the their theirs them themselves then there these they thing things think this those through to too under up
    upon us very want was way we well were what when where which while who whom why will with without would yes you
    your yours yourself
    i'm i've i'd i'll it's that's there's what's you're you've you'll we're we've we'll they're they've they'll he's
    she's don't doesn't didn't isn't aren't wasn't weren't won't wouldn't can't couldn't shouldn't let's okay oh uh um
    yeah"""
)
"""Words that carry no subject."""

NO_SUBJECTS = _words(
    """oops wow whoa gee jeez gosh heck hell damn huh ugh yay hooray ouch alas bravo cheers congratulations goodness
    today tonight yesterday tomorrow monday tuesday wednesday thursday friday saturday sunday january february march
    april june july august september october november december morning afternoon evening night weekend
    applause laughter cheering clapping inaudible crosstalk announcer narrator voiceover
    whoever whatever whichever wherever whenever whatsoever whereas whereby wherein herein therein thereof somebody
    someone anybody anyone everybody everyone nobody somehow somewhere someplace anyhow anyway anyways anywhere
    elsewhere everywhere nowhere nonetheless nevertheless notwithstanding albeit lest alongside amongst atop besides
    underneath regarding concerning pursuant irrespective regardless altogether afterward afterwards beforehand
    hitherto henceforth meanwhile moreover furthermore likewise otherwise hereby thereby whilst"""
)
"""Interjections, days, months, pronouns, adverbs, and words of a transcriber about an audience: never a hashtag."""

DOUBTS = _words(
    """doubt doubts doubted deny denies denied lie lied lies wrong wrongly mistaken false falsely myth untrue pretend
    fake allegedly supposedly wish"""
)
"""Words before a clause that say it is not so."""

WH_WORDS = _words("why how what what's which who where when whose whom")
"""First words of questions whose answer is more than yes or no."""

HOOK_QUESTION_OPENINGS = _phrases(
    """have you ever, did you know, do you know, what if, ever wonder, guess what, do you want"""
)
"""Openings of questions that the speaker will answer."""

REQUEST_OPENINGS = _phrases(
    """can, could, would you, may, shall, should i, should we, is there, are there, do we have, any, does anyone,
    does anybody, who wants, are you ready, ready, is it, do you mind"""
)
"""Openings of questions that manage an event and raise no subject."""

ASIDES = frozenset(
    _phrases(
        """right, all right, alright, ok, okay, yeah, yes, no, huh, eh, hey, hm, hmm, really, seriously, remember,
        you remember, do you remember, remember that, you know, you know what, you know what i mean,
        know what i mean, do you know what i mean, you know that, see, you see, do you see, see that, get it, got it,
        you get it, is it not, agreed, correct, true, fair enough, makes sense, make sense, does that make sense,
        does this make sense, is that clear, is that right, is that okay, is that ok, is this on, is that better,
        are you with me, you with me, with me so far, you with me so far, can you hear me, can everybody hear me,
        can you see that, can you see it, where was i, where were we, where am i, where are we, what was i saying,
        what was i going to say, what did i say, what was it, what was the word, what is the word, what's the word,
        what do you call it, what do you call them, what is it called, what's it called, how do you say,
        how do you say it, how do i say this, how do i put this, how should i put it, how shall i say,
        what can i say, what do i know, who knows, who cares, so what, what else, why not, anyone, anybody, sorry,
        excuse me, pardon, pardon me, i'm sorry, what, who, say again, come again, shall we, may i, you ready,
        don't you think, wouldn't you say, how about that, how cool is that, how great is that"""
    )
)
"""Questions that a speaker puts in passing, and that no passage answers."""

TAGGED = _words(
    """is isn't are aren't was wasn't were weren't do don't does doesn't did didn't have haven't has hasn't had hadn't
    can can't could couldn't will won't would wouldn't should shouldn't"""
)
"""First words of tags such as `isn't it?`."""

TAG_PRONOUNS = _words("i you he she it we they there that")
"""Last words of tags."""

BEFORE_ASIDES = _words("and so but well now okay ok oh um uh right yes no anyway then or")
"""Words before a question that change nothing about it."""

QUOTING = _words(
    """is was be say says said saying ask asks asked asking think thinks thought thinking wonder wonders wondered
    wondering tell told like myself yourself himself herself ourselves themselves me him her us them"""
)
"""Last words before a question that somebody puts, as in `I asked myself, why not?`."""

NUMBER_WORDS = _words(
    """two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety"""
)
"""Words for plain numbers."""

MAGNITUDES = _words(
    """hundred hundreds thousand thousands million millions billion billions trillion percent per cent half third
    quarter twice double triple times dozen dozens thousandth millionth average majority"""
)
"""Words that turn a number into a statement about the world: sizes, shares, rates."""

CONTRAST = _words(
    """but instead yet however although though despite unlike rather whereas actually except unless otherwise
    nevertheless turns contrary opposite not n't cannot than"""
)
"""Words that turn an expectation around."""

UNIVERSALS = _words(
    """every everyone everybody everything always never nobody none nothing anyone anybody anything whole entire only
    ever forever all"""
)
"""Words that make a sentence a claim about everything."""

SUPERLATIVES = _words(
    """best worst greatest biggest largest smallest most least first last hardest easiest strangest fastest slowest
    oldest richest poorest cheapest single favorite favourite"""
)
"""Words that put something at an end of its scale."""

EMOTIONS = _words(
    """afraid alive alone amazed amazing angry anger ashamed awful beautiful believe betrayed blame brave broke broken
    brutal crazy cried cruel cry curious damn dangerous dead deadly death desperate destroy destroyed devastated died
    disaster discover discovered disgusting dream dreams embarrassed embarrassing enormous excited fail failed failing
    failure fear fired forget fought frightened funny furious genius glad guilty happy hate hated heart heartbroken
    hero horrible huge hurt impossible incredible insane joke kill killed laugh laughed lie lied lies lonely lose lost
    love loved lucky mad magic miracle miserable miss missed mistake mistakes nightmare obsessed pain panic panicked
    perfect proud rage regret ridiculous risk ruined sad saved scared scary secret secrets shame shock shocked shocking
    sick smart strange struggle stuck stupid suffer surprise surprised surprising survive survived tears terrible
    terrified terrifying toxic tragedy trap trapped trick trouble truth ugly unbelievable victim violent
    war warn weird wild win won wonder worried worry worse wrong absurd pretend"""
)
"""Words that people say with feeling."""

STORY_OPENINGS = _phrases(
    """let me tell you, i will tell you, i'll tell you, i want to tell you, one day, one night, once upon, a few
    years ago, years ago, when i was, my first, the first time, the day, i remember, i once, i used to, last
    year, there was a, it was the, i had a, i was, we once, this happened, a friend of mine, i met, i never
    forget, i will never forget, i'll never forget, picture this, imagine"""
)
"""Openings of stories."""

CLAIM_OPENINGS = _phrases(
    """here is, here's, the truth is, the secret, the problem with, nobody tells you, most people, everybody
    thinks, everyone thinks, people think, the biggest, the worst, the best, the real, i believe, i am
    convinced, let me be, stop, never, every, this is why, we are told, you are, there is a reason, there are
    only, what nobody, if you"""
)
"""Openings of strong statements."""

STORY_VERBS = _words(
    """was were had did went came said told asked thought knew felt saw found took gave got made left lost kept began
    became woke heard looked wanted tried decided walked ran called turned happened realized realised learned learnt
    stood sat fell bought built wrote spent met brought"""
)
"""Past tenses of verbs that tell stories."""

PERSONS = _words("i he she we they my his her our me him us them")
"""Words for the people in a story."""

SECOND_PERSON = _words("you your yours yourself you're you've you'll")
"""Words for the listener."""

HOUSEKEEPING = _words(
    """welcome hello hi goodbye bye thank thanks please agenda slide slides session sessions break lunch schedule
    scheduled calendar upload uploaded download subscribe newsletter sponsor sponsors sponsored episode podcast channel
    link links description website email mail register registration form forms reminder remind announcement
    announcements housekeeping logistics microphone mic mute muted audio recording recorded booking bookings
    registered volunteers feedback survey questionnaire deadline deadlines
    monday tuesday wednesday thursday friday saturday sunday o'clock
    page figure section chapter appendix overview"""
)
"""Words of people who run an event."""

HOUSEKEEPING_OPENINGS = _phrases(
    """thank you, thanks, welcome, good morning, good afternoon, good evening, please, okay, ok, moving on, before
    we, before i, let me see, let me check, let us move, next slide, the next, as i said, that is all, that's
    all, sure, of course, alright, all right, a reminder, just a reminder, we will take, we'll take, any
    questions, hello, hi, goodbye, bye, see you, also, anyway"""
)
"""Openings of sentences that run an event, or that leave one subject for the next."""

CONTINUING_OPENINGS = _phrases(
    """of course, for example, for instance, in other words, as a result, in that case, in addition, on the other hand,
    after that, after all, at that point, at the same time, as well as, as opposed to, such as, but not, or"""
)
"""First words of sentences that go on with what was said."""

DANGLING_OPENINGS = _words(
    """but it its he she they them this that these those him her his their and so because or which then also instead
    therefore thus too neither nor such"""
)
"""First words of sentences that need the one before."""
