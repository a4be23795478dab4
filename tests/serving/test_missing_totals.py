"""A share without its denominator cannot be judged, and why-not says of which contract."""

from datetime import date

import pyarrow as pa

from ledger import duck
from serving.answers import missing


def test_a_contract_without_the_exchanges_total_of_a_day_cannot_be_judged() -> None:
    same = {"vantage": 4, "market_segment": "FUTR", "business_ordinal": 12}
    sides = [
        same | {"key": key, "contract": contract}
        for key, contract in ((1, "cu2607"), (2, "al2607"), (3, "zn2607"))
    ]
    totals = [
        {"vantage": 4, "market_segment": "FUTR", "contract": contract, "business_ordinal": day}
        for contract, days in (("cu2607", (10, 11, 12)), ("al2607", (10, 12)), ("zn2607", (13,)))
        for day in days
    ]
    days = [
        {"calendar": "SHFE", "business_ordinal": 9 + at, "business_date": date(2026, 3, 1 + at)}
        for at in range(6)
    ]
    tables = {"trade_side": sides, "market_total": totals, "calendar": days}
    with duck.memory() as connection:
        for name, rows in tables.items():
            connection.register(name, pa.Table.from_pylist(rows))
        found = missing._totals(connection, pa.array([1, 2, 3]), "2026-03-02")
    assert [(one.kind, one.en) for one in found] == [
        (
            "total",
            f"Contract {contract}: no total of the exchange for {days}; a share of it cannot be "
            "judged.",
        )
        for contract, days in (("al2607", "1 trading day"), ("zn2607", "3 trading days"))
    ]
