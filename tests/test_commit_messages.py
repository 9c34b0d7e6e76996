"""The commit-msg hook accepts good messages and names the faults of others."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HOOK = Path(__file__).parent.parent / ".ci" / "commit_message.py"
BODY = "\n\nThe detector fell back without a word, so nobody knew.\n"


@pytest.fixture
def check(tmp_path):
    def run(message: str) -> tuple[int, str]:
        file = tmp_path / "COMMIT_EDITMSG"
        file.write_text(message)
        done = subprocess.run([sys.executable, HOOK, file], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    return run


@pytest.mark.parametrize(
    "subject",
    [
        "analyzer: count fallbacks to single-pass scene detection",
        "gateway, cli: share the types of the HTTP API",
        "tests/bench: embed the table",
        "messaging: pass the policy to the worker",
        "messaging: re-add the policy",
        "Merge branch 'main' into pieces",
        'Revert "analyzer: count fallbacks"',
        "fixup! analyzer: count fallbacks",
    ],
)
def test_a_scoped_order_with_a_reason_passes(check, subject):
    assert check(subject + BODY) == (0, "")


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("", "The message is empty."),
        ("# only a comment\n", "The message is empty."),
        ("analyzer: count fallbacks", "The body is missing"),
        ("analyzer: count fallbacks\n\n# a comment\n", "The body is missing"),
        ("analyzer: count fallbacks\nat once", "leave a blank line"),
        ("analyzer: count fallbacks\n\n# ---- >8 ----\ndiff --git a/x b/x\n", "The body is missing"),
        ("Merged everything I like" + BODY, "has no scope"),
        ("Count fallbacks" + BODY, "has no scope"),
        ("analyzer: Count fallbacks" + BODY, "has no scope"),
        ("analyzer: counted fallbacks" + BODY, "use the imperative"),
        ("analyzer: counting fallbacks" + BODY, "use the imperative"),
        ("analyzer: counts fallbacks" + BODY, "use the imperative"),
        ("analyzer: count fallbacks; log them" + BODY, "semicolon"),
        ("analyzer: count fallbacks." + BODY, "full stop"),
        (f"analyzer: count {'x' * 60}" + BODY, "at most 72"),
    ],
)
def test_a_message_that_breaks_a_rule_is_refused_with_its_fault(check, message, fault):
    status, said = check(message)
    assert status == 1
    assert fault in said


def test_a_subject_of_the_full_length_passes(check):
    subject = "analyzer: count "
    subject += "x" * (72 - len(subject))
    assert check(subject + BODY)[0] == 0
    assert check(subject + "x" + BODY)[0] == 1
