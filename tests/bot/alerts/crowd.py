"""Many servers at once, made by the database itself: each watches channels, has one for alerts, and is as usual."""

from sqlalchemy import text

from bot.domain.snowflake import SECONDS

FIRST = 10**12
"""The first server's id, without what Discord counts in a millisecond."""

_SERVERS = """WITH RECURSIVE servers(place) AS (
    SELECT CAST(:first AS bigint) UNION ALL SELECT place + 1 FROM servers WHERE place < :last
), guilds(guild) AS (SELECT place * 4194304 FROM servers)"""

_CHANNELS = f"""{_SERVERS}, numbers(number) AS (
    SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < :channels
), all_hours(hour) AS (
    SELECT CAST(:hour AS integer) UNION ALL SELECT hour + 1 FROM all_hours WHERE hour < :present
)"""

_INSERTS = (
    f"""INSERT INTO guild_settings (guild_id, timezone, mod_channel_id, positive_reaction, negative_reaction,
        reaction_floor, alert_messages, alert_authors, digest, digest_hour, digest_messages)
        {_SERVERS} SELECT guild, 'UTC', guild + 1000, 'x', 'y', 900, 20, 5, 'off', 9, 20 FROM guilds""",
    f"""INSERT INTO channel_rules (guild_id, target_kind, target_id, mode, tagging, sensitivity)
        {_CHANNELS} SELECT guild, 'channel', guild + number, 'watch', :no, 'normal' FROM guilds, numbers""",
    f"""INSERT INTO told_hours (channel_id, hour, guild_id, version, negative, neutral, positive, score_sum,
        score_square_sum, authors, unread, written, writers)
        {_CHANNELS} SELECT guild + number, hour, guild, 1, 5, 20, 15, 5000, 9000000, 10, 0, 40, 10
        FROM guilds, numbers, all_hours""",
)


async def crowd(database, servers, present, channels=1, hours=1):
    """So many servers, of whose channels the last hours before `present` were told; returns their ids."""
    values = {"first": FIRST, "last": FIRST + servers - 1, "channels": channels, "no": False}
    values |= {"hour": present - hours, "present": present - 1}
    for insert in _INSERTS:
        async with database.write() as connection:
            asked = {name: value for name, value in values.items() if f":{name}" in insert}
            await connection.execute(text(insert), asked)
    return [(FIRST + place) << 22 for place in range(servers)]


async def drops(database, guild, present):
    """The last hour of a server's first channel was far below."""
    drop = f"UPDATE told_hours SET score_sum = -24000 WHERE channel_id = {guild + 1} AND hour = {present - 1}"
    async with database.write() as connection:
        await connection.execute(text(drop))


def instant(present):
    """In the middle of that hour."""
    return present * SECONDS + 1800.0
