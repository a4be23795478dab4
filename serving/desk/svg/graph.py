"""Accounts and transfers of an alert, and what one region holds of them.

An account here is a party as it appears in one area (甲 in Shanghai and 甲 in Hefei are two
places of one party), so that every account lies in exactly one lane.
"""

from dataclasses import dataclass
from typing import Literal

from schemas.regions import OUT, REGIONS, region_of_area
from serving.answers.model import Explanation

LinkState = Literal["whole", "cut", "ghost"]
NodeState = Literal["own", "far", "ghost"]
_HUB_DEGREE = 6


@dataclass(frozen=True, slots=True)
class Account:
    """A party in one area. `hop` counts transfers from the first payer; `hub` marks the middle."""

    label: str
    label_en: str
    kind: str
    area: str
    region: str
    first_time: int
    hop: int
    transfers: int
    paid_fen: int
    received_fen: int
    hub: bool


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transaction between two accounts (indices into `Graph.accounts`)."""

    source: int
    target: int
    time: int
    amount_fen: int | None
    seen_by: tuple[str, ...]
    asset: str | None
    crosses: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """The joint evidence: transfers in (time, id) order, accounts by first appearance."""

    accounts: tuple[Account, ...]
    transfers: tuple[Transfer, ...]

    @property
    def lanes(self) -> tuple[str, ...]:
        """The four regions, and the lane of the outside only if something lies there."""
        outside = any(account.region == OUT for account in self.accounts)
        return (*REGIONS, OUT) if outside else REGIONS

    def link_state(self, transfer: Transfer, region: str) -> LinkState:
        """What a region has of a transfer, by the reports it holds.

        whole: reported to it, both ends its own; cut: reported to it, but the money comes from or
        goes where it sees nothing more; ghost: not reported to it.
        """
        if region not in transfer.seen_by:
            return "ghost"
        ends = (self.accounts[transfer.source].region, self.accounts[transfer.target].region)
        return "whole" if ends == (region, region) else "cut"

    def node_states(self, region: str) -> tuple[NodeState, ...]:
        """What a region has of each account: its own, the far end of a held transfer, nothing."""
        held: set[int] = set()
        for transfer in self.transfers:
            if region in transfer.seen_by:
                held |= {transfer.source, transfer.target}
        return tuple(
            "ghost" if place not in held else "own" if account.region == region else "far"
            for place, account in enumerate(self.accounts)
        )


def graph(explanation: Explanation) -> Graph:
    """The graph of an alert's joint evidence."""
    parties = {party.label: party for party in explanation.parties}
    subject = next(
        (party.label for party in explanation.parties if party.id == explanation.alert.subject),
        None,
    )
    rows = explanation.evidence
    places: dict[tuple[str, str], int] = {}
    hops: dict[str, int] = {}
    first: dict[tuple[str, str], int] = {}
    paid: dict[tuple[str, str], int] = {}
    received: dict[tuple[str, str], int] = {}
    touched: dict[tuple[str, str], int] = {}
    ends: dict[str, tuple[set[str], set[str]]] = {}
    for row in rows:
        payer = (row.payer_label, row.payer_region or OUT)
        payee = (row.payee_label, row.payee_region or OUT)
        hops.setdefault(payer[0], 0)
        hops.setdefault(payee[0], hops[payer[0]] + 1)
        for key in (payer, payee):
            places.setdefault(key, len(places))
            first.setdefault(key, row.event_time)
            touched[key] = touched.get(key, 0) + 1
            ends.setdefault(key[0], (set(), set()))
        ends[payee[0]][0].add(payer[0])
        ends[payer[0]][1].add(payee[0])
        paid[payer] = paid.get(payer, 0) + (row.amount_fen or 0)
        received[payee] = received.get(payee, 0) + (row.amount_fen or 0)
    accounts = []
    for key in places:
        label, area = key
        party = parties.get(label)
        incoming, outgoing = ends[label]
        busy = min(len(incoming), len(outgoing)) > 0 and len(incoming | outgoing) >= _HUB_DEGREE
        accounts.append(
            Account(
                label=label,
                label_en=party.label_en if party else "",
                kind=party.kind if party else "unknown",
                area=area,
                region=region_of_area(area),
                first_time=first[key],
                hop=hops[label],
                transfers=touched[key],
                paid_fen=paid.get(key, 0),
                received_fen=received.get(key, 0),
                hub=label == subject or busy,
            )
        )
    transfers = []
    for row in rows:
        source = places[row.payer_label, row.payer_region or OUT]
        target = places[row.payee_label, row.payee_region or OUT]
        transfers.append(
            Transfer(
                source=source,
                target=target,
                time=row.event_time,
                amount_fen=row.amount_fen,
                seen_by=row.seen_by,
                asset=row.asset_label,
                crosses=accounts[source].region != accounts[target].region,
            )
        )
    return Graph(tuple(accounts), tuple(transfers))
