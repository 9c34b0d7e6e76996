"""Backgrounds and slides, drawn by code."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH, HEIGHT = 1280, 720
INK, ACCENT, PAPER = (38, 44, 60), (208, 92, 40), (246, 243, 236)


def gradient(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Image.Image:
    """Return a vertical ramp between two colours."""
    ramp = np.linspace(0, 1, HEIGHT)[:, None, None]
    pixels = (np.array(top) * (1 - ramp) + np.array(bottom) * ramp) * np.ones((1, WIDTH, 1))
    return Image.fromarray(pixels.astype(np.uint8))


def library() -> Image.Image:
    """Shelves of books, out of focus."""
    random = np.random.default_rng(3)
    image = gradient((92, 70, 54), (58, 42, 34))
    draw = ImageDraw.Draw(image)
    covers = [(150, 62, 48), (56, 92, 110), (190, 150, 84), (84, 104, 72), (120, 84, 120), (206, 190, 160)]
    for shelf in range(4):
        floor = 170 + shelf * 180
        x = 12
        while x < WIDTH - 20:
            width, height = int(random.integers(18, 46)), int(random.integers(96, 150))
            shade = float(random.uniform(0.7, 1.1))
            cover = tuple(int(min(255, value * shade)) for value in covers[int(random.integers(len(covers)))])
            draw.rectangle((x, floor - height, x + width - 2, floor), fill=cover)
            x += width + (int(random.integers(10, 60)) if random.random() < 0.15 else 1)
        draw.rectangle((0, floor, WIDTH, floor + 16), fill=(112, 80, 54))
    return image.filter(ImageFilter.GaussianBlur(5))


def evening() -> Image.Image:
    """A window on a town's lights."""
    random = np.random.default_rng(8)
    image = gradient((24, 30, 66), (86, 62, 92))
    for _ in range(60):
        x, y, radius = int(random.integers(WIDTH)), int(random.integers(180, 700)), int(random.integers(8, 34))
        light = Image.new("L", image.size, 0)
        ImageDraw.Draw(light).ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=int(random.integers(40, 130))
        )
        colour = [(255, 208, 120), (255, 160, 96), (150, 190, 255), (255, 236, 200)][int(random.integers(4))]
        image.paste(Image.new("RGB", image.size, colour), (0, 0), light.filter(ImageFilter.GaussianBlur(2)))
    draw = ImageDraw.Draw(image)
    for x in (0, 420, 846, 1262):
        draw.rectangle((x, 0, x + 18, HEIGHT), fill=(30, 26, 34))
    return image.filter(ImageFilter.GaussianBlur(2))


def studio() -> Image.Image:
    """A plain teal wall with a lamp's light and a plant's shadow."""
    image = gradient((54, 112, 116), (28, 66, 72))
    glow = Image.new("L", image.size, 0)
    ImageDraw.Draw(glow).ellipse((-120, -240, 620, 420), fill=150)
    image.paste(Image.new("RGB", image.size, (240, 214, 160)), (0, 0), glow.filter(ImageFilter.GaussianBlur(120)))
    leaves = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(leaves)
    for angle in range(-150, -20, 22):
        leaf = np.deg2rad(angle)
        tip = (1120 + 260 * np.cos(leaf), 620 + 330 * np.sin(leaf))
        side = (-18 * np.sin(leaf), 18 * np.cos(leaf))
        middle = (1120 + 140 * np.cos(leaf), 620 + 180 * np.sin(leaf))
        draw.polygon(
            [(1120, 620), (middle[0] + side[0], middle[1] + side[1]), tip, (middle[0] - side[0], middle[1] - side[1])],
            fill=170,
        )
    draw.rectangle((1066, 600, 1176, 720), fill=200)
    image.paste(Image.new("RGB", image.size, (18, 44, 44)), (0, 0), leaves.filter(ImageFilter.GaussianBlur(4)))
    return image


def slide(title: str, lines: tuple[str, ...], figure: str = "") -> Image.Image:
    """Return a slide with a title and either lines of text or one large figure above them."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, WIDTH, 18), fill=ACCENT)
    draw.text((90, 78), title, font=ImageFont.load_default(64), fill=INK)
    y = 220
    if figure:
        draw.text((86, 190), figure, font=ImageFont.load_default(190), fill=ACCENT)
        y = 470
    for line in lines:
        draw.ellipse((96, y + 18, 114, y + 36), fill=ACCENT)
        draw.text((144, y), line, font=ImageFont.load_default(46), fill=INK)
        y += 92
    return image


def picture(name: str) -> Image.Image:
    """Return the background or slide of that name."""
    made = {
        "library": library,
        "evening": evening,
        "studio": studio,
        "slide:plan": lambda: slide("Today", ("How to remember", "How to find the time", "How to stand up and speak")),
        "slide:number": lambda: slide(
            "15 minutes a day", ("365 days, 5,475 minutes", "more than two weeks of work"), "91 hours"
        ),
    }
    return made[name]()
