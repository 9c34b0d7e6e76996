"""`clipmill verify` runs the renderer's check."""


async def test_the_renderers_findings_and_status_are_the_commands(clipmill_process, video):
    status, out, _ = await clipmill_process("verify", video("wide.mp4", 160, 90), "--seconds", "60")
    assert status == 1
    assert "size" in out
    assert "60.000 s" in out


async def test_what_the_renderer_does_not_understand_is_status_2(clipmill_process, video):
    status, _, err = await clipmill_process("verify", video("wide.mp4", 160, 90), "--colour")
    assert status == 2
    assert "--colour" in err
