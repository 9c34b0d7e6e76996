"""Moments: windows of a source with the texts that are published about them, whoever picked them."""

from clipmill.analyzer.talk.windows import Window
from msgspec import Struct


class Moment(Struct, frozen=True, kw_only=True):
    """A clip that may become part of a plan."""

    window: Window
    title: str
    tiktok: str
    instagram: str
    youtube: str
    score: int
    reason: str = ""
