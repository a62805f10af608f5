"""What is told of jobs, by labels that Prometheus leaves alone."""

from types import SimpleNamespace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bot.app.metrics import ProcessMetrics, metrics_text
from bot.app.running import Running
from bot.app.vital_signs import VitalSigns
from bot.background_jobs import BackgroundJobs, Job, PutOff
from bot.domain.model_release import ReleaseState
from bot.domain.shards import ALL


async def test_a_job_that_stood_back_is_told_by_its_task_and_has_not_succeeded():
    async def stand_back(_now):
        raise PutOff

    jobs = BackgroundJobs((Job("purging", stand_back),), clock=lambda: 12.0)
    await jobs.tick()
    client: Any = SimpleNamespace(
        jobs=jobs, shards={}, guilds=[], features=[], is_ready=lambda: False, shard_count=1, own_shards=ALL
    )
    running = Running(client=client)
    families = text_string_to_metric_families(metrics_text(running, VitalSigns(running)).decode())
    told = {sample.name: sample for family in families for sample in family.samples if "_job_" in sample.name}
    assert all(sample.labels == {"task": "purging"} for sample in told.values())
    assert told["vibecheck_job_put_off_total"].value == 1
    assert told["vibecheck_job_failures_total"].value == 0
    assert told["vibecheck_job_last_success_timestamp_seconds"].value == 12, "since it was begun"


def test_how_far_the_last_release_of_a_model_is_has_one_state():
    released: Any = SimpleNamespace(latest=SimpleNamespace(state=ReleaseState.CANARY))
    storage: Any = SimpleNamespace(leases=None, leads=True)
    for follower, wanted in (
        (None, {}),
        (released, {state.value: state is ReleaseState.CANARY for state in ReleaseState}),
    ):
        found = list(ProcessMetrics(Running(storage=storage, follower=follower), VitalSigns(Running()))._cluster())
        (family,) = [one for one in found if one.name == "vibecheck_model_release_state"]
        assert {sample.labels["state"]: bool(sample.value) for sample in family.samples} == wanted
