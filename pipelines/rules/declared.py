"""A rule as its folder declares it: what `rule.toml` may say, read and checked.

Everything a rule may be asked about itself is here; a mistake in a declaration is named by file
and field when the rule is read, not when it fires.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipelines.lanes.entry import SUBJECTS_OF, THROUGH
from pipelines.rules.standing import STATUS_OF_NUMBER, STATUS_OF_USE, standings, told
from pipelines.rules.tables import Table
from schemas.errors import ConfigurationError
from schemas.narrow import EVENT_CODES

_A_DAY_US = 86_400_000_000
PURPOSES = ("aml", "anti_fraud", "prudential", "conduct", "fundraising", "statistics")
FAMILIES = MappingProxyType(
    {
        "payments": ("支付与资金", "payments"),
        "credit": ("信贷与资产", "credit and assets"),
        "markets": ("交易市场", "exchanges"),
        "institutions": ("机构", "institutions"),
    }
)
LANES = ("stream", "ledger")
SUBJECTS = (
    "account", "party", "group", "asset", "instrument", "institution", "pair", "set", "contact",
)  # fmt: skip
LOWEST_LEVEL = "lowest_level"  # parameter: 1 = a group is silent on what a member crosses on


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a rule: its default, its unit, who published it, and from and to when it holds.

    Another number from a day on comes by a parameter set (`parameters/`). `variants` are those the
    number decides about; empty: all.
    """

    name: str
    default: int
    unit: str
    status_of_number: str
    status_of_use: str
    citation: str
    valid_from: date | None = None
    valid_to: date | None = None
    variants: tuple[str, ...] = ()
    citation_zh: str = ""

    def cited(self, zh: bool) -> str:
        """Where the number comes from; in Chinese as far as it is written in Chinese.

        Example:
            >>> from pipelines.rules.registry import load_rules
            >>> load_rules()["volume_share"].parameters["least_parties"].cited(zh=True)[:3]
            '自设：'
        """
        if not zh or self.citation_zh:
            return self.citation_zh if zh else self.citation
        ours, _, why = self.citation.partition("ours")
        return self.citation if ours else f"自设{why.replace(': ', '：', 1)}"

    def at(self, value: int) -> "Parameter":
        """The number as a parameter set has it: another one than the text's is nobody's but ours.

        Example:
            >>> from pipelines.rules.registry import load_rules
            >>> load_rules()["dormant_wake"].parameters["dormant_days"].at(35).citation[:42]
            'ours, by the parameter set instead of 365:'
        """
        if value == self.default:
            return self
        return replace(
            self,
            default=value,
            status_of_number="I",
            status_of_use="analogy",
            citation=f"ours, by the parameter set instead of {self.default:,}: {self.citation}",
            citation_zh=f"自设，参数集所定，原为 {self.default:,}：{self.cited(zh=True)}",
        )


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of asking the rule's question: its subject and how the law's text is used.

    `of` names the variant that asks the same of a customer: this one puts the controller group in
    the customer's place, and leaves out what a member crosses on by itself (`lanes.through`).
    """

    name: str
    subject: str
    status_of_use: str
    zh: str
    en: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back the rule looks; an episode ends when it passes without a crossing."""

    business_days: int
    microseconds: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as its folder declares it. Bands are levels 1, 2, ... with (zh, en)."""

    name: str
    title: tuple[str, str]
    question: tuple[str, str]
    measure: tuple[str, str]
    family: str
    purpose: str
    lane: str
    group: str
    reads: tuple[str, ...]
    needs: tuple[str, ...]
    match: str
    accepted: tuple[str, ...]
    calendar: str
    horizon: Horizon
    unit: str
    variants: tuple[Variant, ...]
    bands: tuple[tuple[str, str], ...]
    parameters: Mapping[str, Parameter]
    joining_can_lower: bool
    valid_from: date
    valid_to: date | None
    folder: Path
    # Parameters with which the definition reports its measure also where it stays below every band.
    below: Mapping[str, int] = field(default_factory=dict)
    # Of a rule that matches by evidence: crossings that share so many transactions are one alert.
    merges_from: int = 0
    # A crossing follows from what happened until its instant: `pipelines.lanes.causal` runs it.
    causal: bool = False
    # A crossing follows from what was received until its instant, by the times of receipt the
    # definition itself reads: one run says what every closing says.
    by_receipt: bool = False
    # Of a causal rule: what came late is looked at once, when a run ends, not at every closing.
    late_at_end: bool = False
    # It follows its subject through others: what the evidence's other parties do counts as well.
    around: bool = False
    # The stream kernel needs facts of years: it writes them down itself (`host.Remembering`).
    memory: bool = False

    @property
    def kept_for(self) -> "Horizon":
        """How long the stream lane keeps what the kernel was given, to make it again."""
        return Horizon(0, _A_DAY_US) if self.memory else self.horizon

    @property
    def looks_through(self) -> bool:
        """Whether it asks of controller groups what it asks of customers, by the same kernel."""
        return any(variant.of for variant in self.variants)

    @property
    def candidates(self) -> str:
        """SQL over `event`, `position`, `params`: which of them could matter; empty: all could.

        It names transactions where it reads `event`, statements where it reads `position`; of a
        kind it does not read, every row matters.

        It returns `key` and may name too many, never too few: the definition gives the same from
        these as from all.
        """
        path = self.folder / "candidates.sql"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def definition(self) -> str:
        """The auditable definition as written: SQL over `tx` and `params`, or plain Python."""
        return (self.folder / f"definition.{self.language}").read_text(encoding="utf-8")

    @property
    def language(self) -> str:
        """What the definition is written in: `sql`, or `py` where SQL cannot say it."""
        return "sql" if (self.folder / "definition.sql").exists() else "py"

    def variant(self, name: str) -> Variant:
        """The variant of that name.

        Raises:
            KeyError: the rule has none.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(name)

    def at(self, values: Mapping[str, int]) -> "Rule":
        """The rule with the numbers of a set: what it rests on where the set departs from it.

        Example:
            >>> from pipelines.rules.registry import load_rules
            >>> rule = load_rules()["dormant_wake"]
            >>> (told := rule.at({"dormant_days": 35}).standing("account"))[:62]
            'as written; numbers: L extended (line_person_fen, line_other_f'
            >>> "L- as written (window_days)" in told and "I ours (dormant_days" in told
            True
        """
        held = {n: p.at(values.get(n, p.default)) for n, p in self.parameters.items()}
        return replace(self, parameters=MappingProxyType(held))

    def legal_status(self, variant: str) -> str:
        """How far the law carries this variant, as alerts store it: its use, the rule's numbers.

        Example:
            >>> from pipelines.rules.registry import load_rules
            >>> load_rules()["structuring"].legal_status("same_customer")
            'extended; numbers: L, L-, I'
        """
        used = {parameter.status_of_number for parameter in self.parameters.values()}
        numbers = ", ".join(status for status in STATUS_OF_NUMBER if status in used)
        return f"{self.variant(variant).status_of_use}; numbers: {numbers}"

    def standing(self, variant: str) -> str:
        """The same by name, and only of the numbers that decide about this variant.

        Example:
            >>> from pipelines.rules.registry import load_rules
            >>> load_rules()["volume_share"].standing("one_party").partition(", I")[0]
            'extended; numbers: L extended (window_days, least_share_bp, band_2_share_bp)'
        """
        return told(self.variant(variant).status_of_use, standings(self, variant))


