"""Which servers are a process's own."""

import pytest

from bot.domain.records import Absence
from bot.domain.shards import ALL, Cluster, Shards, shard_of


@pytest.mark.parametrize("of", range(1, 6))
@pytest.mark.parametrize("count", [5, 8, 16])
def test_every_shard_and_every_server_is_one_process_s_own(of, count):
    processes = [Cluster(number, of).shards(count) for number in range(of)]
    assert sorted(number for one in processes for number in one.of(count)) == list(range(count))
    for guild in range(7 << 22, 107 << 22, 3 << 22):
        assert sum(one.have(guild) for one in processes) == 1


def test_the_only_process_has_all_however_many_there_are():
    assert Cluster.parse("0/1").shards(4) == Shards(4)
    assert list(ALL.of(3)) == [0, 1, 2]
    assert ALL.have(12345)
    assert ALL.see_alone(Absence())


@pytest.mark.parametrize("text", ["1", "1/1", "4/4", "-1/4", "a/b", "0/0", "1/2/3", "0 of 4"])
def test_what_is_no_cluster_is_refused(text):
    with pytest.raises(ValueError, match="no cluster"):
        Cluster.parse(text)


def test_a_cluster_is_read_as_it_is_written():
    assert Cluster.parse("") is None
    assert str(Cluster.parse(" 1/4 ")) == "1/4"


def test_an_absence_is_one_process_s_to_end_and_may_be_of_several():
    first, second = (Cluster(number, 2).shards(4) for number in range(2))
    of_a_server, of_a_shard = Absence(guild_id=3 << 22), Absence(shard=2, shards=4)
    of_former_shards, of_all = Absence(shard=1, shards=2), Absence()
    assert shard_of(3 << 22, 4) == 3
    for absence in (of_a_server, of_a_shard, of_former_shards, of_all):
        assert first.answer_for(absence) != second.answer_for(absence)
    assert second.see_alone(of_a_server)
    assert first.see_alone(of_a_shard)
    for absence in (of_former_shards, of_all):
        assert not first.see_alone(absence)
        assert not second.see_alone(absence)
