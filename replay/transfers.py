"""Render a transfer table made by others as pacs.008 submissions of both regions' agents.

Two generators' columns are known: AMLSim (tran_id, orig_acct, bene_acct, ...) and AMLGentex (step,
nameOrig, nameDest, ...). Their accounts become persons with one account each at the bank the table
names (area_Bnn: the n-th branch of that area); their pattern ids become labels. The order of rows
tells in these tables (suspicious ones come last within a step), so every row gets its time of day
from a hash of its content and of the seed, and nothing of the source's order or ids survives.

Transfers of less than a fen cannot be said in the format; they are left out and counted.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from replay.market import identifiers, payments
from replay.market.build import LABELS_FILE, describe, write_tape
from replay.market.days import BEIJING, DAY
from replay.market.flows import PURPOSES, Payments
from replay.market.population import COUNTIES, Banks, Ints, Population, banks
from replay.schemes.plans import SCHEME, Plan, labels
from replay.scoring.market import START, branch_of, instants
from replay.scoring.tables import Transfers, read_table
from schemas.errors import InputError
from schemas.regions import REGIONS


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
    transfers = read_table(file, rows)
    rng = np.random.default_rng(seed)
    who, account_of = _population(rng, transfers)
    kept = np.flatnonzero(transfers.fen > 0)
    patterns, plan = np.unique(transfers.pattern[kept], return_inverse=True)
    instant = instants(transfers, seed)[kept]
    days = (instant + BEIJING) // DAY
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
        "first_day": _day(int(days.min())),
        "last_day": _day(int(days.max())),
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


def _population(
    rng: np.random.Generator, transfers: Transfers
) -> tuple[Population, Callable[[Ints], Ints]]:
    """Every account number of the table becomes a person with one account."""
    table = banks(START)
    n = transfers.accounts
    order = rng.permutation(n)  # rows are given at random: no id order survives
    row_of = np.empty(n, np.int64)
    row_of[order] = np.arange(n)
    branches = np.array([_branch(table, name) for name in transfers.banks or ("",)])
    bank = branches[transfers.account_bank][order]
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
    return who, lambda accounts: np.asarray(row_of[accounts])


def _branch(table: Banks, name: str) -> int:
    row = branch_of(table, name)
    if row < 0:
        raise InputError("transfers: bank: expected an area and a number, such as 320000_B03")
    return row


def _plans(
    paid: payments.PaymentFeed, patterns: Ints, transfers: Transfers, kept: Ints, who: Population
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
