"""How much each vantage holds of a subject besides transactions: what is stated of it.

Rules on balances, loans, figures, complaints and registers read no transaction of their subject:
that it holds none of them says nothing.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ledger.duck import Connection
from pipelines.rules.kernels.table import pair_sql
from pipelines.rules.registry import Rule

_GROUP = (
    "SELECT party FROM group_member "
    "WHERE group_id = $subject AND valid_from <= $until AND valid_to > $until"
)


# Relation -> kind of subject -> which rows speak of it.
_SPEAK: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "holding": {
            "party": "$subject IN (holder_party, other_party)",
            "pair": f"{pair_sql('holder_party', 'other_party')} = $subject",
            "group": f"holder_party IN ({_GROUP}) OR other_party IN ({_GROUP})",
            "account": "account = $subject",
            "asset": "$subject IN (asset, invoice, contract)",
            "institution": "$subject IN (reporter, holder_party, other_party)",
        },
        "loan_state": {
            "party": "$subject IN (lender, borrower)",
            "pair": f"{pair_sql('lender', 'borrower')} = $subject",
            "group": f"lender IN ({_GROUP}) OR borrower IN ({_GROUP})",
        },
        "figure": {"institution": "institution = $subject"},
        "complaint_state": {
            "institution": "institution = $subject",
            "party": "complainant = $subject",
        },
        "contact": {"contact": "token = $subject", "party": "party = $subject"},
    }
)


def reads_statements(rule: Rule) -> bool:
    """Whether the rule reads what somebody states, beside or instead of transactions."""
    return not _SPEAK.keys().isdisjoint(rule.needs)


def statements(
    connection: Connection,
    rule: Rule,
    kind: str,
    subject: int,
    until: int,
    transactions: Sequence[int],
) -> dict[int, int]:
    """How many statements of a subject each vantage holds, of the relations the rule reads.

    Args:
        connection: a session on a published version.
        rule: its `needs` name the relations.
        kind: of the subject.
        subject: its id.
        until: the last instant (us UTC) that counts.
        transactions: keys that are counted as such already: a loan's movement is one.

    Returns:
        Vantage -> number; a vantage that holds none is absent.
    """
    found: dict[int, int] = {}
    for relation in _SPEAK.keys() & set(rule.needs):
        if (where := _SPEAK[relation].get(kind)) is None:
            continue
        for vantage, count in connection.rows(
            f"SELECT vantage, count(DISTINCT key) FROM {relation} "
            f"WHERE ({where}) AND event_time <= $until "
            "AND key NOT IN (SELECT unnest($known)) GROUP BY vantage",
            {"subject": subject, "until": until, "known": list(transactions)},
        ):
            found[vantage] = found.get(vantage, 0) + count
    return found
