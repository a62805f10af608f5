"""The button "What happened?", pressed as moderators do, over real scores in a real database."""

from dataclasses import replace

import discord
import pytest
from sqlalchemy import update

from bot.domain.records import AdminAction, GuildSettings, Mode, Rule, TargetKind
from bot.domain.snowflake import first_id_of, hour_of
from bot.storage.errors import DatabaseUnavailable
from bot.storage.personal_data import erasers
from bot.storage.retention import purge
from bot.storage.schema import BookkeepingRow
from bot.storage.strong_messages import MOST, MOST_OF_ONE
from bot.ui.happened_button import (
    NO_DATABASE,
    NOT_A_MODERATOR,
    SWITCHED_OFF,
    UNSURE,
    WORST,
    HappenedButton,
    jump,
)
from tests.bot.parts import overwrite
from tests.bot.pasts import hour_now
from tests.bot.storage.scenes import author, publish, verdict


class Scene:
    """A watched channel in whose last full hour some people wrote, and a post with the button in another."""

    def __init__(self, world, storage):
        self.world, self.storage = world, storage
        self.guild, self.channel = world.guild, world.channel
        self.hour = hour_now(world.env) - 1
        self.posts = world.guild.create_text_channel("posts")
        role = world.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
        self.mo = world.guild.add_member(world.env.create_user("mo"), roles=[role])

    def number(self, index):
        return first_id_of(self.hour) + index

    async def write(self, scores, *, people=6, channel=None, thread=None, start=0):
        """One message a score, by so many people in turn; then the hour is told."""
        for index, score in enumerate(scores, start):
            self.storage.write_buffer.scored(
                self.number(index),
                self.guild.id,
                (channel or self.channel).id,
                author(1 + index % people),
                verdict(score),
                thread_id=thread,
            )
        await self.storage.write_buffer.flush()
        await publish(self.storage.database, self.hour + 1)

    async def write_at_discord(self, people, scores):
        """The same, of messages that are there: one a score, by these people in turn."""
        hours = set()
        while len(hours) != 1:  # again, if an hour has just begun
            self.messages = [await people[index % len(people)].send(self.channel, "!") for index in range(len(scores))]
            hours = {hour_of(message.id) for message in self.messages}
        (self.hour,) = hours
        for index, (message, score) in enumerate(zip(self.messages, scores, strict=True)):
            of = author(1 + index % len(people))
            self.storage.write_buffer.scored(message.id, self.guild.id, self.channel.id, of, verdict(score))
        await self.storage.write_buffer.flush()
        await publish(self.storage.database, self.hour + 1)
        self.number = lambda index: self.messages[index].id

    async def watch(self, mode=Mode.WATCH, kind=TargetKind.CHANNEL, target=None):
        await self.storage.guilds.set_rule(Rule(self.guild.id, kind, target or self.channel.id, mode))

    async def press(self, by=None, *, whole_server=False, worst=True):
        view = discord.ui.View(timeout=None)
        of = 0 if whole_server else self.channel.id
        view.add_item(HappenedButton(of, self.hour, self.hour + 1, worst=worst))
        channel = self.world.env.bot.get_channel(self.posts.id)
        await channel.send("An alert", view=view)
        await self.world.env.settle()
        answer = await (by or self.mo).click(self.posts.history()[-1], label="What happened?")
        assert answer.response.ephemeral
        return answer.response.content

    def link(self, index, place=None):
        return f"https://discord.com/channels/{self.guild.id}/{place or self.channel.id}/{self.number(index)}"

    async def looks(self):
        return [one for one in await self.storage.guilds.audit(self.guild.id) if one.action is AdminAction.LINKS]


@pytest.fixture
async def scene(world, storage):
    scene = Scene(world, storage)
    await world.env.settle()
    await scene.watch()
    return scene


SCORES = [-0.9, 0.9, -0.5, 0.1, -0.7, 0.6, -0.95, 0.0]


async def test_a_moderator_gets_the_most_negative_messages_first_and_nothing_else(scene):
    await scene.write(SCORES)
    said = await scene.press()
    assert said.startswith(WORST)
    links = [line.split(" ")[1] for line in said.split("\n")[1:-1]]
    assert links == [scene.link(index) for index in (6, 0, 4, 2)]


async def test_of_a_chart_both_sides_are_shown(scene):
    await scene.write(SCORES)
    said = await scene.press(worst=False)
    assert [line.split(" ")[1] for line in said.split("\n")[1:-1]] == [
        scene.link(index) for index in (6, 1, 0, 4, 5, 2)
    ]
    assert said.count("▲") == 2


async def test_ten_at_most_and_three_of_one_person_at_most(scene):
    await scene.write([-0.9] * 5 + [-0.5] * 60, people=5)
    assert (await scene.press()).count("https://") == MOST
    assert MOST_OF_ONE == 3


async def test_one_person_is_not_what_happened(scene):
    await scene.write([-0.4 - 0.01 * (index % 5 == 0) for index in range(20)], people=5)
    found = await scene.storage.strong.of(
        scene.guild.id, [scene.channel.id], scene.hour, scene.hour + 1, may=lambda *_: True
    )
    whose = [index % 5 for index in range(20) if any(one.message_id == scene.number(index) for one in found)]
    assert max(whose.count(person) for person in range(5)) == MOST_OF_ONE


async def test_a_look_is_written_down_before_it_is_shown(scene, monkeypatch):
    await scene.write(SCORES)
    await scene.press()
    (look,) = await scene.looks()
    assert (look.target_kind, look.target_id) == (TargetKind.CHANNEL, scene.channel.id)
    assert look.actor == scene.storage.pseudonyms.author(scene.mo.id)

    async def absent(*_):
        raise DatabaseUnavailable("no")

    monkeypatch.setattr(scene.storage.guilds, "add_audit", absent)
    assert await scene.press() == NO_DATABASE


