"""Accounts given to regions: the share that crosses, and that the seed decides everything."""

import numpy as np
import pytest

from replay.scoring.regions import PARTITIONS, assign
from replay.scoring.tables import Transfers, read_table
from schemas.errors import InputError
from tests.replay.scoring.tables import everyday, write


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Transfers:
    return read_table(write(tmp_path_factory.mktemp("regions"), everyday()))


def test_banks_named_with_an_area_stay_there(table: Transfers) -> None:
    given = assign(table, "bank")
    areas = np.array([int(name[0:2]) - 31 for name in table.banks])
    assert np.array_equal(given.region, areas[table.account_bank])
    crossing = given.region[table.payer] != given.region[table.payee]
    assert given.cross == crossing.mean()


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_seed_decides_everything(table: Transfers, partition: str, seed: int) -> None:
    one, again = (assign(table, partition, 0.4, seed) for _ in range(2))
    other = assign(table, partition, 0.4, seed + 10)
    assert np.array_equal(one.region, again.region)
    assert not np.array_equal(one.region, other.region)
    assert set(one.region.tolist()) <= {0, 1, 2, 3}


@pytest.mark.parametrize("cross", [0.05, 0.3, 0.7])
def test_communities_come_to_the_share_asked_for(table: Transfers, cross: float) -> None:
    assert assign(table, "community", cross).cross == pytest.approx(cross, abs=0.02)


def test_communities_keep_partners_together(table: Transfers) -> None:
    assert assign(table, "community").cross < assign(table, "random").cross - 0.05


def test_whole_banks_move(table: Transfers) -> None:
    given = assign(table, "bank", 0.6)
    of_bank = {(b, r) for b, r in zip(table.account_bank.tolist(), given.region, strict=True)}
    assert len(of_bank) == len(table.banks)
    assert given.cross == pytest.approx(0.6, abs=0.03)


def test_other_partitions_and_shares_are_refused(table: Transfers) -> None:
    with pytest.raises(InputError, match="--partition: expected one of bank"):
        assign(table, "postcode")
    with pytest.raises(InputError, match="--cross: expected a share of 5 to 70"):
        assign(table, "random", 0.9)
