"""The rule of who may be told, held against discord.py's own permissions in small servers of every kind."""

import itertools
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.audience import Audience, can_read, can_see, channel_of, reads

SERVER, ME, OWNER, HERE, THERE = 1, 900, 901, 50, 51
VIEW, HISTORY, CONNECT, ADMINISTRATOR, SPEAK = 1 << 10, 1 << 16, 1 << 20, 1 << 3, 1 << 21
ALL_THREE = VIEW | HISTORY | CONNECT
TEXT, VOICE, FORUM = 0, 2, 15
PEOPLE = (800, 801)
"""Who may have overwrites of their own."""

BITS = st.sets(st.sampled_from([VIEW, HISTORY, CONNECT])).map(sum)


def overwrite(target, allow=0, deny=0, *, member=False):
    return {"id": str(target), "type": int(member), "allow": str(allow), "deny": str(deny & ~allow)}


def role(number, permissions=0, **tags):
    shape = {"name": f"role {number}", "color": 0, "hoist": False, "position": number, "managed": bool(tags)}
    return {"id": str(number), "permissions": str(permissions), "mentionable": False, "flags": 0} | shape | tags


def channel(number, kind, overwrites):
    voice = {"bitrate": 64_000, "user_limit": 0}
    return {"id": str(number), "type": kind, "name": "c", "position": 0, "permission_overwrites": overwrites} | voice


