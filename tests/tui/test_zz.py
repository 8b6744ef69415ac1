import asyncio
from dlec_tui.app import Workbench
from tests.tui.test_bursts import open_plan
from tests.tui.plan_pane import plan_in


def test_x(store, tmp_path):
    async def run():
        app = Workbench(store)
        async with app.run_test(size=(80, 24)) as pilot:
            pane = await open_plan(pilot, plan_in(tmp_path))
            for i in range(4):
                await pilot.press("f6")
                v = getattr(pane, "view", pane)
                p = v.findings.problems
                print(
                    app.screen.focused.id,
                    p.focusable,
                    p.region,
                    [(a.id, a.display, a.size) for a in p.ancestors_with_self if hasattr(a, "size")][:4],
                    [x.message for x in p.problems],
                    v.findings.classes,
                )

    asyncio.run(run())
