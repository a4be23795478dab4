"""What the decode benchmark writes as FIX: interbank deals, and orders at an exchange."""

import random

import pyarrow as pa

from connectors.feeds.cfets_imix import write as imix
from connectors.feeds.exchange_orders import write as orders
from schemas.reference_data import read_table


def _banks() -> list[str]:
    return [row["cnaps12"] for row in read_table("institutions.csv").to_pylist() if row["cnaps12"]]


def deals(rng: random.Random, size: int) -> pa.Table:
    """Bond trades between members of the interbank market, rows of `cfets_imix.write.RECORD`."""
    members = read_table("members.csv")["cfets6"].to_pylist()
    banks = _banks()

    def side(number: int) -> dict[str, str]:
        member = rng.choice(members)
        return {
            f"member_{number}": member,
            f"name_{number}": f"模拟成员机构{member}股份有限公司",
            f"short_name_{number}": f"模拟{member}",
            f"trader_{number}": "交易员",
            f"phone_{number}": "021-61230000",
            f"bank_{number}": "模拟银行上海分行营业部",
            f"bank_number_{number}": rng.choice(banks),
            f"cash_account_{number}": f"6222{member}{number:010d}",
            f"custodian_{number}": "模拟登记结算公司",
            f"bond_account_{number}": f"A{member}{number:04d}",
        }

    rows = []
    for number in range(size):
        at = f"{rng.randrange(60):02d}:{rng.randrange(60):02d}.{rng.randrange(1000):03d}"
        rows.append(
            {
                "message": "8",
                "execution": "F",
                "market": "4",
                "sent_at": f"20260615-02:{at}",
                "happened_at": f"20260615-10:{at}",
                "trade": f"CBT20260615{number:06d}",
                "quote": f"2026061504{number:08d}",
                "order": f"4126495{number:011d}",
                "instrument": f"26{rng.randrange(40):04d}",
                "instrument_name": "26附息国债13",
                "quantity": f"{rng.randrange(1, 50)}0000000",
                "price": f"{rng.randrange(950_000, 1_050_000) / 10_000:.4f}",
                "settlement": f"{rng.randrange(10**11) / 100:.2f}",
                "currency": "CNY",
                "settlement_date": "20260616",
                "trade_date": "20260615",
                "interest": f"{rng.randrange(10**7) / 100:.2f}",
                "dirty_price": "99.8025",
                "net_amount": "19897900.00",
                "yield": "3.6541",
            }
            | side(1)
            | side(2)
        )
    return pa.Table.from_pylist(rows, schema=imix.RECORD)


def executions(rng: random.Random, size: int) -> pa.Table:
    """Orders and fills of STAR shares, rows of `exchange_orders.write.RECORD`."""
    rows = []
    for number in range(size):
        minute, second = rng.randrange(60), rng.randrange(60)
        at = f"20260615-02:{minute:02d}:{second:02d}.{rng.randrange(10**6):06d}"
        row = {
            "message": "D",
            "sent_at": at,
            "happened_at": at,
            "client_order": f"C{number:09d}",
            "broker": "91310000MFB000001G",
            "branch": "BR-SH",
            "account": f"A{rng.randrange(50_000):09d}",
            "instrument": f"688{rng.randrange(500):03d}",
            "security_type": "CS",
            "venue": "XSHG",
            "side": rng.choice("12"),
            "quantity": f"{rng.randrange(1, 100)}00",
            "order_type": "2",
            "limit_price": f"{rng.randrange(100, 100_000) / 1000:.3f}",
            "currency": "CNY",
            "purpose": "1",
        }
        if number % 2:
            row |= {
                "message": "8",
                "execution_type": "F",
                "order_status": "2",
                "order": f"E{number:09d}",
                "execution": f"X{number:09d}",
                "last_quantity": row["quantity"],
                "last_price": row["limit_price"],
                "leaves": "0",
                "cumulative": row["quantity"],
                "average_price": row["limit_price"],
            }
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=orders.RECORD)
