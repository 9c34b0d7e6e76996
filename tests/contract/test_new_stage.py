"""One more row in the table of stages is enough for everything that follows from it."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from clipmill.contracts import stages

pytestmark = pytest.mark.slow

ROW = """
    NARRATE = (
        "narrate",
        StageRow(
            service="narrator",
            document="narration.json",
            kind=Scenes,
            leaves=("voice/",),
            builds_on=("scenes",),
            share=7,
        ),
    )

"""

CODE = """
    import json, sys, types

    source = sys.stdin.read()
    module = types.ModuleType("clipmill.contracts.stages")
    sys.modules["clipmill.contracts.stages"] = module
    exec(compile(source, "stages.py", "exec"), vars(module))

    from clipmill.artifacts import layout
    from clipmill.cli.local.machine import SERVICES
    from clipmill.contracts import codec
    from clipmill.contracts.api import StageView
    from clipmill.contracts.events import StageFinished
    from clipmill.gateway.projection.document import JobDocument, job_view
    from clipmill.messaging import topology

    stage = module.Stage("narrate")
    document = JobDocument(job="j", stages={stage: StageView(state="running", percent=100)})
    print(json.dumps({
        "tasks": next(stream.subjects for stream in topology.STREAMS if stream.name == topology.TASKS),
        "consumers": [consumer.name for consumer in topology.CONSUMERS],
        "made": layout.made_from(stage, "j"),
        "made_from_scenes": layout.made_from(module.Stage.SCENES, "j"),
        "services": SERVICES,
        "percent": job_view(document).percent,
        "shown": list(job_view(document).stages),
        "event": codec.decode_event(codec.encode(StageFinished(job="j", stage=stage))).stage,
    }))
"""


def test_a_new_row_brings_subjects_consumers_keys_services_and_progress():
    source = Path(stages.__file__).read_text()
    before, marker, after = source.partition("    @property\n    def builds_on")
    assert marker, "the rows end where the properties begin"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CODE)],
        input=before + ROW + marker + after,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "clipmill.task.narrate.>" in found["tasks"]
    assert {"narrate_high", "narrate_normal"} < set(found["consumers"])
    assert found["made"] == ["jobs/j/narration.json", "jobs/j/voice/"]
    assert "jobs/j/narration.json" in found["made_from_scenes"]
    assert found["services"][-1] == "narrator"
    assert found["percent"] == 7
    assert found["shown"][-1] == found["event"] == "narrate"
