"""Talks with planted highlights, for tests and benches: texts in different voices, and how they are laid out.

Each `.txt` file beside this one is a group: one voice, its highlights, and what stands between them. The groups were
written independently of each other, so that what is chosen by looking at some of them can be judged on another.
"""