def member_payload(number, roles, *, bot=False):
    user = {"id": str(number), "username": "u", "discriminator": "0", "global_name": None, "avatar": None, "bot": bot}
    rest = {"joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0}
    return {"user": user, "roles": [str(number) for number in roles]} | rest


def build(everyone, roles, here, there, kinds=(TEXT, TEXT)):
    """A server of discord.py's as Discord sends it, with two channels."""
    state = discord.Client(intents=discord.Intents(guilds=True))._connection
    state.user = discord.ClientUser(state=state, data=member_payload(ME, [], bot=True)["user"])
    channels = [channel(HERE, kinds[0], here), channel(THERE, kinds[1], there)]
    payload: Any = {"id": str(SERVER), "name": "s", "owner_id": str(OWNER)}
    payload |= {"roles": [role(SERVER, everyone), *roles], "channels": channels, "members": [member_payload(ME, [])]}
    guild = discord.Guild(data=payload, state=state)
    return guild, guild.get_channel(HERE), guild.get_channel(THERE)


def somebody(guild, number, roles):
    return discord.Member(data=member_payload(number, roles), guild=guild, state=guild._state)


def hears(member, here):
    theirs = here.permissions_for(member)
    return theirs.view_channel and (theirs.connect or here.type is not discord.ChannelType.voice)


def read_there(member, there):
    """By Discord's words: messages are shown with View Channel and Read Message History, in voice also with Connect."""
    theirs = there.permissions_for(member)
    return (
        theirs.view_channel
        and theirs.read_message_history
        and (theirs.connect or there.type is not discord.ChannelType.voice)
    )


def sets_of_roles(guild):
    held = [role.id for role in guild.roles if not role.is_default() and not role.is_bot_managed()]
    return [chosen for count in range(len(held) + 1) for chosen in itertools.combinations(held, count)]


@st.composite
def servers(draw):
    count = draw(st.integers(0, 4))
    numbers = list(range(10, 10 + count))
    roles = [role(number, draw(BITS) | draw(st.sampled_from([0, 0, 0, ADMINISTRATOR]))) for number in numbers]
    if draw(st.booleans()):
        roles.append(role(30, draw(BITS), tags={"bot_id": "77"}))
        numbers = [*numbers, 30]

    def overwrites():
        targets = [SERVER, *numbers]
        said = [overwrite(target, draw(BITS), draw(BITS)) for target in targets if draw(st.booleans())]
        return said + [overwrite(one, draw(BITS), draw(BITS), member=True) for one in PEOPLE if draw(st.booleans())]

    everyone = draw(BITS) | draw(st.sampled_from([0, 0, 0, 0, ADMINISTRATOR]))
    kinds = (draw(st.sampled_from([TEXT, VOICE])), draw(st.sampled_from([TEXT, VOICE, FORUM])))
    return build(everyone, roles, overwrites(), overwrites(), kinds)


@settings(max_examples=600, deadline=None)
@given(servers())
def test_it_is_exactly_whether_a_set_of_roles_hears_and_cannot_read(scene):
    guild, here, there = scene
    audience = Audience(here)
    stranger = 999

    def shut_out(number):
        people = (somebody(guild, number, roles) for roles in sets_of_roles(guild))
        return any(hears(one, here) and not read_there(one, there) for one in people)

    assert audience.roles_are_shut_out(there) is shut_out(stranger)
    with_overwrites = {target.id for place in (here, there) for target in place.overwrites} & set(PEOPLE)
    assert audience.in_doubt(there) == {number for number in with_overwrites if shut_out(number)}
    everybody = not shut_out(stranger) and not any(map(shut_out, with_overwrites))
    assert audience.may_hear_of(there) is everybody


@settings(max_examples=300, deadline=None)
@given(servers(), st.data())
def test_of_members_whose_roles_are_known_it_is_whether_they_hear_and_cannot_read(scene, data):
    guild, here, there = scene
    chosen = data.draw(st.sampled_from(sets_of_roles(guild)))
    member = somebody(guild, PEOPLE[0], chosen)
    in_doubt = Audience(here, [member]).in_doubt(there)
    with_overwrites = {target.id for place in (here, there) for target in place.overwrites}
    expected = member.id in with_overwrites and hears(member, here) and not read_there(member, there)
    assert (member.id in in_doubt) is expected
    assert can_read(member, there) is read_there(member, there)
    assert reads(there.permissions_for(member), there.type) is read_there(member, there)


def told(everyone=ALL_THREE, roles=(), here=(), there=(), kinds=(TEXT, TEXT)):
    _, here, there = build(everyone, list(roles), list(here), list(there), kinds)
    return Audience(here).may_hear_of(there)


HIDDEN = overwrite(SERVER, deny=VIEW)


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        ({}, True),
        ({"there": [HIDDEN]}, False),
        ({"here": [HIDDEN], "there": [HIDDEN]}, True),
        ({"roles": [role(9)], "here": [HIDDEN, overwrite(9, VIEW)], "there": [HIDDEN, overwrite(9, VIEW)]}, True),
        # one role opens this channel, another is shut out of that one: somebody may have both
        (
            {
                "roles": [role(8), role(9)],
                "here": [HIDDEN, overwrite(9, VIEW)],
                "there": [overwrite(8, deny=VIEW)],
            },
            False,
        ),
        # … unless the role that opens this one opens that one as well
        (
            {
                "roles": [role(8), role(9)],
                "here": [HIDDEN, overwrite(9, VIEW)],
                "there": [overwrite(8, deny=VIEW), overwrite(9, VIEW)],
            },
            True,
        ),
        # a guest's own overwrite, here or there
        ({"here": [HIDDEN, overwrite(800, VIEW, member=True)], "there": [HIDDEN]}, False),
        ({"there": [overwrite(800, deny=VIEW, member=True)]}, False),
        ({"there": [overwrite(800, VIEW, member=True)]}, True),
        # the owner and the bot itself are nobody to hide anything from
        ({"here": [HIDDEN, overwrite(OWNER, VIEW, member=True)], "there": [HIDDEN]}, True),
        ({"here": [HIDDEN, overwrite(ME, VIEW, member=True)], "there": [HIDDEN]}, True),
        # nor are another bot's role, and Administrators
        (
            {
                "roles": [role(9, tags={"bot_id": "7"})],
                "here": [HIDDEN, overwrite(9, VIEW)],
                "there": [HIDDEN],
            },
            True,
        ),
        ({"roles": [role(9, ADMINISTRATOR)], "here": [HIDDEN], "there": [HIDDEN, overwrite(9, deny=VIEW)]}, True),
        ({"everyone": ADMINISTRATOR, "there": [HIDDEN]}, True),
        # who sees a channel but not its past is not told of it, not even in that channel
        ({"there": [overwrite(SERVER, deny=HISTORY)]}, False),
        ({"here": [overwrite(SERVER, deny=HISTORY)]}, True),
        # what is written in a voice channel is read by who may connect
        ({"there": [overwrite(SERVER, deny=CONNECT)], "kinds": (TEXT, VOICE)}, False),
        ({"there": [overwrite(SERVER, deny=CONNECT)], "kinds": (TEXT, TEXT)}, True),
        (
            {
                "here": [overwrite(SERVER, deny=CONNECT)],
                "there": [HIDDEN],
                "kinds": (VOICE, TEXT),
            },
            True,
        ),
        ({"roles": [role(9, VIEW)], "everyone": HISTORY, "there": [overwrite(SERVER, deny=VIEW)]}, False),
    ],
)
def test_the_cases_that_servers_have(scene, expected):
    assert told(**scene) is expected


def test_in_a_channel_whose_past_some_cannot_read_its_own_mood_is_not_told_to_everybody():
    _, here, _ = build(ALL_THREE, [], [overwrite(SERVER, deny=HISTORY)], [])
    assert not Audience(here).may_hear_of(here)
    _, here, _ = build(ALL_THREE, [], [HIDDEN, overwrite(800, VIEW, member=True)], [])
    assert Audience(here).may_hear_of(here)


def test_of_a_channel_that_the_bot_does_not_know_nobody_is_told():
    guild, here, _ = build(ALL_THREE, [], [], [])
    assert not Audience(here).may_hear_of(guild.get_channel(4711))
    assert channel_of(None) is None
    assert not can_see(somebody(guild, 999, []), None)
