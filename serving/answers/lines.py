"""What a rule's explanation needs beyond its declaration: lines, terms, and the measure anywhere.

A rule's definition returns a measure only where it crosses. To say how far a region was from it,
the same definition is asked with parameters that let every transaction through (`OPEN`); the
measure is computed by the same SQL, so it is the rule's own.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pipelines.rules.registry import Rule as Declared
from pipelines.rules.standing import OURS, STATUS_OF_NUMBER
from schemas.contracts import CONTRACT_CLASSES
from serving.answers.model import Line

_HUGE = 1 << 40

# Parameters with which a definition reports its measure at every transaction.
OPEN: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "structuring": {"times_a_day": 1, "days_running": 1},
        "pass_through": {
            "least_in_fen": 0,
            "ratio_low_bp": 0,
            "ratio_high_bp": _HUGE,
            "most_counterparties": _HUGE,
            "most_transfers": _HUGE,
            "in_before_out": 0,
        },
        "invoice_double_financing": {"least_institutions": 1},
    }
)


def lines(
    rule: Declared,
    values: Mapping[str, int],
    person: bool,
    variant: str = "",
    drawn_fen: int = 0,
    contract_class: int = 0,
    abroad: bool = False,
) -> tuple[Line, ...]:
    """The rule's thresholds on the scale of its measure, rising; of a variant that has its own.

    A share of a loan is an amount where it is known what was drawn, else no line. Numbers of
    cancels are those of the contract's exchange (`contract_class`), if none is known of metals.
    A natural person (`person`) has other lines than a firm, and lower ones `abroad`.

    Where a band asks for more than a sum (how often, in which proportion), its line is the least
    sum at which it can be reached: below it the band is impossible, above it the rest decides.
    """
    own = _OF_VARIANT.get((rule.name, variant))
    rule = rule.at(values)
    if rule.name in _OF_A_LOAN:
        found = [
            _line(rule, band, drawn_fen * values[name] // 10_000, name)
            for band, name in enumerate(_OF_A_LOAN[rule.name] if drawn_fen else (), start=1)
        ]
    elif rule.name == "cancel_ratio":
        found = _cancels(rule, values, variant, contract_class)
    elif rule.name in _OF_A_LINE:
        side = "other" if not person else "person_abroad" if abroad else "person"
        own_line = f"line_{side}_fen" if f"line_{side}_fen" in values else "line_person_fen"
        found = _times(rule, values, own_line, _OF_A_LINE[rule.name])
    elif own is not None:
        found = [_line(rule, band, values[name], name) for band, name in enumerate(own, start=1)]
    else:
        found = _LINES.get(rule.name, _by_name)(rule, values, person)
    return tuple(sorted(found, key=lambda line: line.value))


def _line(rule: Declared, band: int, value: int, *numbers: str) -> Line:
    """A line made of one number or several: it says where the weakest of them comes from."""
    zh, en = rule.bands[band - 1]
    weakest = max(
        (rule.parameters[name] for name in numbers),
        key=lambda p: (STATUS_OF_NUMBER.index(p.status_of_number), p.citation.startswith(OURS)),
    )
    cited = weakest.citation, weakest.cited(zh=True)
    return Line(band, value, zh, en, weakest.status_of_number, *cited)


def _structuring(rule: Declared, values: Mapping[str, int], person: bool) -> list[Line]:
    name = "line_person_fen" if person else "line_other_fen"
    near = values[name] * values["near_low_bp"] // 10_000
    least = min(values["times_a_day"], values["days_running"])
    return [
        _line(rule, 1, near * least, name, "near_low_bp"),
        _line(rule, 2, values[name] * values["band_2_lines"], "band_2_lines"),
        _line(rule, 3, values[name] * values["band_3_lines"], "band_3_lines"),
    ]


def _times(rule: Declared, values: Mapping[str, int], line: str, least: str) -> list[Line]:
    """A part of the large-value line, then multiples of it."""
    return [
        _line(rule, 1, values[line] * values[least] // 10_000, line, least),
        _line(rule, 2, values[line] * values["band_2_lines"], "band_2_lines"),
        _line(rule, 3, values[line] * values["band_3_lines"], "band_3_lines"),
    ]


def _pass_through(rule: Declared, values: Mapping[str, int], _: bool) -> list[Line]:
    numbers = ("least_in_fen", "band_2_in_fen", "band_3_in_fen")
    return [
        _line(rule, band, values[name] * values["ratio_low_bp"] // 10_000, name, "ratio_low_bp")
        for band, name in enumerate(numbers, start=1)
    ]


def _to_persons(rule: Declared, values: Mapping[str, int], _: bool) -> list[Line]:
    numbers = ("ratio_bp", "band_2_bp", "band_3_bp")
    return [
        _line(rule, band, values["least_in_fen"] * values[name] // 10_000, name, "least_in_fen")
        for band, name in enumerate(numbers, start=1)
    ]


def _invoice(rule: Declared, values: Mapping[str, int], _: bool) -> list[Line]:
    numbers = ("least_institutions", "band_2_institutions")
    return [_line(rule, band, values[name], name) for band, name in enumerate(numbers, start=1)]


def _cancels(
    rule: Declared, values: Mapping[str, int], variant: str, contract_class: int
) -> list[Line]:
    exchange = CONTRACT_CLASSES[contract_class - 1] if contract_class else CONTRACT_CLASSES[0]
    if variant.startswith("frequent"):
        name = "frequent_times_index" if exchange == "CFFI" else "frequent_times"
    else:
        name = f"large_times_{_RULED_BY.get(exchange, exchange).lower()}"
    again = values[name] * values["band_2_lines"]
    return [_line(rule, 1, values[name], name), _line(rule, 2, again, "band_2_lines")]


def _by_name(rule: Declared, values: Mapping[str, int], _: bool) -> list[Line]:
    """Parameters in the measure's unit that say by their names what they are the line of.

    `band_2_...` is band 2's; band 1's is the first that begins with `least_` or `band_1_`.
    """
    found: dict[int, Line] = {}
    for name, parameter in rule.parameters.items():
        band = 1
        if name.startswith("band_") and name.split("_")[1].isdigit():
            band = int(name.split("_")[1])
        elif not name.startswith("least_"):
            continue
        if parameter.unit == rule.unit and 1 <= band <= len(rule.bands):
            found.setdefault(band, _line(rule, band, values[name], name))
    return list(found.values())


_RULED_BY = {"INE": "SHFE", "CFFX": "CFFEX", "CFFI": "CFFEX"}  # class of contract -> whose numbers
# Rule -> the parameter that says which part of the large-value line is its lowest band's.
_OF_A_LINE: Mapping[str, str] = MappingProxyType(
    {"large_value": "least_bp", "dormant_wake": "heavy_bp"}
)
# Rule -> the parameters that are the lines of its bands, as basis points of a loan.
_OF_A_LOAN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"loan_round_trip": ("returned_bp", "band_2_bp")}
)
# (rule, variant) -> the parameters that are the lines of its bands.
_OF_VARIANT: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("exposure_concentration", "same_borrower"): ("line_bp", "band_2_bp"),
        ("exposure_concentration", "one_group"): ("group_line_bp", "group_band_2_bp"),
        ("multi_lender", "person"): ("least_lenders",),
        ("multi_lender", "firm"): ("least_lenders_firm",),
        ("provision_shortfall", "better_than_elsewhere"): ("more_fen_from", "far_more_fen"),
        # A share decides, and something else is counted: no number of it is a line.
        ("provision_shortfall", "by_class"): (),
        ("self_matched_trade", "share_party"): (),
        ("self_matched_trade", "share_group"): (),
    }
)
_LINES: Mapping[str, Callable[[Declared, Mapping[str, int], bool], list[Line]]] = MappingProxyType(
    {
        "structuring": _structuring,
        "pass_through": _pass_through,
        "public_to_private": _to_persons,
        "invoice_double_financing": _invoice,
    }
)
