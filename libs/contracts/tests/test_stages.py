"""The table of stages: every row agrees with the others."""

from typing import get_args

import pytest
from clipmill.contracts import subjects
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import Task

STAGES = pytest.mark.parametrize("stage", Stage)


def test_the_shares_of_progress_are_a_whole():
    assert sum(stage.row.share for stage in Stage) == 100
    assert all(stage.row.share > 0 for stage in Stage)


def test_a_job_begins_with_one_stage():
    assert [stage for stage in Stage if not stage.builds_on] == [next(iter(Stage))]


@STAGES
def test_a_stage_comes_after_those_that_it_builds_upon(stage):
    order = list(Stage)
    assert all(order.index(earlier) < order.index(stage) for earlier in stage.builds_on)


@STAGES
def test_a_stage_takes_along_whatever_builds_upon_it_directly_or_not(stage):
    assert stage.and_later[0] is stage
    for other in Stage:
        reached, found = set(other.builds_on), {other}
        while reached - found:
            found |= reached
            reached |= {earlier for each in reached for earlier in each.builds_on}
        assert (stage in found) == (other in stage.and_later)


def test_no_two_stages_leave_artifacts_of_one_name():
    names = [name for stage in Stage for name in (stage.row.document, *stage.row.leaves)]
    assert len(set(names)) == len(names)
    assert len({stage.row.kind for stage in Stage}) == len(Stage)


@STAGES
def test_a_stage_has_one_task_which_names_a_clip_where_clips_are_done_one_by_one(stage):
    job = new_job_id()
    tasks = [kind(job=job, **({"number": 3} if kind is get_args(Task)[-1] else {})) for kind in get_args(Task)]
    [task] = [task for task in tasks if task.stage is stage]
    assert (task.clip == 3) == stage.row.per_clip
    assert subjects.task(task).startswith(subjects.tasks_of(stage).removesuffix(">"))
