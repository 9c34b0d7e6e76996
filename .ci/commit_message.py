"""Check a commit message: `python .ci/commit_message.py FILE`, as the commit-msg hook calls it.

A subject names its scope and then what the commit does, in the imperative: `analyzer: count fallbacks of detection`.
The body says why. Merges, reverts and fixups have git's own words and pass.
"""

import re
import sys
from pathlib import Path

MOST_LETTERS = 72
"""Longest subject, in letters: `git log --oneline` shows it without a break."""

SUBJECT = re.compile(r"(?P<scope>[a-z0-9][a-z0-9 ,/_.-]*): (?P<verb>[a-z]+)(?:[ ,-].*)?")
GITS_OWN = re.compile(r"Merge (branch|remote|tag|pull)|(Revert|Reapply) \"|(fixup|squash|amend)! ")
SCISSORS = re.compile(r"^# -+ >8 -+$.*", re.MULTILINE | re.DOTALL)
"""Line of `git commit -v` below which the diff begins; it is not part of the message."""

NOT_AN_ORDER = re.compile(r".*(?:ed|ing|[^su]s)")
ORDERS = frozenset(
    "alias bleed bring embed exceed feed need ping proceed ring seed shed shred speed string swing".split()
)
"""Verbs whose imperative ends like a participle."""


def faults(message: str) -> list[str]:
    """Return the faults of a commit message, one sentence each; comment lines do not count."""
    lines = [line.rstrip() for line in SCISSORS.sub("", message).splitlines() if not line.startswith("#")]
    while lines and not lines[0]:
        lines.pop(0)
    if not lines:
        return ["The message is empty."]
    subject, body = lines[0], lines[1:]
    if GITS_OWN.match(subject):
        return []
    found = []
    if len(subject) > MOST_LETTERS:
        found.append(f"The subject has {len(subject)} letters; write at most {MOST_LETTERS}.")
    match = SUBJECT.fullmatch(subject)
    if match is None:
        found.append("The subject has no scope; write `scope: do something`, in lower case up to the verb.")
    elif NOT_AN_ORDER.fullmatch(match["verb"]) and match["verb"] not in ORDERS:
        found.append(f"The subject's verb is `{match['verb']}`; use the imperative: `add`, not `added` or `adds`.")
    if subject.endswith(".") or ";" in subject:
        found.append("The subject has a full stop or a semicolon; keep it to one topic and no stop.")
    if body and body[0]:
        found.append("The second line is not empty; leave a blank line between subject and body.")
    if not any(body):
        found.append("The body is missing; say why the change is made.")
    return found


def main() -> int:
    """Print the faults of the message in the file that the command line names; return the exit status."""
    found = faults(Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace"))
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