async def test_who_may_not_manage_messages_there_or_cannot_read_it_gets_nothing(scene):
    await scene.write(SCORES)
    assert await scene.press(scene.world.alice) == NOT_A_MODERATOR
    await overwrite(scene.world.env, scene.channel, scene.mo, view_channel=False)
    assert await scene.press() == NOT_A_MODERATOR
    await overwrite(scene.world.env, scene.channel, scene.mo, view_channel=True, manage_messages=False)
    assert await scene.press() == NOT_A_MODERATOR
    assert await scene.looks() == []


async def test_of_the_server_only_the_channels_that_they_moderate(scene):
    secret = scene.guild.create_text_channel("secret")
    await scene.watch(target=secret.id)
    await scene.write(SCORES)
    await scene.write([-1.0] * 6, channel=secret, start=100)
    said = await scene.press(whole_server=True)
    assert scene.link(100, secret.id) in said
    await overwrite(scene.world.env, secret, scene.mo, view_channel=False)
    said = await scene.press(whole_server=True)
    assert str(secret.id) not in said
    assert scene.link(6) in said
    assert {(look.target_kind, look.target_id) for look in await scene.looks()} == {(TargetKind.SERVER, scene.guild.id)}


async def test_of_an_hour_of_four_people_nothing_is_linked(scene):
    await scene.write([-0.9] * 20, people=4)
    assert "https://" not in await scene.press()


async def test_an_admin_can_turn_it_off(scene):
    await scene.write(SCORES)
    await scene.storage.guilds.set_settings(replace(GuildSettings(scene.guild.id), links=False))
    assert await scene.press() == SWITCHED_OFF
    assert await scene.looks() == []


async def test_what_was_deleted_is_not_linked_although_it_is_not_written_yet(scene):
    await scene.write(SCORES)
    scene.storage.write_buffer.deleted([scene.number(6)])
    said = await scene.press()
    assert scene.link(6) not in said
    assert scene.link(0) in said


async def test_who_opted_out_is_never_linked_and_an_erasure_removes_the_rest(scene, bot):
    await scene.write(SCORES)
    scene.storage.opt_outs._authors.add(author(1))  # noted, and the deletion of what is there still waits
    said = await scene.press()
    assert scene.link(0) not in said and scene.link(6) not in said and scene.link(4) in said
    kinds = tuple(kept for feature in bot.features for kept in feature.personal_data)
    await scene.storage.write_buffer.forget((author(5),), first_id_of(scene.hour + 1), erasers(kinds))
    assert scene.link(4) not in await scene.press()


async def test_what_an_admin_exempted_since_is_not_linked(scene):
    await scene.write(SCORES, thread=777)
    assert scene.link(6, 777) in await scene.press()
    await scene.watch(Mode.EXEMPT, TargetKind.THREAD, 777)
    assert "https://" not in await scene.press()


async def test_who_has_an_exempt_role_by_now_is_not_linked(scene):
    """The database knows people as hashes alone, so Discord is asked who wrote a message."""
    shy = scene.guild.create_role("shy")
    people = [scene.guild.add_member(scene.world.env.create_user(f"author {number}")) for number in range(6)]
    await scene.write_at_discord(people, SCORES)
    before = len(scene.world.env.http_requests)
    everything = await scene.press()
    assert everything.count("https://") == 4
    asked = [entry.path for entry in scene.world.env.http_requests[before:] if entry.method == "GET"]
    assert not any("/members/" in path or "/messages/" in path for path in asked)  # there is no need to
    await scene.watch(Mode.EXEMPT, TargetKind.ROLE, shy.id)
    assert await scene.press() == everything
    member = scene.world.env.backend.guilds[scene.guild.id].members[people[0].id]
    member.role_ids.append(shy.id)  # of messages 0 and 6
    left = await scene.press()
    assert [scene.link(index) in left for index in (6, 0, 4, 2)] == [False, False, True, True]
    scene.guild.remove_member(people[4])
    assert await scene.press() == left
    await people[2].delete(scene.messages[2])
    left = await scene.press()
    assert [scene.link(index) in left for index in (4, 2)] == [True, False]


async def test_where_roles_are_not_known_nobody_is_linked_and_the_answer_says_so(scene, env):
    people = [scene.guild.add_member(scene.world.env.create_user(f"author {number}")) for number in range(6)]
    await scene.write_at_discord(people, SCORES)
    await scene.watch(Mode.EXEMPT, TargetKind.ROLE, scene.guild.create_role("shy").id)
    for path, status in (
        (f"/guilds/{scene.guild.id}/members/*", 503),
        (f"/channels/{scene.channel.id}/messages/*", 403),
    ):
        env.inject_error("GET", path, status=status, times=None)
        said = await scene.press()
        assert "https://" not in said
        assert UNSURE in said


async def test_links_go_with_the_single_scores(scene):
    await scene.write(SCORES)
    now = (scene.hour + 7 * 24) * 3600
    await purge(scene.storage.database, 7, now)
    assert "https://" not in await scene.press()


async def test_what_was_read_before_people_were_told_of_links_is_not_linked(scene):
    await scene.write(SCORES)
    async with scene.storage.database.write() as connection:
        await connection.execute(update(BookkeepingRow).values(linked_from=scene.number(3)))
    said = await scene.press()
    assert scene.link(0) not in said and scene.link(4) in said


def test_the_link_to_an_hour_is_made_of_its_first_id():
    """So it names no message and no person."""
    assert jump(1, 2, 490_000) == f"https://discord.com/channels/1/2/{first_id_of(490_000)}"
