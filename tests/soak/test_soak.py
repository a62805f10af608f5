import pytest

from tests.soak.soak import Plan, soak, table

SECONDS = 60.0


@pytest.mark.timeout(600)
async def test_a_minute_of_faults_leaves_nothing_behind(tmp_path):
    """`make soak` is half an hour of the same, with another seed each time."""
    report = await soak(Plan(SECONDS, seed=14), tmp_path)
    print(table(report))
    assert not report.broken
    assert sum(report.held.values()) == sum(report.tried.values()) >= 3
    assert report.numbers["messages held"]
