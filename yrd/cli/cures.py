"""What a finding means and what to do about it, for those who read one on the screen."""

from collections.abc import Mapping
from types import MappingProxyType

# Who acts on an outcome, and how, where a rule has no line of its own below.
_BY_OUTCOME: Mapping[str, str] = MappingProxyType(
    {
        "rejected": "the reporter corrects these records and submits them again, as a new file",
        "quarantined": "nothing for the reporter to do; the operator decides",
        "duplicate": "nothing to do: this submitter's report is already here, it counts once",
        "warning": "the records are accepted; the reporter checks them before the next submission",
    }
)
_BY_RULE: Mapping[str, str] = MappingProxyType(
    {
        "ENG-UNREADABLE": "the reporter sends the whole file again; the operator checks transport",
        "ENG-ENCODING": "the reporter sends the file in the encoding `yrd feed show` names",
        "ENG-DOCTYPE": "the reporter leaves the DOCTYPE out; entities are never expanded",
        "ENG-DEPTH": "the operator asks the reporter what made this file; no real report nests so",
        "ENG-SIZE": "the operator asks the reporter what made this file; it is not expanded",
        "ENG-NAMESPACE": "the operator checks the version and extends the spec if it is due",
        "ENG-NO-RECORD": "the operator checks that the file came under the right feed",
        "ENG-COLUMNS": "the reporter checks the line for a missing quote or a cut end",
        "ENG-HEADER": "the operator compares the header line with `yrd feed show`",
        "ENG-WORKBOOK": "the reporter saves the sheets of the template alone, as .xlsx or CSV",
        "ENG-UNKNOWN-FIELD": "the operator maps the field in the spec, or lists it as ignored",
        "ENG-UNKNOWN-CODE": "the operator adds the code to the spec, or asks the reporter",
        "ENG-SOURCE-CHANGED": "the operator adapts the spec to the new format; nobody is NACKed",
        "ENG-CONTROL-TOTAL": "the reporter compares count and sum of the header with the records",
        "ENR-SUBMITTER": "the operator adds the institution to institutions.csv",
        "ENR-CALENDAR": "the operator extends holidays.csv",
        "ENR-RATE": "the operator extends fx_rates.csv",
        "ENR-REPEATED": "nothing to do: the same bytes came before and were taken then",
    }
)
# Rules of no catalogue: zh, en.
_OTHER: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "": ("该机构此前已报送的记录", "a report this submitter sent before"),
        "ENR-REPEATED": ("该机构此前已报送的文件", "bytes this submitter sent before"),
        "ENR-SUBMITTER": ("报送机构不在机构名录中", "a submitter the register does not know"),
        "ENR-CALENDAR": ("日期超出日历范围", "a day outside the calendars"),
        "ENR-RATE": ("当日无汇率", "a currency without a rate for the day"),
    }
)


def cure(rule_id: str, outcome: str) -> str:
    """What to do about findings of a rule.

    Args:
        rule_id: As in feedback or quarantine, such as ENG-NUMBER or PYMT-107.
        outcome: rejected, quarantined, duplicate or warning.

    Example:
        >>> cure("ENR-RATE", "quarantined")
        'the operator extends fx_rates.csv'
    """
    return _BY_RULE.get(rule_id, _BY_OUTCOME[outcome])


def meaning(rule_id: str, lang: str) -> str:
    """What a rule is about, in words; "" stands for a report that was already here.

    Example:
        >>> meaning("", "en")
        'a report this submitter sent before'
    """
    from connectors.engine.findings import RULES
    from quality.rules import catalogue

    if rule_id in _OTHER:
        return _OTHER[rule_id][0 if lang == "zh" else 1]
    if rule_id in RULES:
        return RULES[rule_id][1 if lang == "zh" else 2]
    for rule in catalogue():
        if rule.id == rule_id:
            return rule.zh if lang == "zh" else rule.en
    return ""
