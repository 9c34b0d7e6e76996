"""The title of a passage is a clause that states its point."""

import pytest
from clipmill.analyzer.talk.clauses import beginning_of, clauses_of, unsure_whole
from clipmill.analyzer.talk.headlines import BEST_LENGTH, headline
from clipmill.analyzer.talk.phrases.remarks import manages, points
from clipmill.analyzer.talk.pieces import tidied
from clipmill.analyzer.talk.terms import tokens
from hypothesis import given, settings
from hypothesis import strategies as st


def _title(*texts, strengths=None, language="en", subjects=None):
    found = headline(texts, strengths or [0.0] * len(texts), language, subjects)
    return found.title if found else None


@pytest.mark.parametrize(
    ("text", "title"),
    [
        # A title is a clause, and ends where the clause ends.
        (
            "And when the lights failed at two thousand meters, the whole sea was glowing in a way that I never saw.",
            "The whole sea was glowing in a way that I never saw",
        ),
        (
            "The bakery survived the winter, because every neighbour came on Mondays and bought more bread than ever.",
            "The bakery survived the winter",
        ),
        (
            "Most people never get back to the task at all, and that is why the office is empty of thought by noon.",
            "Most people never get back to the task at all",
        ),
        # What only leads to the point is left out.
        ("Well, you know, of course, nobody asked the ferryman.", "Nobody asked the ferryman"),
        ("I think that the opposite of poverty is justice.", "The opposite of poverty is justice"),
        ("Justice Miller, the rule was made for harbours alone.", "The rule was made for harbours alone"),
        ("CA: However, bees never sleep in summer.", "Bees never sleep in summer"),
        # A denial stays one.
        ("I don't think the bridge was safe.", "I don't think the bridge was safe"),
        # Questions keep their marks.
        ("So why do airlines board in groups?", "Why do airlines board in groups?"),
        ("He asked, \u201cWhy is it slower?\u201d", "Why is it slower?"),
    ],
)
def test_a_title_is_a_whole_clause(text, title):
    assert _title(text) == title


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I I think the the boat sank.", "I think the boat sank."),
        ("It -- it would it would shock me.", "It would shock me."),
        ("I-I-I was, you know, late.", "I was late."),
        ("We, uh, sold um everything.", "We sold everything."),
        ("I, I've never seen it.", "I've never seen it."),
        ("(Laughter) It was, like, enormous.", "It was enormous."),
        ("It was a kind of music, and kind of loud.", "It was a kind of music, and loud."),
        ('He knows if you are late, right?"', 'He knows if you are late?"'),
        ("What the -- I mean, the court said so.", "What the court said so."),
        ("We like it. We like it.", "We like it. We like it."),
        ("Nine, nine and 10 10 were Duran Duran songs.", "Nine and 10 10 were Duran Duran songs."),
    ],
)
def test_stammers_and_fillers_are_left_out(text, said):
    assert tidied(text, english=True) == said


@pytest.mark.parametrize(
    "text",
    [
        "And then the.",
        "Because of the rain in the north.",
        "Which was the largest of them.",
        "A little bit of humility in the profession.",
        "Reviewed it on appeal.",
        "The distinction you're making.",
        "What I mean with the harbour?",
        "Before we began with the harbour?",
        "Of course.",
    ],
)
def test_a_fragment_is_no_clause(text):
    assert clauses_of(text) == []


def test_a_clause_that_says_more_is_preferred_to_the_strongest_fragment():
    texts = ["Which is the one that they had there.", "It was that.", "Forty percent of the harbour was empty."]
    assert _title(*texts, strengths=[1.0, 0.9, 0.5]) == "Forty percent of the harbour was empty"


