"""Render a transfer table made by others as pacs.008 submissions of both regions' agents.

Two generators' columns are known: AMLSim (tran_id, orig_acct, bene_acct, ...) and AMLGentex (step,
nameOrig, nameDest, ...). Their accounts become persons with one account each at the bank the table
names (area_Bnn: the n-th branch of that area); their pattern ids become labels. The order of rows
tells in these tables (suspicious ones come last within a step), so every row gets its time of day
from a hash of its content and of the seed, and nothing of the source's order or ids survives.

Transfers of less than a fen cannot be said in the format; they are left out and counted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from replay.market import identifiers, payments
from replay.market.build import LABELS_FILE, describe, write_tape
from replay.market.days import BEIJING, DAY
from replay.market.flows import PURPOSES, Payments
from replay.market.population import COUNTIES, Banks, Ints, Population, Texts, banks
from replay.schemes.plans import SCHEME, Plan, labels
from schemas.errors import InputError
from schemas.regions import REGIONS

START = date(2026, 1, 5)  # the tables count days from an arbitrary first one
_AMLSIM = ("orig_acct", "bene_acct", "orig_bank", "bene_bank", "base_amt", "tran_timestamp")
_AMLGENTEX = ("nameOrig", "nameDest", "bankOrig", "bankDest", "amount", "step")
# AMLGentex names its patterns by number (source: its documentation of alert typologies).
_GENTEX_TYPES = {
    1: "fan_out",
    2: "fan_in",
    3: "cycle",
    4: "bipartite",
    5: "stack",
    6: "random",
    7: "scatter_gather",
    8: "gather_scatter",
}


@dataclass(frozen=True, slots=True)
class _Transfers:
    """A transfer table in one form, whichever generator it is from."""

    payer: Ints
    payee: Ints
    payer_bank: Texts
    payee_bank: Texts
    fen: Ints
    day: Ints  # 0 is the first
    pattern: Ints  # -1: none
    kind: Texts  # of the pattern


def render_transfers(
    file: Path,
    folder: Path,
    seed: int = 1,
    on_submission: Callable[[int], None] | None = None,
    rows: int | None = None,
) -> dict[str, Any]:
    """Write a transfer table as a tape with labels.

    Args:
        file: parquet file with the columns of AMLSim or AMLGentex.
        folder: empty or absent; becomes the tape.
        seed: decides times of day, identifiers and references; same seed, same bytes.
        on_submission: called with the records of each submission written, for progress.
        rows: only the first so many rows of the table.

    Returns:
        What was made, in counts: the part of the manifest under `simulation`.

    Raises:
        InputError: the file cannot be read, has other columns, or names a bank of another form.
    """
    table = _read(file, rows)
    transfers = _gentex(table) if set(_AMLGENTEX) <= set(table.column_names) else _amlsim(table)
    rng = np.random.default_rng(seed)
    who, account_of = _population(rng, transfers)
    kept = np.flatnonzero(transfers.fen > 0)
    patterns, plan = np.unique(transfers.pattern[kept], return_inverse=True)
    first = (START - date(1970, 1, 1)).days
    instant = (first + transfers.day[kept]) * DAY - BEIJING + _time_of_day(transfers, kept, seed)
    paid = payments.feed(
        rng,
        who,
        Payments(
            instant=instant,
            payer=account_of(transfers.payer[kept]),
            payee=account_of(transfers.payee[kept]),
            amount_fen=transfers.fen[kept],
            purpose=np.full(len(kept), PURPOSES.index("OTHR")),
            # Plan 0 would be "no pattern" where such rows exist: shift it to -1.
            plan=np.where(transfers.pattern[kept] < 0, -1, plan),
        ),
        broken_share=0.0,
    )
    plans = _plans(paid, patterns, transfers, kept, who)
    counts = write_tape(folder, seed, paid.submissions(), on_submission)
    pq.write_table(labels(list(plans.values())), folder / LABELS_FILE)
    by_kind = sorted({p.variant for p in plans.values()})
    simulation = {
        "seed": seed,
        "transfers_from": file.name,
        "first_day": _day(first + int(transfers.day[kept].min())),
        "last_day": _day(first + int(transfers.day[kept].max())),
        "records": dict(counts),
        "payments": len(kept),
        "below_one_fen": int(len(transfers.fen) - len(kept)),
        "late": paid.batches.late,
        "repeated_records": int(paid.legs.repeat.sum()),
        "mismatched_legs": paid.legs.mismatched,
        "planted": {
            kind: {
                "schemes": sum(p.variant == kind for p in plans.values()),
                "split": sum(p.variant == kind and p.split for p in plans.values()),
                "innocents": 0,
            }
            for kind in by_kind
        },
    }
    describe(folder, {"simulation": simulation, "planted_broken": {}})
    return simulation


def _day(number: int) -> str:
    return str(np.datetime64(number, "D"))


def _read(file: Path, rows: int | None) -> pa.Table:
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            f"{file}: expected a parquet file that can be read ({type(error).__name__})"
        ) from error
    if not any(set(known) <= set(table.column_names) for known in (_AMLSIM, _AMLGENTEX)):
        raise InputError(
            f"{file}: columns: expected those of AMLSim ({', '.join(_AMLSIM)}) or of AMLGentex "
            f"({', '.join(_AMLGENTEX)}); rename the table's columns"
        )
    if not table.num_rows:
        raise InputError(f"{file}: rows: expected at least one transfer")
    return table if rows is None else table.slice(0, rows)


def _amlsim(table: pa.Table) -> _Transfers:
    fen = pc.multiply(table["base_amt"].cast(pa.decimal128(18, 2)), pa.scalar(100))
    day = pc.utf8_slice_codeunits(table["tran_timestamp"], 0, 10).cast(pa.date32())
    number = day.cast(pa.int32()).to_numpy().astype(np.int64)
    suspicious = table["is_sar"].to_numpy()
    return _Transfers(
        payer=table["orig_acct"].to_numpy(),
        payee=table["bene_acct"].to_numpy(),
        payer_bank=np.array(table["orig_bank"].to_pylist()),
        payee_bank=np.array(table["bene_bank"].to_pylist()),
        fen=pc.cast(fen, pa.decimal128(20, 0), safe=False).cast(pa.int64()).to_numpy(),
        day=number - number.min(),
        pattern=np.where(suspicious, table["alert_id"].to_numpy(), -1),
        kind=np.array(pc.fill_null(table["alert_type"], "").to_pylist()),
    )


def _gentex(table: pa.Table) -> _Transfers:
    suspicious = table["isSAR"].to_numpy() == 1
    kind = [_GENTEX_TYPES.get(code, f"type_{code}") for code in table["modelType"].to_pylist()]
    step = table["step"].to_numpy().astype(np.int64)
    # The generator's amounts are binary fractions of yuan; the format has whole fen.
    amount = pc.round(table["amount"], ndigits=2).to_numpy()
    return _Transfers(
        payer=table["nameOrig"].to_numpy().astype(np.int64),
        payee=table["nameDest"].to_numpy().astype(np.int64),
        payer_bank=np.array(table["bankOrig"].to_pylist()),
        payee_bank=np.array(table["bankDest"].to_pylist()),
        fen=np.rint(amount * 100).astype(np.int64),
        day=step - step.min(),
        pattern=np.where(suspicious, table["patternID"].to_numpy(), -1),
        kind=np.where(suspicious, np.array(kind), ""),
    )


def _time_of_day(transfers: _Transfers, rows: Ints, seed: int) -> Ints:
    """Microseconds since midnight, whole milliseconds, from a hash of the row and the seed."""
    mixed = np.full(len(rows), seed * 2 + 1, np.uint64)
    columns = (transfers.payer, transfers.payee, transfers.fen, transfers.day)
    with np.errstate(over="ignore"):
        for column in columns:  # splitmix64 steps
            mixed = mixed + column[rows].astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed = mixed ^ (mixed >> np.uint64(31))
    millisecond = mixed % np.uint64(24 * 3_600_000)
    return np.asarray(millisecond.astype(np.int64) * 1000)


def _population(
    rng: np.random.Generator, transfers: _Transfers
) -> tuple[Population, Callable[[Ints], Ints]]:
    """Every account number of the table becomes a person with one account."""
    table = banks(START)
    numbers, first = np.unique(np.r_[transfers.payer, transfers.payee], return_index=True)
    named = np.r_[transfers.payer_bank, transfers.payee_bank][first]
    order = rng.permutation(len(numbers))  # rows are given at random: no id order survives
    row_of = np.empty(len(numbers), np.int64)
    row_of[order] = np.arange(len(numbers))
    bank = np.array([_branch(table, str(name)) for name in named])[order]
    n = len(numbers)
    home = table.areas[bank]
    pick = rng.integers(0, 3, n)
    county = np.array([COUNTIES[str(area)][at] for area, at in zip(home, pick, strict=True)])
    who = Population(
        banks=table,
        person=np.ones(n, bool),
        name=np.char.add("模拟", np.arange(n).astype(str)),
        identifier=identifiers.resident(rng, county),
        scheme=np.full(n, "NIDN"),
        uscc=np.full(n, ""),
        home=home,
        county=county,
        industry=np.full(n, ""),
        group=np.full(n, -1),
        weight=np.ones(n),
        account_start=np.arange(n + 1),
        account_party=np.arange(n),
        account_bank=bank,
        account_number=identifiers.accounts(rng, np.ones(n, bool)),
    )
    return who, lambda accounts: np.asarray(row_of[np.searchsorted(numbers, accounts)])


def _branch(table: Banks, name: str) -> int:
    """The branch a bank name such as 320000_B03 stands for."""
    area, mark, number = name.partition("_B")
    if area not in REGIONS or not mark or not number.isdigit():
        raise InputError("transfers: bank: expected an area and a number, such as 320000_B03")
    branches = table.in_region(REGIONS.index(area))
    return int(branches[(int(number) - 1) % len(branches)])


def _plans(
    paid: payments.PaymentFeed, patterns: Ints, transfers: _Transfers, kept: Ints, who: Population
) -> dict[int, Plan]:
    """One plan a pattern, with the references its payments carry."""
    region = who.account_regions()
    kind_of = {int(p): str(k) for p, k in zip(transfers.pattern, transfers.kind, strict=True)}
    plans: dict[int, Plan] = {}
    seen_by: dict[int, Ints] = {}
    for row in np.flatnonzero(paid.payments.plan >= 0):
        number = int(paid.payments.plan[row])
        kind = kind_of[int(patterns[number])]
        plan = plans.setdefault(number, Plan(kind, kind, SCHEME, split=False))
        plan.refs.append(f"{payments.FEED}:{paid.uetr[row]}")
        plan.instants.append(int(paid.payments.instant[row]))
        sides = {int(region[paid.payments.payer[row]]), int(region[paid.payments.payee[row]])}
        plan.regions |= sides
        counts = seen_by.setdefault(number, np.zeros(len(REGIONS), np.int64))
        counts[list(sides)] += 1
    for number, plan in plans.items():
        # Split: no region sees six tenths of the pattern, the share that counts as finding it.
        plan.split = bool(seen_by[number].max() * 10 < 6 * len(plan.refs))
    return plans
