"""Whom somebody means: an alert's subject, an id, or an identifier as reports carry it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ledger.duck import Connection
from pipelines.rules.kernels.table import pair_id
from schemas.errors import InputError

_TOP = 1 << 63
# What a report says of somebody or something, and the column with the id rules know it by.
_SAID: tuple[tuple[str, str, str], ...] = (
    ("party", "payer_party", "counterparty_1_id"),
    ("party", "payee_party", "counterparty_2_id"),
    ("party", "payer_party", "lower(hex(counterparty_1_party_key))"),
    ("party", "payee_party", "lower(hex(counterparty_2_party_key))"),
    ("account", "payer_account", "counterparty_1_account_token"),
    ("account", "payee_account", "counterparty_2_account_token"),
    ("asset", "asset", "asset_reference_id"),
    ("asset", "invoice", "invoice_hash"),
    ("asset", "contract", "contract_hash"),
    ("instrument", "instrument", "isin"),
    ("instrument", "instrument", "source_instrument_id"),
    ("institution", "reporter", "report_submitting_entity_id"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """By kind of subject, the ids a text stands for; `any_kind`: an id that may be of any kind."""

    text: str
    ids: Mapping[str, frozenset[int]]
    any_kind: frozenset[int] = frozenset()

    def of(self, kind: str) -> frozenset[int]:
        """The ids of one kind."""
        return self.ids.get(kind, frozenset()) | self.any_kind


def resolve(connection: Connection, text: str) -> Subject:
    """Find whom a text names.

    Args:
        connection: a session on a published version.
        text: an alert's id or its beginning, a subject's number, `A>B` for a pair of two of these,
            or an identifier as reports carry it: a party's (its token or firm id), an account's
            token, an asset's number, an instrument, a paper's hash, an institution (its id or
            its name in the register).

    Raises:
        InputError: nobody in this ledger is named so.
    """
    if ">" in text:
        sides = [resolve(connection, side.strip()).of("party") for side in text.split(">", 1)]
        pairs = frozenset(int(pair_id.py_func(a, b)) for a in sides[0] for b in sides[1])
        return Subject(text, MappingProxyType({"pair": pairs}))
    if not text or len(text) > 200:
        raise InputError(_expected(text[:20]))
    registered = _registered(connection, text)
    if text.isdigit() and len(text) > 9 and int(text) < _TOP:
        ids_of = {"institution": registered} if registered else {}
        return Subject(text, MappingProxyType(ids_of), frozenset({int(text)}))
    if len(text) >= 6 and text.isalnum():
        found = connection.rows(
            "SELECT DISTINCT subject_kind, subject FROM alert WHERE starts_with(alert_id, $id)",
            {"id": text},
        )
        if len(found) == 1:
            kind, subject = found[0]
            return Subject(text, MappingProxyType({str(kind): frozenset({int(subject)})}))
    ids: dict[str, set[int]] = {}
    for kind, number, name in _SAID:
        rows = connection.rows(
            f"SELECT DISTINCT {number} FROM event WHERE {name} = $text AND {number} <> 0 UNION "
            f"SELECT DISTINCT {number} FROM position WHERE {name} = $text AND {number} <> 0",
            {"text": text},
        )
        ids.setdefault(kind, set()).update(int(row[0]) for row in rows)
    ids["institution"] |= registered
    known = {kind: frozenset(some) for kind, some in ids.items() if some}
    if not known:
        raise InputError(_expected(text))
    return Subject(text, MappingProxyType(known))


def _registered(connection: Connection, text: str) -> frozenset[int]:
    """The legal persons of the register that a text names."""
    rows = connection.rows(
        "SELECT DISTINCT party FROM institution "
        "WHERE $text IN (institution_id, legal_person_id, name_zh, name_en)",
        {"text": text},
    )
    return frozenset(int(row[0]) for row in rows)


def _expected(text: str) -> str:
    return (
        f"subject {text!r}: expected an alert's id, a subject's number, PAYER>PAYEE, or an "
        "identifier that accepted reports of this ledger carry; `yrd ask` finds them, for example "
        '"SELECT counterparty_1_id, counterparty_1_account_token FROM event"'
    )
