"""Hashtags: the words that name the subject of a passage."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from clipmill.analyzer.talk import grammar
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES, NO_SUBJECTS, NUMBER_WORDS, STOP_WORDS
from clipmill.analyzer.talk.pieces import without_noises
from clipmill.analyzer.talk.terms import DENSE, MARKS, UNSPACED, inverse_frequencies, stem
from clipmill.contracts.swear_words import is_swear_word
from stopwordsiso import has_lang, stopwords

HASHTAG_LIMIT = 5
"""Instagram's limit for hashtags; TikTok's feed shows no more."""

LEAST_OF_BEST = 0.25
"""Share of the merit of the first hashtag below which a word says too little about the passage."""

EVERYWHERE = 1 / 3
"""Share of the sentences of a talk in another language from which a word belongs to no subject."""

FEWEST_SENTENCES = 12
"""Number of sentences from which the share above is known; a short talk may name its subject in each sentence."""

NAMED = 1.5
"""Weight of an English word that is written with a capital inside sentences."""

CHINESE = frozenset({"zh", "yue"})
"""Languages written in ideographs alone, without blanks; Japanese has kana between its words."""

CAPITALISING = frozenset({"de", "lb"})
"""Languages that write nouns with capitals: German and Luxembourgish."""

COMMON_WORDS = Path(__file__).with_name("common_words.txt")
"""English words that name no subject: frequent or evenly spread ones, written by `tools/moments/common_words.py`."""

_TAG_WORDS = re.compile(
    rf"[\u4e00-\u9fff\u3400-\u4dbf]+|[\u30a1-\u30fa\u30fc-\u30ff]+"
    rf"|[^\W_{UNSPACED}](?:[^\W_{UNSPACED}]|[{MARKS}'\u2019])*"
)
"""Possible hashtags: ideographs in a row, katakana in a row, words of scripts with blanks. Thai, Lao,
Khmer and Burmese have none, since nothing in a clause shows where a word ends."""

LONGEST_ROW = 6
"""Most ideographs in a row that are one word, or two that belong together, where other letters divide words."""

LONGEST_KATAKANA = 12
"""Most katakana in a row that are one word; a longer row is several."""

_IDEOGRAPHS = re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf]+")
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc-\u30ff]+")

LONGEST_CHINESE_WORD = 4
"""Most ideographs of a Chinese word or set phrase; a longer row of them is a clause."""

_CHINESE_DIVIDERS = "的了着是我你您妳他她它牠们这那吗吧呢啊很也又和嘅咗喺佢哋唔嗰啲咁冇嚟係"
"""Ideographs that divide a Chinese clause: particles, pronouns and a few adverbs, then those of Cantonese. Written for
themselves or in a word of `_stop_words` nine times of ten, and otherwise mostly in the words below. Those that often
stand inside words do not divide, such as those of `society`, `ability`, `time` and `Shanghai`. Of the nouns in the
dictionary of jieba 0.42, by their frequency, 0.6 % are divided or lost by all these rules together."""

_CHINESE_LEADERS = "在把让与都就还但而才去"
"""Ideographs that are left out before a word: 19 times of 20 none of them begins a longer word, if not one below."""

_CHINESE_CLAUSES = frozenset("得没更太不在把被给跟从到都就还让")
"""Ideographs that make a clause of a part which is longer than two, because few words of that length have them."""

_CHINESE_NEGATIONS = "不没更"
"""Ideographs with which a part of two is no word that names something."""

_CHINESE_WORDS = frozenset(
    """目的 目的地 的士 标的 着陆 着装 衣着 是非 我国 自我 吉他 维他命 马耳他 哈瓦那 圭亚那 刹那 吗啡 酒吧 网吧
    氧吧 吧台 书吧 呢绒 维也纳 也门 共和 共和国 共和党 共和制 和平 和谐 和尚 和约 和解 和谈 和议 和声 和弦 和服
    和睦 亲和力 中和 总和 维和 义和团 太和殿 颐和园 郑和 呼和浩特 昭和 大和 关系 系数 关係 係数 在线 在校生 在职
    与会者 都市 都城 都督 都江堰 都柏林 首都 成都 京都 古都 就业 就业率 就医 就诊 还原 还款 但丁 才华 才子 才智
    才艺 天才 人才 太平洋 犹太人
    所在地 可能性 根据地""".split()
)
"""Frequent words that name something and have such ideographs; they stand for themselves in any clause."""

_CHINESE_FILLERS = frozenset(
    """现在 觉得 知道 非常 可能 应该 大家 还有 还是 就是 都是 也是 时候 出来 起来 没有 很多 很多人 很少 了解 了结
    了不起 意味着 着迷 着急 着重 着手 着火 沿着 随着 沉着 执着 打的 忘我 其他人 哥们 支那 温和 缓和 饱和 调和
    柔和 和善 祥和 暖和 谦和 随和 求和 协和 在家 把握 让步 让位 去年 去世 去年底 去向 就读 就职 有关系 没关系""".split()
)
"""Frequent words that divide a clause as those of `_stop_words` do, which lacks them."""

_SIMPLIFIED = str.maketrans(
    "萬與兩個為麼僅從們會關兼幾則別辦單後嗎嗚噠喲處寧對爾盡豈歸當徹據擇換無舊時顯極樣沒點獨確離種簡類緊縱經結繼綜罷雖"
    "見讓許論設誠話說諸誰賊賴轉較邊達過還這進連裡裏鑒針間問難順齊現覺應來總聯係數維納門書臺綢諧緩飽調約談議聲絃義團頤園"
    "鄭線職關戲業醫讀診鄉華藝瑪網國黨製標結陸裝執訝剎亞給將無長東車電馬貝",
    "万与两个为么仅从们会关兼几则别办单后吗呜哒哟处宁对尔尽岂归当彻据择换无旧时显极样没点独确离种简类紧纵经结继综罢虽"
    "见让许论设诚话说诸谁贼赖转较边达过还这进连里里鉴针间问难顺齐现觉应来总联係数维纳门书台绸谐缓饱调约谈议声弦义团颐园"
    "郑线职关戏业医读诊乡华艺玛网国党制标结陆装执讶刹亚给将无长东车电马贝",
)
"""Traditional ideographs of the words above and of `_stop_words`, and the simplified ones in their place. The hashtag
itself stays as it is written."""

_ENGLISH_WORDS = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*|[.,;:!?\u2014-]")
_ENDS_OF_PHRASES = (
    grammar.PREPOSITIONS
    | grammar.COORDINATORS
    | grammar.SUBORDINATORS
    | grammar.PART_TIME_SUBORDINATORS
    | grammar.FINITE_AUXILIARIES
    | grammar.SUBJECT_PRONOUNS
    | frozenset(".,;:!?\u2014")
)
_BEFORE_NOUNS = (grammar.DETERMINERS | grammar.PREPOSITIONS | grammar.NUMERALS) - {"to", "about", "by", "than"}
_PARTICIPLE = re.compile(r"[a-z]{3,}[^e]ed")
_ADVERB = re.compile(r"[a-z]{3,}ly")
_NOUNS_IN_LY = frozenset(
    "family assembly anomaly monopoly butterfly fly ally italy bully belly jelly supply reply july lily".split()
)
_GERUND = re.compile(r"[a-z]{2,}ings?")
_NOUNS_IN_ING = frozenset(
    """advertising banking boxing building buildings ceiling ceilings clothing coding cycling dumpling dumplings
    engineering farming fishing gambling gaming gardening hacking hearing hearings hiking housing hunting king kings
    knitting lightning marketing mining offspring painting paintings parenting ping programming recycling ring rings
    running sailing sibling siblings skiing smoking spring springs string strings surfing swimming training trafficking
    viking vikings wedding weddings whaling wing wings wrestling writing writings""".split()
)
_SUPERLATIVE = re.compile(r"[a-z]{2,}est")
_NOUNS_IN_EST = frozenset(
    """
    arrest budapest bequest breast chest conquest contest crest everest forest guest harvest inquest interest
    manifest midwest nest northwest priest protest quest rainforest request rest southwest test vest west
    tempest""".split()
)
_ADJECTIVE = re.compile(r"[a-z]{2,}(?:ous|ful|less|ional|ical|istic|ish)")
_STRETCHED = re.compile(r"(.)\1\1|^[^aeiouy]+$")
"""Sounds such as `nowwww` and `hmm`."""

_DEGREES = frozenset("very too really quite pretty extremely incredibly so".split())
"""Words that an adjective or an adverb follows."""

_NEW = re.compile(r"\bNew (?=[A-Z][a-z])")
"""First half of names such as New York."""

_CLOSED = (
    grammar.ADVERBS
    | grammar.PREPOSITIONS
    | grammar.SUBORDINATORS
    | grammar.PART_TIME_SUBORDINATORS
    | grammar.INTERJECTIONS
    | grammar.NUMERALS
    | NUMBER_WORDS
    | NO_SUBJECTS
)
"""Words of closed classes, interjections, days, months and what a transcriber writes about an audience."""

_UNFIT = frozenset(
    """rape rapes raped rapist rapists vagina vaginas vaginal penis penises porn porno pornography orgasm orgasms
    erection erections masturbation masturbating anal anus genitals genitalia boob boobs tits nipple nipples testicle
    testicles semen sperm incest pedophile pedophiles pedophilia molester molestation prostitute prostitutes sodomy
    suicide suicides""".split()
)
"""Words that platforms hide, or that nobody wants to see beside a link; a talk may still be about them."""

_ADDRESS = re.compile(
    r"\b[Yy]our [Hh]onou?rs?\b|\b(?:Mr|Ms|Mrs|Madam)\.? Chief Justice\b|\b(?:Chief )?Justice [A-Z][\w'\u2019]+"
    r"|(?:^|(?<=, ))(?:Mr|Mrs|Ms|Dr|General|Counsel)\.? [A-Z][\w'\u2019]+(?=[,.?!])"
    r"|(?<=, )[Cc]ounsel(?:or)?(?=[,.?!])"
)
"""People who are spoken to."""


class Hashtags:
    """Finds the words that say most about a passage of a talk.

    Args:
        texts: Sentences of the talk.
        language: ISO 639-1 code; empty if unknown, which counts as English.
    """

    def __init__(self, texts: Sequence[str], language: str = "") -> None:
        self._language = language
        self._english = language in LEXICON_LANGUAGES
        bare = [_NEW.sub("New", _ADDRESS.sub(" ", without_noises(text))) if self._english else text for text in texts]
        self._words = [[word for word in _tag_words(text, language) if self._taggable(word)] for text in bare]
        self._weights = inverse_frequencies([[stem(word) for word in words] for words in self._words])
        if self._english or language in CAPITALISING:
            nouns, names = _nouns(bare)
            for one in self._weights:
                noun = one in nouns and self._english
                self._weights[one] *= NAMED if one in names else 1.0 if noun else 0.0
        elif len(texts) >= FEWEST_SENTENCES:
            most = EVERYWHERE * len(texts)
            having = Counter(one for words in self._words for one in {stem(word) for word in words})
            self._weights = {one: weight for one, weight in self._weights.items() if having[one] <= most}

    def of(self, first: int, last: int, most: int = HASHTAG_LIMIT) -> list[str]:
        """Return up to `most` hashtags for the sentences from `first` to `last`, the most specific first."""
        counts: Counter[str] = Counter()
        forms: dict[str, Counter[str]] = {}
        for words in self._words[first : last + 1]:
            for word in words:
                counts[stem(word)] += 1
                forms.setdefault(stem(word), Counter())[word] += 1
        merits = {one: count * self._weights.get(one, 0.0) for one, count in counts.items()}
        ranked = sorted(merits, key=lambda one: (-merits[one], one))
        highest = merits[ranked[0]] if ranked else 0.0
        kept = [one for one in ranked if merits[one] > LEAST_OF_BEST * highest]
        return [f"#{_form(forms[one])}" for one in kept[:most]]

    def subjects(self, first: int, last: int) -> dict[str, float]:
        """Return the stems of the subject of a passage with their weights, 1 for the one that says most."""
        return {stem(tag[1:]): 1.0 - 0.1 * place for place, tag in enumerate(self.of(first, last))}

    def _taggable(self, word: str) -> bool:
        letters = word.replace("'", "")
        shortest = 2 if DENSE.match(letters) else 4
        if not shortest <= len(letters) <= 24 or any(letter.isdigit() for letter in letters):
            return False
        if word in STOP_WORDS or word in _UNFIT or is_swear_word(word, self._language):
            return False
        return not _is_common(word) if self._english else word not in _stop_words(self._language)


def _is_common(word: str) -> bool:
    """Return whether an English word names no subject: it is frequent everywhere, an adverb, or a common verb."""
    bare = word.removesuffix("'s")
    if bare in common_words() or stem(bare) in _common_stems() or "'" in bare or bare in _CLOSED:
        return True
    if (
        _STRETCHED.search(bare)
        or _ADJECTIVE.fullmatch(bare)
        or (_SUPERLATIVE.fullmatch(bare) and bare not in _NOUNS_IN_EST)
    ):
        return True
    if _GERUND.fullmatch(bare) and bare not in _NOUNS_IN_ING:
        return True
    if _ADVERB.fullmatch(bare) and bare not in _NOUNS_IN_LY and not bare.endswith("ily"):
        return True
    if _PARTICIPLE.fullmatch(bare):
        return True
    return bare in grammar.ANY_VERB and bare not in grammar.ALSO_NOUNS


@cache
def common_words() -> frozenset[str]:
    """Return the English words that are frequent whatever the subject."""
    return frozenset(COMMON_WORDS.read_text(encoding="utf-8").split())


@cache
def _common_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in common_words() if len(word) > 3)


@cache
def _stop_words(language: str) -> frozenset[str]:
    """Return the words of a language other than English that name no subject."""
    code = "zh" if language in CHINESE else language
    return frozenset(stopwords(code)) if has_lang(code) else frozenset()


def _form(forms: Counter[str]) -> str:
    """Return the most frequent form of a word, the shortest of equal ones, without apostrophes."""
    best = min(forms, key=lambda form: (-forms[form], len(form), form))
    return best.removesuffix("'s").replace("'", "")


def _nouns(texts: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the stems of words that are used as nouns in English texts, and of those that are names.

    A noun is the last word before the end of a phrase, after a word that begins one, such as `the printer is`, or a
    plural that begins a sentence.
    """
    nouns: set[str] = set()
    names: set[str] = set()
    qualities: set[str] = set()
    for text in texts:
        found = _ENGLISH_WORDS.findall(text)
        words = [word.lower().replace("\u2019", "'") for word in found]
        for index, word in enumerate(words):
            if index and found[index][0].isupper() and words[index - 1] not in (".", "!", "?", ":"):
                names.add(stem(word))
            plural = word.endswith("s") and not word.endswith(("ss", "us", "is"))
            if ends_noun(words, index) or (plural and (not index or words[index - 1] in (".", "!", "?"))):
                nouns.add(stem(word))
            compared = word.endswith("er") and index + 1 < len(words) and words[index + 1] == "than"
            if compared or (index and words[index - 1] in _DEGREES and found[index][0].islower()):
                qualities.add(stem(word))
    return nouns - qualities, names - qualities


