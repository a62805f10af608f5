"""The page: simcord's Preview, made for the tests of bots, turned into something for a visitor.

Preview shows one channel as a program publishes it, one action at a time. Added: several channels, message menus, new
reactions, everything published as it happens, and a lock over all actions, without which two of them would wedge it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web
from discord import AppCommandOptionType
from simcord import BackendError, SetupError
from simcord.enums import AppCommandType
from simcord.preview import Preview
from simcord.preview._markdown import _FIELD_POLICIES
from simcord.preview._pages import _Page
from simcord.preview._server import PreviewServer
from simcord.results import ResponseMessage

from bot.demo.conversations import MODS, STORM, STORM_IN
from bot.demo.local_discord import LocalDiscord
from bot.demo.world import SERVER_NAME, World

Answer = dict[str, Any]

_HERE = Path(__file__).parent
_PUBLISH_SECONDS = 0.1
_CLOCK_SECONDS = 30.0
"""How often the page is published when nothing happens, for the sake of "5 minutes ago"."""

_STORM_SECONDS = 3.0
"""How long a storm is written: its alert comes within ten seconds."""

_SUBCOMMANDS = {AppCommandOptionType.subcommand.value, AppCommandOptionType.subcommand_group.value}

_SHOWS_NEWEST = {"run_command", "send_message"}
"""Actions after which the page scrolls down to what they brought."""

for _part in ("embed_description", "embed_field_value"):
    _FIELD_POLICIES[_part]["mentions"] = True  # Discord names channels and roles there; simcord shows their numbers


class DemoPage(Preview):
    """An async context manager that serves the page on 127.0.0.1. Entering raises SetupError when the port is taken."""

    _PAGE_LEASE_SECONDS = 24 * 3600.0  # a laptop may sleep for a night

    def __init__(self, local: LocalDiscord, world: World, port: int = 0) -> None:
        super().__init__(
            local,
            next(iter(world.channels.values())),
            world.members,
            layout="channel",
            display="responsive",
            width=960,
            height=720,
            locale="en-US",
            timezone="UTC",
            presentation_time=None,
            assets=world.assets(),
            port=port,
        )
        self.local, self.world = local, world
        self._server = _Server(self, port)
        self._lock = asyncio.Lock()
        self._publisher: asyncio.Task[None] | None = None
        self._storm: asyncio.Task[None] | None = None
        self._published = -1
        self._own_actions: dict[str, Callable[[_Page, Mapping[str, Any]], Awaitable[Answer]]] = {
            "demo_hello": self._hello,
            "demo_channel": self._change_channel,
            "demo_menu": self._use_menu,
            "demo_react": self._react,
            "demo_send": self._send,
            "demo_storm": self._start_storm,
        }

    @property
    def url(self) -> str:
        """The address to open."""
        return f"{self._origin}/"

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._publisher = asyncio.create_task(self._keep_publishing())
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        for task in (self._publisher, self._storm):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await super().__aexit__(exc_type, exc, tb)

    async def _action(self, context_id: str | None, body: Mapping[str, Any]) -> Answer:
        async with self._lock:
            page = self._get_page(context_id)
            self.channel = self._channel_of(page)
            kind = body.get("kind")
            own = self._own_actions.get(kind) if isinstance(kind, str) else None
            if own is not None:
                try:
                    return await own(page, body)
                except (SetupError, BackendError, TimeoutError, KeyError, ValueError) as error:
                    return {"error": str(error)}
                finally:
                    self._publish_changes()
            if "published_revision" in body:
                # Something may have been published since the visitor looked; what they act on is still there.
                body = {**body, "published_revision": page.revision}
            answer = await super()._action(context_id, body)
            if kind in _SHOWS_NEWEST:
                self._show_newest(page)
            return answer

    async def _hello(self, page: _Page, body: Mapping[str, Any]) -> Answer:
        """Takes the browser's language and time zone, and tells what the page's frame shows."""
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            self.timezone = ZoneInfo(str(body.get("timezone"))).key
        if body.get("locale") in self._LOCALES:
            self.locale = str(body["locale"])
        self._published = -1
        return {
            "server": SERVER_NAME,
            "channels": list(self.world.channels),
            "members": self._members(),
            "menus": self._commands(AppCommandType.MESSAGE),
            "commands": self._plain_commands(),
            "current": self._channel_of(page).name,
        }

    def _members(self) -> list[dict[str, Any]]:
        backend = self.local.backend
        bot = backend.bot_user
        people = [
            {"id": str(member.id), "name": member.user._user.global_name, "colour": self._colour(member.id)}
            for member in self.world.members
        ]
        return [{"id": str(bot.id), "name": bot.name, "bot": True, "colour": None}, *people]

    def _colour(self, user_id: int) -> str:
        guild = self.local.backend.get_guild(self.local.guild.id)
        roles = [guild.roles[role] for role in guild.members[user_id].role_ids]
        return f"#{max(int(role.color or 0) for role in roles):06x}"

    async def _change_channel(self, page: _Page, body: Mapping[str, Any]) -> Answer:
        channel = self.world.channels[body["name"]]
        page.channel_id = channel.id
        page.modal = page.modal_handle = None
        page.generation += 1
        self._reset_queries(page)
        self._show_newest(page)
        return {}

    async def _use_menu(self, page: _Page, body: Mapping[str, Any]) -> Answer:
        await page.viewer.context_menu(self.channel, body["name"], self._message(page, body))
        self._show_newest(page)
        return {}

    async def _react(self, page: _Page, body: Mapping[str, Any]) -> Answer:
        await page.viewer.react(self._message(page, body), body["emoji"])
        return {}

    async def _send(self, page: _Page, body: Mapping[str, Any]) -> Answer:
        """An ordinary message. The page keeps those that wait, in their order, so that none is lost under load."""
        channel = self.world.channels[body["channel"]]
        writer = next((one for one in self.world.members if str(one.id) == body["viewer"]), page.viewer)
        await writer.send(channel, str(body["text"])[:2000])
        if channel.id == page.channel_id:
            self._show_newest(page)
        return {}

    async def _start_storm(self, _page: _Page, _body: Mapping[str, Any]) -> Answer:
        """Has everybody but the visitor write angry messages, in which the bot finds a storm by itself."""
        if self._storm is not None:
            raise ValueError(f"The storm has already started: look at #{STORM_IN} and #{MODS}.")
        self._storm = asyncio.create_task(self._rage())
        return {"channel": MODS}

    async def _rage(self) -> None:
        channel, people = self.world.channels[STORM_IN], self.world.members[1:]
        for text in STORM:
            for member in people:
                self.local.backend.create_message(channel.id, member.id, text)
                await asyncio.sleep(_STORM_SECONDS / len(STORM) / len(people))

    def _commands(self, kind: AppCommandType) -> list[str]:
        return [name for name, registered in self.local.backend.commands.get(None, {}) if registered == kind]

    def _plain_commands(self) -> list[str]:
        """The commands that are used by their name alone: those without subcommands."""
        registered = self.local.backend.commands.get(None, {})
        return [
            name
            for (name, kind), command in registered.items()
            if kind == AppCommandType.CHAT_INPUT
            and not any(option["type"] in _SUBCOMMANDS for option in command.get("options", ()))
        ]

    def _message(self, page: _Page, body: Mapping[str, Any]) -> ResponseMessage:
        return ResponseMessage(self.local, self.local.backend.get_message(page.channel_id, int(body["message_id"])))

    def _channel_of(self, page: _Page) -> Any:
        return next(channel for channel in self.world.channels.values() if channel.id == page.channel_id)

    def _initial_target(self, viewer: Any, channel_id: int) -> int | None:
        """The newest message that `viewer` may see; Preview would take the bot's newest."""
        messages = self.local.backend.messages.get(channel_id, {})
        return max((identity for identity, message in messages.items() if message.visible_to(viewer.id)), default=None)

    def _show_newest(self, page: _Page) -> None:
        page.window_end_id = None
        page.target_id = self._initial_target(page.viewer, page.channel_id)
        self._published = -1
        self._publish_changes()

    def _open_page(self, viewer_id: Any = None, target_id: Any = None) -> _Page:
        while len(self._pages) > self._MAX_PAGES:  # tabs that closed without saying so
            oldest = min(
                (page for page in self._pages.values() if page is not self._python), key=lambda page: page.last_activity
            )
            self._close_page(oldest.id)
        acting, self.channel = self.channel, next(iter(self.world.channels.values()))
        try:
            page = super()._open_page(viewer_id, target_id)
        finally:
            self.channel = acting
        self._show_newest(page)
        return page

    def _publish_changes(self) -> None:
        happened = len(self.local.backend.transcript)
        if happened == self._published:
            return
        self._published = happened
        self._advance_presentation_time()
        for page in tuple(self._pages.values()):
            self._publish(page, reason="refresh")

    async def _keep_publishing(self) -> None:
        loop = asyncio.get_running_loop()
        next_tick = loop.time() + _CLOCK_SECONDS
        while True:
            await asyncio.sleep(_PUBLISH_SECONDS)
            if loop.time() >= next_tick:
                next_tick = loop.time() + _CLOCK_SECONDS
                self._published = -1
            self._publish_changes()