def _variants(where: str, rows: list[Any]) -> tuple[Variant, ...]:
    out = []
    for row in rows:
        table = Table(f"{where}: variants", row)
        zh, en = (table.read(key, str, "a few words") for key in ("zh", "en"))
        out.append(
            Variant(
                name=table.read("name", str, "a short name"),
                subject=table.choice("subject", SUBJECTS),
                status_of_use=table.choice("status_of_use", STATUS_OF_USE),
                zh=zh,
                en=en,
                of=table.read("of", str, "the variant that asks it of a customer", default=""),
            )
        )
        table.done()
    if not out or len({variant.name for variant in out}) != len(out):
        raise ConfigurationError(f"{where}: variants: expected at least one, names not repeated")
    return tuple(out)


def _parameters(where: str, rows: Mapping[str, Any]) -> Mapping[str, Parameter]:
    out = {}
    for name, row in rows.items():
        table = Table(f"{where}: parameters.{name}", row)
        out[name] = Parameter(
            name=name,
            default=table.read("default", int, "a whole number, such as 3"),
            unit=table.read("unit", str, "a unit, such as 'CNY fen'"),
            status_of_number=table.choice("status_of_number", STATUS_OF_NUMBER),
            status_of_use=table.choice("status_of_use", STATUS_OF_USE),
            citation=table.read("citation", str, "where the number comes from"),
            valid_from=table.left.pop("valid_from", None),
            valid_to=table.left.pop("valid_to", None),
            variants=tuple(table.read("variants", list, "names of variants", default=[])),
            citation_zh=table.read("citation_zh", str, "the same in Chinese", default=""),
        )
        table.done()
    return MappingProxyType(out)


