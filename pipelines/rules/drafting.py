"""A draft of a rule in SQL alone: what its writer must decide is marked and keeps it quiet."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pipelines.rules.registry import UNDECIDED, load_rules
from schemas.errors import InputError
from schemas.narrow import EVENT_CODES

_NAME = re.compile(r"[a-z][a-z0-9_]{2,39}")
# Subject kind -> the column of `tx` a draft begins with.
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "party": "payer_party",
        "account": "payer_account",
        "asset": "asset",
        "instrument": "instrument",
    }
)


def draft(name: str, folder: Path, subject: str, reads: str) -> tuple[Path, ...]:
    """Write a draft's files into `folder / name`; returns their paths.

    Args:
        name: small letters, digits and `_`; also the name of its one variant.
        folder: a folder of rules; made if it is not there.
        subject: whom it is about, one of `COLUMNS`.
        reads: an event code, such as PAYM.

    Raises:
        InputError: the name cannot be used or is taken, or there is no such subject or event.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"rule {name!r}: expected 3 to 40 small letters, digits and _, such as night_payees"
        )
    if name in load_rules():
        raise InputError(f"rule {name!r}: expected a name no rule has; choose another")
    if subject not in COLUMNS:
        raise InputError(f"--subject: expected one of {', '.join(COLUMNS)}")
    if reads not in EVENT_CODES:
        raise InputError(f"--reads: expected one of {', '.join(EVENT_CODES)}")
    target = folder / name
    if target.exists():
        raise InputError(f"{target}: expected a folder that is not there yet; name another")
    places = {
        "name": name,
        "subject": subject,
        "reads": reads,
        "code": EVENT_CODES[reads],
        "column": COLUMNS[subject],
        "open": UNDECIDED,
    }
    written = []
    for path, text in _FILES.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        for place, value in places.items():
            text = text.replace(f"<{place}>", str(value))  # noqa: PLW2901
        file.write_text(text, encoding="utf-8")
        written.append(file)
    return tuple(written)


_TOML = """\
# A draft. Every "<open>" waits for you; the rule does not run while one is left.
name = "<name>"
title = { zh = "<open>", en = "<open> two or three words for tables" }
family = "<open> payments, credit, markets or institutions"
purpose = "<open> aml, anti_fraud, prudential, conduct, fundraising or statistics"
lane = "ledger"              # SQL alone always runs here
reads = ["<reads>"]             # event codes
needs = ["tx"]               # relations of the ledger the definition reads: tx, holding
match = "subject"
accepted = ["event"]
calendar = "NATURAL"
unit = "transfers"           # of the measure; "CNY fen" for sums
measure = { zh = "<open>", en = "<open> what the definition returns as measure" }
joining_can_lower = false    # true if more reports can make the measure smaller
valid_from = 2026-01-01

[question]
zh = "<open>"
en = "<open> one question a supervisor would ask"

[horizon]
microseconds = 86_400_000_000   # how far it looks back; an alert ends when this passes in silence

[[variants]]
name = "<name>"
subject = "<subject>"
status_of_use = "<open> as written, extended or analogy"
zh = "<open>"
en = "<open> a few words"

[[bands]]
zh = "<open>"
en = "<open> what it means to reach the first band"

# Parameters with which the definition returns its measure also below the band (why-not asks so).
[below]
least_transfers = 1

[parameters.window_us]
default = 86_400_000_000
unit = "us of event time"
status_of_number = "<open> L law, L- superseded, E exchange, I practice or ours, A academic"
status_of_use = "<open>"
citation = "<open> where the number comes from, or: ours, and why"
citation_zh = "<open>"
[parameters.least_transfers]
default = 3
unit = "transfers"
status_of_number = "<open>"
status_of_use = "<open>"
citation = "<open>"
citation_zh = "<open>"
"""

_SQL = """\
/* <name>: say in one line what crosses.

   question : the question of rule.toml
   grain    : one crossing per (vantage, subject, deciding transaction)
   reads    : tx, params
   units    : the measure in the unit of rule.toml; event_time in us UTC; amount_fen in CNY fen
   shown to : every vantage its own rows

   `tx` has one row per transaction and vantage, merged from the legs that vantage holds. Never
   compare `vantage` with a number: keep vantages apart by joining on it, as below. Ids are 63-bit,
   0 is absent. `yrd ask "DESCRIBE tx"` lists the columns; `params` has the parameters as columns.
*/
WITH mine AS (
    -- 1. The transactions the question is about.
    SELECT tx.vantage, tx.key, tx.event_time, tx.amount_fen, tx.<column> AS subject
    FROM tx, params AS p
    WHERE
        tx.event_code = <code>  -- <reads>
        AND tx.<column> <> 0
),
seen AS (
    -- 2. For each of them, those of its subject up to and including it, within the window.
    SELECT
        d.vantage, d.subject, d.event_time AS instant, d.key AS deciding,
        w.key, w.amount_fen
    FROM mine AS d
    JOIN params AS p ON true
    JOIN mine AS w
        ON w.vantage = d.vantage
        AND w.subject = d.subject
        AND w.event_time > d.event_time - p.window_us
        AND (w.event_time, w.key) <= (d.event_time, d.key)
)
-- 3. The measure, the band it reaches, and the transactions that prove it.
SELECT
    '<name>' AS rule,
    '<name>' AS variant,
    s.vantage::UTINYINT AS vantage,
    s.subject::BIGINT AS subject,
    s.instant,
    count(*)::BIGINT AS measure,
    1::UTINYINT AS band,
    list_sort(list(s.key)) AS evidence
FROM seen AS s, params AS p
GROUP BY s.vantage, s.subject, s.instant, s.deciding, p.least_transfers
HAVING count(*) >= p.least_transfers
"""

_EXAMPLE = """\
about = "<open> what this example shows: three reach the band, two do not"
payments = \"\"\"
tx  region  time              yuan     payer  payee
a1  SH      2026-01-12T10:00  100_000  A      B
a2  JS      2026-01-12T11:00  100_000  A      C
a3  SH      2026-01-12T12:00  100_000  A      D
b1  SH      2026-01-12T10:00  100_000  E      F
b2  SH      2026-01-12T11:00  100_000  E      F
\"\"\"
expected = \"\"\"
variant  vantage  subject  time              measure  band  evidence
<name>   joint    A        2026-01-12T12:00  3        1     3
\"\"\"
"""

_PAGE = """\
## Definition

The definition in words: every parameter by its name, what is left out and why.

## 定义

## Blind spots

What looks the same and is lawful; what it cannot see.

## 盲点
"""

_FILES: Mapping[str, str] = MappingProxyType(
    {
        "rule.toml": _TOML,
        "definition.sql": _SQL,
        "examples/first.toml": _EXAMPLE,
        "page.md": _PAGE,
    }
)