class _Server(PreviewServer):
    """Preview's server with our name, our files and the avatars added."""

    _ADDED: ClassVar[dict[str, str]] = {"/demo.js": "application/javascript", "/demo.css": "text/css"}

    def __init__(self, page: DemoPage, port: int) -> None:
        super().__init__(page, port)
        self._avatars = {f"/avatars/{user}.png": image for user, image in page.world.avatars.items()}
        self._avatars["/avatars/bot.png"] = page.world.avatars[page.local.backend.bot_user.id]
        added = dict.fromkeys((*self._ADDED, *self._avatars), "")
        self._STATIC_FILES = {**PreviewServer._STATIC_FILES, **added}  # type: ignore[misc]

    async def _static(self, request: web.Request) -> web.Response:
        path = request.path
        if path in self._avatars:
            headers = {**self._SECURITY_HEADERS, "Cache-Control": "max-age=3600"}
            return web.Response(body=self._avatars[path], content_type="image/png", headers=headers)
        if path in self._ADDED:
            text = (_HERE / path.replace("/demo", "page")).read_text("utf-8")
            return web.Response(text=text, content_type=self._ADDED[path], headers=self._SECURITY_HEADERS)
        response: web.Response = await super()._static(request)
        if path == "/":
            response.text = self._dress(response.text or "")
        elif path == "/session.js":
            response.text = (response.text or "").replace("interval = 500", "interval = 200")
        return response

    def _dress(self, index: str) -> str:
        """Preview's own page under our name. It carries the session's key, so that the plain address is enough.

        Only a page of this very address can read it: browsers keep other sites from it, and the host is checked.
        """
        key = f'<meta name="session-key" content="{self.preview.capability}">'
        return (
            index.replace("<title>SimCord Preview</title>", f"<title>Vibecheck: local demo</title>{key}")
            .replace("<strong>SimCord</strong><small>Preview</small>", "<strong>Vibecheck</strong><small>demo</small>")
            .replace("</head>", '<link rel="stylesheet" href="/demo.css"></head>')
            .replace(
                '<script type="module" src="/app.js">',
                '<script type="module" src="/demo.js"></script>\n    <script type="module" src="/app.js">',
            )
        )
