from bot.demo.gateway import Op
from bot.demo.local_discord import LocalDiscord
from tests.discord.wire import answered, build_world, new_ops, online_bot, until

SHARDS = 2


def guild_of(shard):
    """An id that Discord's formula gives to that shard."""
    return (100_000_000_000 + shard) << 22


async def test_every_shard_answers_in_its_servers_and_resumes_by_itself(tmp_path):
    async with LocalDiscord(shards=SHARDS) as local:
        worlds = [build_world(local, guild_of(shard)) for shard in range(SHARDS)]
        async with online_bot(local, tmp_path):
            assert sorted(session.shard for session in local.gateway.connected) == [0, 1]
            for world in worlds:
                answer = await world.ask("what a lovely quiet evening")
                assert answer.response.components
            with new_ops(local) as ops:
                local.gateway.drop_sockets()
                answers = [answer for world in worlds for answer in world.ask_at_once(["and again", "and again"])]
                await until(lambda: all(answered(answer) for answer in answers))
            assert ops == [Op.RESUME] * SHARDS
