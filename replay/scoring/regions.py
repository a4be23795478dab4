"""Which region each account belongs to: an assignment of our own over somebody else's table.

The value of sharing depends on how often trade crosses regions, and these tables do not know the
four regions: whoever measures it must say how regions were given, and repeat it. Three ways, each
brought to a share of crossing transfers; same seed, same assignment:

- `bank`: by the account's bank. As named where bank names begin with an area (320000_B03);
  with a share asked for, whole banks are moved.
- `community`: parties that trade with each other live together, as far as room in the regions
  allows; then some are moved at random until enough crosses. Small shares need unequal regions.
- `random`: without regard to trade; small shares need one region that holds most accounts.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from replay.scoring.kernel import scatter, settle
from replay.scoring.tables import NOBODY, Ints, Transfers
from schemas.errors import InputError
from schemas.regions import AREA_TO_REGION, REGIONS

PARTITIONS = ("bank", "community", "random")
LEAST_CROSS, MOST_CROSS = 0.05, 0.70
_AREAS = len(REGIONS)
_CAPS = (0.26, 0.34, 0.42, 0.5, 0.58, 0.66, 0.74, 0.82, 0.88, 0.93, 0.97, 0.99)
_PASSES = 30
_TRIES = 1_200
_CLOSE = 0.002


@dataclass(frozen=True, slots=True)
class Assignment:
    """Regions of accounts (positions in `REGIONS`), and how it came about."""

    partition: str
    seed: int
    region: Ints
    wanted: float | None  # share of transfers between regions that was asked for
    cross: float  # the share there is
    sees: tuple[float, ...]  # share of all transfers each region holds

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "partition": self.partition,
            "seed": self.seed,
            "cross_wanted": self.wanted,
            "cross": round(self.cross, 4),
            "sees": {name: round(s, 4) for name, s in zip(REGIONS, self.sees, strict=True)},
        }


def assign(
    transfers: Transfers, partition: str = "bank", cross: float | None = None, seed: int = 1
) -> Assignment:
    """Give every account a region.

    Args:
        transfers: the table.
        partition: one of `PARTITIONS`.
        cross: share of transfers between regions to come to, .05 to .70; None: as it falls.
        seed: decides everything that is drawn.

    Raises:
        InputError: no such partition or share, or the table names no banks.
    """
    if partition not in PARTITIONS:
        raise InputError(f"--partition: expected one of {', '.join(PARTITIONS)}")
    if cross is not None and not LEAST_CROSS <= cross <= MOST_CROSS:
        raise InputError("--cross: expected a share of 5 to 70 (percent)")
    rng = np.random.default_rng([seed, PARTITIONS.index(partition)])
    make = {"bank": _by_bank, "community": _by_community, "random": _at_random}[partition]
    region = make(rng, transfers, cross)
    payer, payee = region[transfers.payer], region[transfers.payee]
    return Assignment(
        partition=partition,
        seed=seed,
        region=region,
        wanted=cross,
        cross=float(np.mean(payer != payee)),
        sees=tuple(float(np.mean((payer == r) | (payee == r))) for r in range(_AREAS)),
    )


def _by_bank(rng: np.random.Generator, transfers: Transfers, cross: float | None) -> Ints:
    bank = transfers.account_bank
    if (bank == NOBODY).any():
        raise InputError(
            "bank: expected columns with the payer's and the payee's bank; add them, or use "
            "--partition community or random"
        )
    named = np.array([_region_named(name) for name in transfers.banks])
    if cross is None and (named != NOBODY).all():
        return np.asarray(named[bank])
    count = len(transfers.banks)
    if count < _AREAS:
        raise InputError(
            f"bank: expected at least {_AREAS} banks to give to {_AREAS} regions; use --partition "
            "community or random"
        )
    of_bank = rng.permutation(np.arange(count) % _AREAS)
    if cross is None:
        return np.asarray(of_bank[bank])
    flows = np.zeros((count, count))
    np.add.at(flows, (bank[transfers.payer], bank[transfers.payee]), 1 / len(transfers.fen))

    def miss(regions: Ints) -> float:
        return float(abs(flows[regions[:, None] != regions].sum() - cross))

    best = miss(of_bank)
    for _ in range(_TRIES):
        if best <= _CLOSE:
            break
        tried = of_bank.copy()
        tried[rng.integers(0, count, rng.integers(1, 3))] = rng.integers(0, _AREAS)
        if len(np.unique(tried)) == _AREAS and miss(tried) < best:
            of_bank, best = tried, miss(tried)
    return np.asarray(of_bank[bank])


def _region_named(name: str) -> int:
    area = AREA_TO_REGION.get(name.partition("_")[0])
    return NOBODY if area is None else REGIONS.index(area)


def _by_community(rng: np.random.Generator, transfers: Transfers, cross: float | None) -> Ints:
    start, other = _neighbours(transfers)
    accounts = transfers.accounts
    order = rng.permutation(accounts)
    drawn = rng.permutation(accounts) / accounts
    for share in _CAPS:
        # So many live in one region, the others evenly in the rest; who trades, moves together.
        edges = np.linspace(max(share, 1 / _AREAS), 1, _AREAS)
        region = np.searchsorted(edges, drawn, side="right").clip(0, _AREAS - 1)
        sizes = np.bincount(region, minlength=_AREAS)
        settle(start, other, region, sizes, int(share * accounts) + 1, order, _PASSES)
        crossing = int(np.sum(region[transfers.payer] != region[transfers.payee]))
        if cross is None or crossing <= cross * len(transfers.fen):
            break
    if cross is not None:
        wanted = int(np.ceil(cross * len(transfers.fen)))
        anywhere = rng.integers(0, _AREAS, accounts)
        scatter(start, other, region, rng.permutation(accounts), anywhere, crossing, wanted)
    return np.asarray(rng.permutation(_AREAS)[region])


def _neighbours(transfers: Transfers) -> tuple[Ints, Ints]:
    """The other sides of each account's transfers, one after the other, and where they begin."""
    mine = np.r_[transfers.payer, transfers.payee]
    other = np.r_[transfers.payee, transfers.payer]
    order = np.argsort(mine, kind="stable")
    counts = np.bincount(mine, minlength=transfers.accounts)
    return np.r_[0, np.cumsum(counts)], other[order]


def _at_random(rng: np.random.Generator, transfers: Transfers, cross: float | None) -> Ints:
    # One region with share a, three with (1 - a) / 3 each: 1 - a^2 - (1 - a)^2 / 3 cross.
    wanted = (_AREAS - 1) / _AREAS if cross is None else cross
    large = (1 + sqrt(max(0.0, 9 - 12 * wanted))) / 4
    shares = np.full(_AREAS, (1 - large) / (_AREAS - 1))
    shares[rng.integers(0, _AREAS)] = large
    return np.asarray(rng.choice(_AREAS, transfers.accounts, p=shares / shares.sum()), np.int64)
