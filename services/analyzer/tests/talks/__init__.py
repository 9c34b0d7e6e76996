"""Talks with planted highlights, for tests and benches: texts in different voices, and their layout.

Each `.txt` file in this folder is a group: one voice, its highlights, and other passages between them. The groups were
written independently of each other, so a choice made on some of them can be judged on another.
"""
