"""A few seconds of real bots, a real PostgreSQL and a crowd: nothing is lost."""

import pytest

from tests.bot.storage.postgres import find_binaries
from tests.sim.load import Plan, run, told
from tests.sim.machines import quantile

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_binaries() is None, reason="PostgreSQL is not installed"),
]


@pytest.mark.parametrize(
    "plan",
    [
        Plan(60, 2, 1, rate=40, seconds=6, stubbed=True),
        Plan(40, 2, 2, rate=20, seconds=16, stubbed=False, faults=True),
    ],
    ids=["stubbed", "real, with faults"],
)
async def test_what_a_crowd_writes_is_stored(plan):
    found = await run(plan)
    assert found["sent"] > 0.5 * plan.rate * plan.seconds
    assert found["lost"] == found["dropped"] == 0, "\n".join(told(found))
    assert found["limits kept"]


def test_a_quantile_is_of_what_came_in_between():
    before = {0.1: 10.0, 1.0: 10.0, float("inf"): 10.0}
    after = {0.1: 15.0, 1.0: 19.0, float("inf"): 20.0}
    assert [quantile(after, before, share) for share in (0.5, 0.9, 0.95)] == [0.1, 1.0, float("inf")]
    assert quantile(before, before, 0.5) == 0.0