@pytest.mark.parametrize(
    "said",
    [
        "We'll hear argument next in the case of the harbour.",
        "Just let me have two seconds for the harbour.",
        "I have three quick points about the harbour.",
        "I'll give you an example of the harbour.",
        "I'm very pleased to be here in the harbour.",
        "I really appreciate being here in the harbour.",
        "I'll label this for you in a second.",
        "Would that be okay with the harbour council of the village?",
        "Let's start off with something really easy.",
        "Let's see if the keeper can count the boats.",
        "Let's choose the harbour.",
        "I have three quick points that I would like to make.",
        "I haven't made up my mind how the harbour will be built.",
        "You just modified the hypothetical.",
        "I love this picture of the harbour, too.",
        "Here you can see the great harbour of Orion at night.",
        "A keeper of great courage, who never slept.",
        "Let's try something harder in the harbour.",
        "I'm still trying to understand the harbour.",
        "If you get all those boats aligned.",
    ],
)
def test_what_runs_a_conversation_points_at_a_picture_or_has_no_main_clause_is_no_title(said):
    assert _title(said, "The keeper counted the boats.", strengths=[1.0, 0.0]) == "The keeper counted the boats"


@pytest.mark.parametrize(
    "said",
    [
        "Let's start a revolution in the way we eat.",
        "Let's start a revolution.",
        "Let's stop pretending that money makes us happy.",
        "Let's turn poverty into a memory.",
        "I had a question that haunted me for twenty years.",
        "I have two examples that prove the whole theory wrong.",
        "I had three questions in the last exam of my life and failed every single one.",
        "Life can change in a second.",
        "I appreciate the people who raised me.",
        "I appreciate the beauty of small things.",
        "I'm happy to be alive after the flood.",
        "Can you help me find my daughter?",
        "How can we begin to forgive the keeper?",
        "The boat sank in four minutes.",
        "Two minutes of silence saved the harbour.",
        "We have little time left to save the glacier.",
        "What will you do with your time?",
        "This video went viral and ruined my life.",
        "This graph shows that the poor are getting richer.",
        "Here you can see why the bees are dying.",
    ],
)
def test_a_statement_that_begins_like_a_remark_is_none(said):
    words = tokens(said)
    assert not manages(words)
    assert not points(words)


@pytest.mark.parametrize(
    "said", ["What new thing are you adding to our knowledge?", "When you find it, will you send it back?"]
)
def test_a_question_may_begin_with_its_object_or_a_condition(said):
    assert said in [clause.text for clause in clauses_of(said)]


def test_a_title_may_begin_with_an_action():
    assert unsure_whole("Predicting how nature works is a very risky game.") is not None
    assert unsure_whole("A keeper of great courage, who never slept.") is None


def test_a_clause_about_the_subject_is_preferred():
    texts = ["The keeper of the door was tired.", "The glacier of the valley was tired."]
    assert _title(*texts) == "The keeper of the door was tired"
    assert _title(*texts, subjects={"glacier": 1.0}) == "The glacier of the valley was tired"


def test_the_speaker_breaks_off_and_the_title_does_not():
    assert _title("The old rule \u2014 the harbour closed at noon on every single day.").startswith(
        "The harbour closed"
    )


@pytest.mark.parametrize(
    ("language", "text", "title"),
    [
        (
            "de",
            "Mit vier Jahren stellt ein Kind 300 Fragen am Tag!",
            "Mit vier Jahren stellt ein Kind 300 Fragen am Tag!",
        ),
        (
            "de",
            "Das Dorf hat den Winter nur mit Mühe überlebt, weil der Bäcker jeden Morgen um vier Uhr aufgestanden ist.",
            "Das Dorf hat den Winter nur mit Mühe überlebt",
        ),
        ("ja", "四歳の子供は一日に300の質問をします！", "四歳の子供は一日に300の質問をします"),  # noqa: RUF001
    ],
)
def test_other_languages_are_divided_at_marks_alone(language, text, title):
    assert _title(text, language=language) == title


def test_a_passage_without_words_has_no_title():
    assert _title("\u2026", "-") is None


SPEECH = (
    "the of I and it bees bridge was never, think that because \u201cno\u201d why? -- -- um you know... if sold What?"
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from(SPEECH.split()), min_size=1, max_size=30).map(" ".join), max_size=4))
def test_any_speech_gives_a_title_of_the_right_form(texts):
    title = _title(*texts)
    assert title or not {word for text in texts for word in text.split()} - {"um", "--"}
    title = title or ""
    assert len(title) <= 101
    assert title == title.strip()
    assert len([letter for letter in title if letter in '"\u201c\u201d']) % 2 == 0