def ends_noun(words: Sequence[str], index: int) -> bool:
    """Return whether the word at `index` is the last word of an English phrase that begins before it as nouns do.

    Args:
        words: Words in lower case, and marks.
        index: Index of the word.
    """
    following = words[index + 1] if index + 1 < len(words) else "."
    if following not in _ENDS_OF_PHRASES:
        return False
    for before in reversed(words[max(index - 3, 0) : index]):
        if before in _BEFORE_NOUNS:
            return True
        if before in _ENDS_OF_PHRASES:
            return False
    return False


def _tag_words(text: str, language: str) -> list[str]:
    if language in CHINESE:
        text = _IDEOGRAPHS.sub(lambda clause: f" {' '.join(_chinese_words(clause.group()))} ", text)
    words = [word.lower().replace("\u2019", "'").strip("'") for word in _TAG_WORDS.findall(text)]
    return [word for word in words if not _is_long_row(word)]


def _is_long_row(word: str) -> bool:
    """Return whether a row of ideographs or katakana is too long for a word; a part of it could be half a word."""
    if _IDEOGRAPHS.match(word):
        return len(word) > LONGEST_ROW
    return _KATAKANA.match(word) is not None and len(word) > LONGEST_KATAKANA


def _chinese_words(clause: str) -> Iterator[str]:
    """Yield those parts of a clause between its dividers that are short enough to be words."""
    plain = clause.translate(_SIMPLIFIED)
    reached = 0
    for match in (*_chinese_dividers().finditer(plain), None):
        begin, end = reached, len(plain) if match is None else match.start()
        while end - begin > 2 and plain[begin] in _CHINESE_LEADERS:
            begin += 1
        if end - begin > 2 and plain[end - 1] == "有":
            end -= 1
        if _is_word(plain[begin:end]):
            yield clause[begin:end]
        if match is not None:
            reached = match.end()
            if match.group() in _CHINESE_WORDS:
                yield clause[match.start() : reached]


def _is_word(part: str) -> bool:
    """Return whether a part of a clause is short enough for a word, and no clause itself as far as this shows."""
    if len(part) == 2:
        return part[0] not in _CHINESE_NEGATIONS
    return 2 < len(part) <= LONGEST_CHINESE_WORD and not _CHINESE_CLAUSES.intersection(part)


@cache
def _chinese_dividers() -> re.Pattern[str]:
    """Return a pattern for simplified text: the words of the lists above, the longest first, and single dividers."""
    listed = {word for word in _stop_words("zh") if _IDEOGRAPHS.fullmatch(word) and len(word) > 1}
    whole = sorted(_CHINESE_WORDS | _CHINESE_FILLERS | listed, key=len, reverse=True)
    return re.compile(f"{'|'.join(whole)}|[{_CHINESE_DIVIDERS}]")
