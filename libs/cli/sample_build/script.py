"""The script of the bundled sample: its sentences and pictures."""

from typing import NamedTuple


class Line(NamedTuple):
    """One sentence.

    Attributes:
        text: Text as spoken.
        passage: Number of its passage worth clipping, 0 for housekeeping between passages.
    """

    text: str
    passage: int = 0


class Scene(NamedTuple):
    """One shot and the sentences spoken in it; scenes are joined by hard cuts.

    Attributes:
        lines: Sentences that are spoken.
        background: Name of a drawn background, or `slide:<name>` for a slide without a person.
        face_x: Middle of the face, as a share of the frame width; it drifts from the first value to the second.
        face_height: Height of the face from eyebrow to chin, as a share of the frame height.
    """

    lines: tuple[Line, ...]
    background: str
    face_x: tuple[float, float] = (0.5, 0.5)
    face_height: float = 0.2


SCENES = (
    Scene(
        (Line("Good morning, everybody. The handouts are on the table next to the door."),),
        "library",
        (0.5, 0.5),
        0.17,
    ),
    Scene(
        (
            Line("Why do we forget almost everything we read?", 1),
            Line("Because reading feels like learning, and it is not.", 1),
            Line("So close the book, and explain the page to the wall.", 1),
        ),
        "library",
        (0.29, 0.29),
        0.24,
    ),
    Scene(
        (
            Line("The moment you get stuck, you have found the one thing worth reading again.", 1),
            Line("Memory does not grow when you put things in. It grows when you pull things out.", 1),
        ),
        "evening",
        (0.60, 0.66),
        0.29,
    ),
    Scene(
        (Line("Let me show you the plan for today. We have three short parts, and a break for coffee."),),
        "slide:plan",
    ),
    Scene(
        (
            Line("Now, here is a number that nobody believes.", 2),
            Line("Fifteen minutes a day is ninety-one hours a year.", 2),
        ),
        "studio",
        (0.71, 0.71),
        0.24,
    ),
    Scene(
        (Line("That is more than two full weeks of work, hidden in the time it takes to drink a cup of tea.", 2),),
        "slide:number",
    ),
    Scene(
        (
            Line("Nobody can find two free weeks. Anybody can find fifteen minutes.", 2),
            Line("You do not need more talent. You need the same chair, at the same time, every day.", 2),
        ),
        "studio",
        (0.45, 0.40),
        0.28,
    ),
    Scene(
        (Line("There is some water at the back of the room. Please help yourselves."),),
        "library",
        (0.5, 0.5),
        0.17,
    ),
    Scene(
        (
            Line("The worst speech I ever saw was given by a boy of twelve.", 3),
            Line("In front of three hundred people, he dropped his notes, and the wind took them all.", 3),
        ),
        "evening",
        (0.27, 0.31),
        0.24,
    ),
    Scene(
        (
            Line(
                "He was silent for a long time. Then he put down the microphone, and told us about his grandmother.", 3
            ),
            Line("I have forgotten every other speech of that day. I will never forget the boy without notes.", 3),
        ),
        "evening",
        (0.52, 0.52),
        0.29,
    ),
    Scene(
        (Line("That is all for this morning. Please take your cups with you."),),
        "library",
        (0.68, 0.68),
        0.17,
    ),
)