def test_a_title_fits_a_phone_where_a_clause_does():
    text = (
        "The interesting thing about every one of these remarkable machines is that they were built by children, "
        "and nobody has ever found out where the children went."
    )
    assert len(_title(text)) <= BEST_LENGTH


def test_a_clause_that_says_nothing_is_passed_over():
    texts = ["You would have had it again with us.", "The keeper counted the boats."]
    assert _title(*texts, strengths=[1.0, 0.0]) == "The keeper counted the boats"


def test_a_predicate_without_its_subject_is_no_title():
    found = [clause.text for clause in clauses_of("Lost interest in him, and he went back to the harbour.")]
    assert found == ["he went back", "he went back to the harbour."]


def test_a_title_does_not_begin_another_clause_and_leave_it():
    text = "The glacier shrinks all summer, but every year, the village gets more water."
    assert not any(clause.text.endswith("year,") for clause in clauses_of(text))


LONG = (
    "The keeper's elder brother's neighbour's tired old grey harbour cat chased seventeen unusually quick brown mice."
)


@pytest.mark.parametrize(
    ("texts", "title"),
    [
        # A sentence that is longer than a title may be gives none, however strong it is.
        ([LONG, "The harbour paid for the lost bread."], "The harbour paid"),
        # A phrase that needs more words is no end.
        (["The whole law is subject to the review of the harbour court."], "The whole law is subject to the review"),
        (["You see a relatively normal, not very interesting harbour."], "You see a relatively normal, not very"),
        (
            ["On the merits, what they say is, hey, the harbour is yours."],
            "On the merits, what they say is, hey, the harbour",
        ),
        (
            ["The council can require any baker to keep an account of flour."],
            "The council can require any baker to keep",
        ),
        # A list and a parenthesis begin no clause.
        (["Of the boats in the Orion, Vega and Lyra fleets, only seven ships survived."], "Of the boats in the Orion"),
        (["Those harbours, I agree, Justice Miller, are rare."], "Those harbours, I agree"),
        (["The keeper decided that we lost, I think is the best way to put it."], "The keeper decided that we lost"),
    ],
)
def test_a_title_is_not_cut_amid_a_phrase(texts, title):
    found = _title(*texts, strengths=[1.0, *[0.0] * (len(texts) - 1)])
    assert found.startswith(title)


@pytest.mark.parametrize(
    "text",
    [
        "It is not true that money makes people happy.",
        "Some say that the glacier never moved.",
        "He lied when he said that the money was gone.",
        "There is no reason to believe that bees are lazy.",
        "They acted as if they believed that the money was gone.",
        "If you think that I did this alone, you are wrong.",
        "Suppose the dam breaks, and the village drowns.",
        "I was wrong to think that the glacier was safe.",
    ],
)
def test_a_title_does_not_state_what_the_speaker_only_mentions(text):
    assert _title(text) == text.rstrip(".")


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("She said no, he is guilty of theft, but that was a lie of hers.", "He is guilty"),
        ("If you do not swim, you will drown in the harbour.", "You will drown"),
        ("You see a relatively normal, not very interesting harbour.", "You see a relatively normal"),
        ("If it rains all day, the village is lost to the sea.", "the village is lost to the sea."),
        ("The keeper did not leave because he smoked in the harbour.", "The keeper did not leave"),
        ("The boat is yours unless the keeper of the harbour objects.", "The boat is yours"),
        ("The keeper gave us boats on Mondays unless the harbour froze.", "The keeper gave us boats"),
        (
            'We don\'t sit in the harbour at noon and think, "Well, the sea is ours."',
            "We don't sit in the harbour at noon",
        ),
        (
            "The keeper may not hire a friend and pay him with our money.",
            "The keeper may not hire a friend and pay him",
        ),
        ("The keeper may not hire a friend on Monday and pay him.", "The keeper may not hire a friend"),
        ("Nobody asks a doctor for a disease that kills a child.", "Nobody asks a doctor for a disease"),
        ("Nobody sleeps in the harbour when it rains.", "Nobody sleeps in the harbour"),
        ("Bees are often faster until noon, and louder.", "Bees are often faster"),
        ("Fishing is good for you until you drown in the sea.", "Fishing is good for you"),
        ("A rule is either plain, or it is not.", "A rule is either plain"),
        ("The harbour is not only large, but it is full of boats.", "The harbour is not only large"),
        ('People say things like, "Everyone lost a boat" all the time.', "Everyone lost a boat all the time"),
        ('She said, "The harbour is closed," and left.', "The harbour is closed"),
        (
            'Do we know enough about "permit" being used in a way that you lose?',
            "Permit being used in a way that you lose?",
        ),
    ],
)
def test_a_clause_does_not_lose_the_words_that_deny_or_limit_it(text, lost):
    assert _title(text).lower() != lost.lower()
    found = [clause.text.replace('"', "").rstrip(",.").lower() for clause in clauses_of(text)]
    assert lost.lower() not in found


