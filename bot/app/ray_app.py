"""`python -m bot.app.ray_app`: the same as `vibecheck score-server`, as an application of Ray Serve.

It needs the extra `serve`, in an environment of its own: no process of a bot imports this. `app` is what `serve deploy`
takes on a cluster that is there already.
"""

from __future__ import annotations

import asyncio
import os
import secrets

if __name__ == "__main__":  # before Ray is imported; on a cluster it is for whoever runs that
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing calls home
    os.environ.setdefault("RAY_AUTH_MODE", "token")  # nobody joins who has none
    if not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS"} & os.environ.keys():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    if not os.environ.get("RAY_ADDRESS"):
        # As on systems for which Ray has no clusters, it then listens to this machine alone.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    # On a busy machine its proxy takes longer to begin than the five seconds after which it would be given up.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")

import click
import ray
from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from bot.app.open_model import open_local
from bot.app.process_tuning import keep_memory_private, stop_on_signals, tune_threads
from bot.app.score_server import DEFAULT_HOST, DEFAULT_PORT, MOST_CONNECTIONS, check_reachable, token_of
from bot.settings import SettingsError, is_local, load_settings
from model.serving.service import ScoringService, unwell
from model.serving.wire import MOST_BYTES, ROUTE

_EX_CONFIG = 78

ONGOING_LISTS, QUEUED_LISTS = MOST_CONNECTIONS, 256
"""Lists that a replica has at a time, and that wait for one; what comes on top is refused with 503.

A replica is given all that come, as `vibecheck score-server` is: its own queue knows who waits and whose turn it is,
and Ray's does not.
"""

TARGET_LISTS = 24
"""Lists that a replica has on average; with more another replica is started."""

_OBJECT_STORE_BYTES = 80 * 2**20


class Scale(BaseModel):
    """How many replicas there may be, and what each of them takes."""

    model_config = ConfigDict(extra="forbid")

    min_replicas: int = Field(1, ge=1)
    max_replicas: int = Field(4, ge=1)
    cpus: float = Field(1.0, gt=0)
    gpus: float = Field(0.0, ge=0)
    needs_token: bool = True
    """Whether a replica without INFERENCE_TOKEN is none: not if only its own machine can reach it."""


class ScoreReplica:
    """One classifier, with the settings of its process's environment.

    What it raises Ray writes into files, so it raises nothing that has to do with a text.
    """

    async def __init__(self, *, needs_token: bool = True) -> None:  # type: ignore[misc]
        """Ray waits for it. Raises SettingsError when its own machine's settings have no token and it needs one."""
        settings = load_settings()
        token = token_of(settings, needed=needs_token)
        tune_threads(settings.threads)
        keep_memory_private()
        self._classifier = await open_local(settings)
        self._service = ScoringService(self._classifier, token)

    async def __call__(self, request: Request) -> Response:
        """Answers a list, or how the model is."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        refused = self._service.before_body(request.method, request.url.path, headers)
        status, said = refused or await self._service.answer(await _body(request))
        return Response(said, status, media_type="application/json")

    async def check_health(self) -> None:
        """Raises RuntimeError when the model has not computed lately; then another replica takes this one's place."""
        if (why := unwell(self._classifier)) != "":
            raise RuntimeError(why)


async def _body(request: Request) -> bytes:
    """A body; one that is longer than was announced is none."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            return b""
    return b"".join(parts)


def app(scale: Scale) -> serve.Application:
    """The application, for `serve deploy` and `serve run bot.app.ray_app:app max_replicas=8`.

    Whether others can reach it only whoever starts it knows, so that it wants a token unless it is told otherwise.
    """
    replica = serve.deployment(
        ScoreReplica,
        name="score",
        max_ongoing_requests=ONGOING_LISTS,
        max_queued_requests=QUEUED_LISTS,
        health_check_period_s=5.0,
        health_check_timeout_s=10.0,
        graceful_shutdown_timeout_s=5.0,
        logging_config={"enable_access_log": False},
        autoscaling_config={
            "min_replicas": scale.min_replicas,
            "max_replicas": max(scale.min_replicas, scale.max_replicas),
            "target_ongoing_requests": TARGET_LISTS,
        },
        ray_actor_options={"num_cpus": scale.cpus, "num_gpus": scale.gpus},
    )
    return replica.bind(needs_token=scale.needs_token)


@click.command()
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True)
@click.option("--min-replicas", type=click.IntRange(1), default=1, show_default=True)
@click.option("--max-replicas", type=click.IntRange(1), default=4, show_default=True)
@click.option("--cpus", type=float, default=1.0, show_default=True, help="Processors of each replica.")
@click.option("--gpus", type=float, default=0.0, show_default=True, help="GPUs of each replica.")
def main(host: str, port: int, **scale: float) -> None:
    """Score texts for bots on other machines, with replicas that Ray Serve starts and replaces, until stopped.

    It starts a Ray of its own on this machine, or joins the one at RAY_ADDRESS.
    """
    try:
        check_reachable(load_settings(), host)
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(_EX_CONFIG) from None
    joined = bool(os.environ.get("RAY_ADDRESS"))
    own = {} if joined else _own_ray()
    # What another Ray serves is reached as whoever began to serve there has said.
    wanted = Scale.model_validate({**scale, "needs_token": joined or not is_local(host)})
    ray.init(log_to_driver=False, configure_logging=False, **own)
    try:
        serve.start(http_options={"host": host, "port": port})
        serve.run(app(wanted), name="score", route_prefix="/")
        click.echo(f"texts are scored at http://{host}:{port}{ROUTE} by Ray Serve")
        asyncio.run(_until_stopped())
    except RuntimeError:
        click.echo(
            "No replica could be started. Does each machine have INFERENCE_TOKEN? `vibecheck check` says whether the "
            "model is in order.",
            err=True,
        )
        raise SystemExit(_EX_CONFIG) from None
    finally:
        serve.shutdown()
        ray.shutdown()


async def _until_stopped() -> None:
    await stop_on_signals().wait()


def _own_ray() -> dict[str, object]:
    """Most of it listens to this machine alone; what is in its memory is never written to a disk."""
    return {
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_node_ip_address": "127.0.0.1",
        "_system_config": {"automatic_object_spilling_enabled": False},
    }


if __name__ == "__main__":
    main()
