"""Log lines."""

import asyncio
import io
import json
import logging
import warnings

import pytest
import structlog
from clipmill.operations.logs import bound, concealed, configure, get_logger
from clipmill.operations.settings import LogFormat, LogLevel, Secret


@pytest.fixture
def output():
    """Yield a stream to log to, and restore the logging afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def lines(output):
    """Log JSON from level info on; return a function that reads the lines so far."""
    configure("paint", LogFormat.AUTO, LogLevel.INFO, output)
    return lambda: [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_line_is_json_where_there_is_no_terminal(lines):
    get_logger("shop").info("sold", tins=3)
    (line,) = lines()
    assert (line["message"], line["tins"], line["level"]) == ("sold", 3, "info")
    assert (line["service"], line["logger"]) == ("paint", "shop")
    assert line["time"].endswith("Z")


def test_bytes_of_a_stranger_that_are_no_text_do_not_break_a_line(lines):
    get_logger("shop").info("asked", name=b"caf\xe9".decode(errors="surrogateescape"), when={1})
    (line,) = lines()
    assert (line["message"], line["name"], line["when"]) == ("asked", "caf\udce9", "{1}")


def test_ids_stand_on_every_line_of_the_work_that_of_libraries_included(lines):
    with bound(job="j1", stage="render", clip=2):
        get_logger("shop").info("ours")
        logging.getLogger("library").warning("theirs: %s", 7)
    get_logger("shop").info("outside")
    ours, theirs, outside = lines()
    assert [ours[name] for name in ("job", "stage", "clip")] == ["j1", "render", 2]
    assert [theirs[name] for name in ("job", "stage", "clip")] == ["j1", "render", 2]
    assert theirs["message"] == "theirs: 7"
    assert "job" not in outside


def test_an_id_that_is_none_is_left_out(lines):
    with bound(job="j1", clip=None):
        get_logger("shop").info("ours")
    assert "clip" not in lines()[0]


async def test_ids_of_tasks_that_run_side_by_side_do_not_mix(lines):
    both = asyncio.Barrier(2)

    async def work(job: str) -> None:
        with bound(job=job):
            await both.wait()
            get_logger("shop").info(f"work of {job}")

    await asyncio.gather(work("a"), work("b"))
    assert {(line["job"], line["message"]) for line in lines()} == {("a", "work of a"), ("b", "work of b")}


def test_a_library_that_logs_each_step_is_held_to_warnings(lines):
    logging.getLogger("nats.aio").info("ping")
    logging.getLogger("nats.aio").warning("slow")
    assert [line["message"] for line in lines()] == ["slow"]


def test_lines_below_the_level_are_not_written(lines):
    get_logger("shop").debug("detail")
    assert lines() == []


def test_an_exception_is_written_with_its_traceback_on_one_line(lines):
    try:
        raise LookupError("no blue left")
    except LookupError:
        get_logger("shop").exception("not sold")
    (line,) = lines()
    assert "LookupError: no blue left" in line["exception"]
    assert "test_logs.py" in line["exception"]


def test_a_warning_of_python_is_a_line(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old paint", stacklevel=1)
    assert "old paint" in lines()[0]["message"]


def test_secrets_and_fields_named_like_secrets_are_hidden(lines, output):
    get_logger("shop").info("called", key=Secret("hunter2"), api_key="hunter3", authorization="Bearer hunter4")
    logging.getLogger("library").warning("using", extra={"password": "hunter5"})
    assert "hunter" not in output.getvalue()
    assert len(lines()) == 2


def test_a_concealed_text_is_hidden_wherever_it_turns_up(lines, output):
    with concealed("AIza-very-secret"):
        get_logger("shop").info("GET /models?key=AIza-very-secret", header={"x": "AIza-very-secret"})
        logging.getLogger("library").warning("failed: %s", "https://x/?key=AIza-very-secret")
    assert "AIza" not in output.getvalue()
    assert lines()[0]["message"] == "GET /models?key=***"


def test_a_text_is_hidden_until_the_last_who_concealed_it_is_done(lines, output):
    with concealed("AIza-very-secret"):
        with concealed("AIza-very-secret"):
            pass
        get_logger("shop").info("AIza-very-secret")
    assert "AIza" not in output.getvalue()


def test_a_concealed_text_is_hidden_in_its_escaped_form_too(lines, output):
    with concealed('quo"te'):
        get_logger("shop").info('a quo"te inside')
    assert "a *** inside" in output.getvalue()
    assert "quo" not in output.getvalue()


def test_people_get_readable_lines(output):
    configure("paint", LogFormat.HUMAN, LogLevel.INFO, output)
    with bound(job="j1"):
        get_logger("shop").info("sold", tins=3)
    line = output.getvalue()
    assert "sold" in line
    assert "tins=3" in line
    assert "job=j1" in line
    assert not line.startswith("{")