def test_the_beginning_of_a_long_sentence_does_not_lose_what_limits_it():
    text = "The keeper gave us the old boats until the keeper of the other harbour came back to the village of boats."
    assert beginning_of(text, 45) == ""
    assert beginning_of(text.replace("until", "because"), 45) == "The keeper gave us the old boats"


def test_a_clause_that_the_speaker_vouches_for_is_a_title():
    assert _title("We all know that the glacier of the valley is melting.") == "The glacier of the valley is melting"
    found = [clause.text for clause in clauses_of("The truth is that nobody reads the contract of the harbour.")]
    assert "nobody reads the contract of the harbour." in found


@pytest.mark.parametrize(
    "text",
    [
        "Let's call it.",
        "Oh no!",
        "I have a quick question for you.",
        "You have 4 minutes remaining.",
        "You will have five minutes for rebuttal.",
        "May I respond, Mr. Chief Justice?",
        "Of course.",
        "I'm sorry.",
    ],
)
def test_a_sentence_that_says_nothing_is_the_last_choice(text):
    assert (
        _title(text, "The keeper counted all the boats.", strengths=[1.0, -1.0]) == "The keeper counted all the boats"
    )
    found = headline([text], [1.0], "en", {}, "Glacier, village, water")
    assert found is not None
    assert found.title == "Glacier, village, water"


def test_without_a_topic_the_clause_nearest_to_the_strongest_sentence_is_the_title():
    texts = ["You have 4 minutes remaining.", "Oh no!", "I'm sorry."]
    found = headline(texts, [1.0, 0.0, 0.0], "en")
    assert found is not None
    assert (found.title, found.sentence) == ("You have 4 minutes remaining", 0)


def test_a_title_that_must_be_cut_says_so():
    text = "Because of " + "the bread of the baker and " * 8 + "the harbour"
    assert _title(text).endswith("\u2026") or len(_title(text)) <= BEST_LENGTH


def test_the_words_around_a_break_are_not_joined():
    title = _title(
        "So my one nagging concern about your \u2014 Yeah. \u2014 emphatic harbour plan is I'm counting boats."
    )
    assert "your Yeah" not in title


def test_a_question_keeps_its_mark_where_a_part_of_it_is_the_title():
    text = "Can a subjective view of the harbour be evidence, and can the baker of the village prove it to the council?"
    assert _title(text).endswith("?")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("'Harbours' is such a sad film.", "Harbours is such a sad film"),
        ("I found it in a book, 'The Harbour Guide.'", "I found it in a book, The Harbour Guide"),
        ('I said, "It is the law of the harbour, Nana."', 'I said, "It is the law of the harbour, Nana"'),
        (
            "The rule is in section 60(b) (6) of the harbour code.",
            "The rule is in section 60(b) (6) of the harbour code",
        ),
    ],
)
def test_a_title_keeps_its_marks_in_pairs(text, title):
    assert _title(text) == title
