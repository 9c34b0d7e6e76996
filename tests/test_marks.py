"""A test without a mark may use only what `make quick` has time for: each of these must fail."""

import os
import subprocess

import av
import pytest

refused = pytest.mark.xfail(raises=pytest.fail.Exception, strict=True)


@refused
def test_a_process_needs_a_mark():
    subprocess.run(["true"], check=True)


@refused
def test_media_need_a_mark():
    av.open(os.devnull)
