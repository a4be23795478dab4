"""What an explained alert consists of: pure data, read by the text, the page and the pictures.

Nothing here reads a ledger or draws. A reader that may see less gets an `Explanation` made from
less; no later step hides anything. Party labels (甲, 乙, 丙, ...) follow the order of first
appearance in the joint evidence, payer before payee, so they are the same for every reader.
Amounts are whole CNY fen, times are UTC microseconds since 1970; both are turned into words only
by `serving.answers.words`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SoloStatus = Literal["none", "partial", "seen"]


@dataclass(frozen=True, slots=True)
class Line:
    """One number a rule compares with: a band's threshold.

    `status_of_number` is L, L-, E, I or A (written in law ... our own assumption), `citation`
    says where it is from, `citation_zh` the same in Chinese; printed wherever the number is.
    """

    band: int
    value: int
    name_zh: str
    name_en: str
    status_of_number: str
    citation: str
    citation_zh: str = ""

    def cited(self, zh: bool) -> str:
        """Where the number is from, in the reader's language as far as it is written in it."""
        return (self.citation_zh if zh else "") or self.citation


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule behind an alert, as far as a reader needs it.

    `unit` is the unit of every measure: `CNY fen`, `persons` or another the rule declares.
    """

    name: str
    variant: str
    question_zh: str
    question_en: str
    unit: str
    parameter_set: str
    legal_status: str
    lines: tuple[Line, ...]  # rising; the first is the lowest that raises
    unlined: tuple[tuple[int, str, str], ...] = ()  # bands (zh, en) without a line on the measure
    standing: str = ""  # `legal_status` number by number; empty: the rule had another one then


@dataclass(frozen=True, slots=True)
class Party:
    """A party of the joint evidence. `label` is 甲, 乙, ...; `label_en` is A, B, ..."""

    id: int
    label: str
    label_en: str
    kind: Literal["person", "firm", "unknown"]
    areas: tuple[str, ...]  # area codes it appears in, in order of first appearance


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One transaction of the evidence, in (event time, id) order, as the joint vantage holds it.

    `seen_by` names the regions (codes of `schemas.regions.REGIONS`) that hold a report of it.
    """

    transaction_id: int
    event_time: int
    payer_label: str
    payee_label: str
    payer_region: str  # area code or OUT
    payee_region: str
    amount_fen: int | None
    event_type: str
    market: str
    asset_label: str | None  # 物1, 物2, ... for pledged or discounted assets
    seen_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A vantage's measure right after one transaction, in the rule's unit."""

    event_time: int
    measure: int
    fires: bool
    band: int  # 0 = below every line


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the joint evidence one region holds, and what it made of it.

    `lead_us` is the region's first crossing minus the joint one: negative is earlier, positive
    later, None when one of them never fired.
    """

    region: str
    seen_transactions: int
    all_transactions: int
    seen_accounts: int
    all_accounts: int
    seen_amount_fen: int
    all_amount_fen: int
    status: SoloStatus
    first_crossing: int | None
    lead_us: int | None
    peak_measure: int
    judged: bool = True  # False where the region lacks what the rule's measure needs


@dataclass(frozen=True, slots=True)
class ArithmeticLine:
    """One term of the sum that crosses the line; `running` is the total so far.

    Only transactions inside the rule's window at the peak are terms; `note_*` says what the term
    is.
    """

    transaction_id: int
    event_time: int
    term: int
    running: int
    note_zh: str
    note_en: str


@dataclass(frozen=True, slots=True)
class Alert:
    """The alert's own row."""

    alert_id: str
    rule: str
    variant: str
    subject_kind: str
    subject: int
    first_crossing: int
    last_crossing: int
    peak_measure: int
    peak_band: int
    joint_first: int | None
    hidden_by_split: bool
    not_raised_jointly: bool
    operator_sees: str | None
    superseded_by: str | None
    withdrawn: bool
    data_origin: str
    known_from: int
    continues: str | None = None  # the alert of the same subject that was closed after 90 days
    search_cut: bool = False  # the search reached its bound of steps: there may be more


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of an alert: what it rested on, and from when to when that was known.

    `status` is raised, amended or withdrawn; `cause` says what brought it: NEW (reports in time),
    LATE or CORRECTION. `known_to` is None for the state in force.
    """

    revision: int
    status: str
    cause: str
    known_from: int
    known_to: int | None
    first_crossing: int
    last_crossing: int
    peak_measure: int
    transactions: int
    superseded_by: str | None


@dataclass(frozen=True, slots=True)
class Alone:
    """Why one region raises what all four together do not: figures of both, at one instant.

    `kind` says which figures there are (`serving.answers.alone`): `moved` sums in and out,
    `rested` days without use, `trades` how many others the parties deal with. `in_the_way` names
    parameters of the rule each of which, lifted, would have raised it jointly too.
    """

    region: str
    instant: int
    measure: int
    kind: str
    figures: Mapping[str, int]
    held_by: tuple[str, ...]  # regions that hold what the one does not
    in_the_way: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A level at which a rule asks: `account`, `party` or `group`; whether it raises this."""

    kind: str
    raised: bool


@dataclass(frozen=True, slots=True)
class Controlled:
    """The parties of an alert that were of one controller when it crossed.

    `tests` are the ties' kinds, the surest first; `registers` the regions whose registers hold
    entries of them, `joined_by` those whose own entries join all these parties.
    """

    parties: tuple[int, ...]
    tests: tuple[str, ...]
    registers: tuple[str, ...]
    joined_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything said and drawn about one alert.

    `series` has one entry per vantage (the four region codes and `joint`), each a tuple of points
    in time order, one per evidence transaction that vantage holds; empty where it holds none.
    `arithmetic` is the joint vantage's sum at its peak, or the raising vantage's where the alert
    was not raised jointly. `sentences_*` are whole sentences in reading order.
    """

    alert: Alert
    rule: Rule
    parties: tuple[Party, ...]
    evidence: tuple[EvidenceRow, ...]
    series: Mapping[str, tuple[Point, ...]]
    coverage: tuple[Coverage, ...]  # in the order of schemas.regions.REGIONS
    arithmetic: tuple[ArithmeticLine, ...]
    sentences_zh: tuple[str, ...]
    sentences_en: tuple[str, ...]
    revisions: tuple[Revision, ...] = ()  # of this alert, the oldest first
    took_place_of: tuple[str, int] | None = None  # the id asked for, and when it was withdrawn
    levels: tuple[Level, ...] = ()  # the lowest first; empty where the rule asks at one only
    alone: Alone | None = None  # where only a region raised it: what all four hold instead
    controlled: Controlled | None = None  # where the subject is a controller group