def read_rule(folder: Path) -> Rule:
    """Read and check one rule's declaration.

    Raises:
        ConfigurationError: a field is missing, unknown or not among its choices.
    """
    where = f"{folder.name}/rule.toml"
    try:
        table = Table(where, tomllib.loads((folder / "rule.toml").read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{where}: {error}; correct the file") from error
    horizon = Table(f"{where}: horizon", table.read("horizon", dict, "business_days = 10"))
    days = horizon.read("business_days", int, "a number of days", default=0)
    microseconds = horizon.read("microseconds", int, "a number of us", default=0)
    horizon.done()
    if (days > 0) == (microseconds > 0):
        raise ConfigurationError(
            f"{where}: horizon: expected business_days or microseconds; name one"
        )
    lane = table.choice("lane", LANES)
    rule = Rule(
        name=table.read("name", str, "the folder's name"),
        title=table.texts("title"),
        question=table.texts("question"),
        measure=table.texts("measure"),
        family=table.choice("family", tuple(FAMILIES)),
        purpose=table.choice("purpose", PURPOSES),
        lane=lane,
        group=table.read("group", str, "a key group, such as 'party'", default=""),
        reads=tuple(table.read("reads", list, 'event codes, such as ["PAYM"]')),
        needs=tuple(table.read("needs", list, 'relations, such as ["holding"]', default=["tx"])),
        match=table.choice("match", ("subject", "evidence")),
        accepted=tuple(table.read("accepted", list, 'kinds, such as ["event"]')),
        calendar=table.read("calendar", str, "a calendar, such as 'BANK'"),
        horizon=Horizon(days, microseconds),
        unit=table.read("unit", str, "a unit, such as 'CNY fen'"),
        variants=_variants(where, table.read("variants", list, "[[variants]]")),
        bands=tuple(
            (band.get("zh", ""), band.get("en", ""))
            for band in table.read("bands", list, "[[bands]]")
        ),
        parameters=_parameters(where, table.read("parameters", dict, "[parameters.name]")),
        joining_can_lower=table.read("joining_can_lower", bool, "true or false"),
        valid_from=table.read("valid_from", date, "a date, such as 2026-01-01"),
        valid_to=table.left.pop("valid_to", None),
        folder=folder,
        below=MappingProxyType(table.read("below", dict, "[below], name = number", default={})),
        merges_from=table.read("merges_from", int, "a number of transactions", default=0),
        causal=table.read("causal", bool, "true or false", default=False),
        by_receipt=table.read("by_receipt", bool, "true or false", default=False),
        late_at_end=table.read("late_at_end", bool, "true or false", default=False),
        around=table.read("around", bool, "true or false", default=False),
        memory=table.read("memory", bool, "true or false", default=False),
    )
    table.done()
    for name, value in rule.below.items():
        if name not in rule.parameters or not isinstance(value, int) or isinstance(value, bool):
            raise ConfigurationError(
                f"{where}: below.{name}: expected a whole number for a parameter of the rule; "
                "correct it"
            )
    for parameter in rule.parameters.values():
        if set(parameter.variants) - {variant.name for variant in rule.variants}:
            raise ConfigurationError(
                f"{where}: parameters.{parameter.name}: variants: expected names of the rule's "
                "variants; correct it"
            )
    if rule.name != folder.name:
        raise ConfigurationError(f"{where}: name: expected the folder's name; correct it")
    if unknown := set(rule.reads) - set(EVENT_CODES):
        raise ConfigurationError(
            f"{where}: reads: expected event codes of schemas.narrow; {sorted(unknown)[0]} is none"
        )
    if not all(zh and en for zh, en in rule.bands) or not rule.bands:
        raise ConfigurationError(
            f"{where}: bands: expected zh and en for each of at least one band"
        )
    if rule.lane == "stream":
        _routed(where, rule)
    return rule


def _routed(where: str, rule: Rule) -> None:
    """Make sure that all that is said of a subject meets in one bucket of the rule's key group."""
    if rule.group not in SUBJECTS_OF:
        raise ConfigurationError(
            f"{where}: group: expected a key group for the stream lane, one of "
            f"{', '.join(SUBJECTS_OF)}; name it"
        )
    for variant in rule.variants:
        if variant.of:
            _looks_through(where, rule, variant)
        elif variant.subject not in SUBJECTS_OF[rule.group]:
            raise ConfigurationError(
                f"{where}: variants: {variant.name}: subject: expected one of "
                f"{', '.join(SUBJECTS_OF[rule.group])} in the group {rule.group!r}; another group "
                "brings the reports of such a subject together"
            )


def _looks_through(where: str, rule: Rule, variant: Variant) -> None:
    """Make sure that a group variant can be asked by the kernel of the variant it names."""
    before = rule.variants[: rule.variants.index(variant)]  # the kernel numbers its own first
    customers = [one.name for one in before if one.subject == "party"]
    fits = rule.group in THROUGH and variant.subject == "group" and variant.of in customers
    if not fits or rule.memory or LOWEST_LEVEL not in rule.parameters:
        raise ConfigurationError(
            f"{where}: variants: {variant.name}: of: expected a variant whose subject is a party, "
            f"before it, for the subject 'group', in a rule of the group {', '.join(THROUGH)} "
            f"without a memory of its own and with the parameter {LOWEST_LEVEL}; correct it"
        )
