"""`NAME=VALUE` as somebody types it, in the parameter's own unit or in one that says what it is."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from pipelines.rules.registry import Parameter, Rule
from schemas.errors import InputError

# Unit of a parameter -> suffixes that may follow a number, and how many of the unit each one is.
_SUFFIXES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "CNY fen": {"yuan": 100, "wan": 1_000_000},
        "basis points": {"%": 100},
        "us": {"min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000},
    }
)


def parse_values(rule: Rule, texts: list[str]) -> Mapping[str, int]:
    """Values for parameters of a rule.

    Args:
        rule: whose parameters they are.
        texts: such as `near_low_bp=8_500`, `line_person_fen=450000yuan`, `near_low_bp=85%`.

    Raises:
        InputError: no such parameter (all are named), given twice, or no whole number of its unit.

    Example:
        >>> from pipelines.rules.registry import load_rules
        >>> dict(parse_values(load_rules()["structuring"], ["line_person_fen=45wan"]))
        {'line_person_fen': 45000000}
    """
    found: dict[str, int] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign or name not in rule.parameters:
            raise InputError(
                f"--set: expected NAME=VALUE with a parameter of {rule.name}: {_listed(rule)}"
            )
        if name in found:
            raise InputError(f"--set: {name}: expected once; remove one of them")
        found[name] = _number(rule.parameters[name], value.strip())
    if not found:
        raise InputError(
            f"--set: expected at least one NAME=VALUE; {rule.name} has {_listed(rule)}"
        )
    return MappingProxyType(found)


def _listed(rule: Rule) -> str:
    return ", ".join(f"{p.name} ({p.unit})" for p in rule.parameters.values())


def suffixes(unit: str) -> Mapping[str, int]:
    """What may follow a number of a unit.

    Example:
        >>> dict(suffixes("basis points of the line")), dict(suffixes("transfers"))
        ({'%': 100}, {})
    """
    for start, known in _SUFFIXES.items():
        if unit == start or unit.startswith((f"{start} ", f"{start},")):
            return known
    return MappingProxyType({})


def _number(parameter: Parameter, text: str) -> int:
    known = suffixes(parameter.unit)
    factor, digits = 1, text
    for suffix, many in known.items():
        if text.endswith(suffix):
            factor, digits = many, text.removesuffix(suffix).strip()
            break
    try:
        value = Decimal(digits.replace("_", "")) * factor
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value != value.to_integral_value() or not 0 <= value < 1 << 62:
        more = f" or with {', '.join(known)} after it" if known else ""
        raise InputError(
            f"--set: {parameter.name}: expected a whole number of {parameter.unit}, such as "
            f"{parameter.default}{more}; correct it"
        )
    return int(value)
