"""What a finding means and what to do about it, for those who read one on the screen."""

from collections.abc import Mapping
from types import MappingProxyType

# Who acts on an outcome, and how (zh, en), where a rule has no line of its own below.
_BY_OUTCOME: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "rejected": (
            "报送方更正这些记录，作为新文件重新报送",
            "the reporter corrects these records and submits them again, as a new file",
        ),
        "quarantined": (
            "报送方无需处理，由运营方判定",
            "nothing for the reporter to do; the operator decides",
        ),
        "duplicate": (
            "无需处理：该机构此前已报送，只计一次",
            "nothing to do: this submitter's report is already here, it counts once",
        ),
        "warning": (
            "记录已接收；报送方下次报送前核对",
            "the records are accepted; the reporter checks them before the next submission",
        ),
    }
)
_BY_RULE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ENG-UNREADABLE": (
            "报送方重新发送整个文件；运营方检查传输",
            "the reporter sends the whole file again; the operator checks transport",
        ),
        "ENG-ENCODING": (
            "报送方按 `yrd feed show` 所列编码发送",
            "the reporter sends the file in the encoding `yrd feed show` names",
        ),
        "ENG-DOCTYPE": (
            "报送方去掉 DOCTYPE；实体一律不展开",
            "the reporter leaves the DOCTYPE out; entities are never expanded",
        ),
        "ENG-DEPTH": (
            "运营方询问文件由何程序生成；真实报告不会如此嵌套",
            "the operator asks the reporter what made this file; no real report nests so",
        ),
        "ENG-SIZE": (
            "运营方询问文件由何程序生成；不予展开",
            "the operator asks the reporter what made this file; it is not expanded",
        ),
        "ENG-NAMESPACE": (
            "运营方核对版本，如确已更新则扩充规格",
            "the operator checks the version and extends the spec if it is due",
        ),
        "ENG-NO-RECORD": (
            "运营方核对文件是否归入正确的数据源",
            "the operator checks that the file came under the right feed",
        ),
        "ENG-COLUMNS": (
            "报送方检查该行是否缺引号或被截断",
            "the reporter checks the line for a missing quote or a cut end",
        ),
        "ENG-HEADER": (
            "运营方将表头与 `yrd feed show` 对照",
            "the operator compares the header line with `yrd feed show`",
        ),
        "ENG-WORKBOOK": (
            "报送方只保存模板中的工作表，格式为 .xlsx 或 CSV",
            "the reporter saves the sheets of the template alone, as .xlsx or CSV",
        ),
        "ENG-UNKNOWN-FIELD": (
            "运营方在规格中映射该字段，或列为忽略",
            "the operator maps the field in the spec, or lists it as ignored",
        ),
        "ENG-UNKNOWN-CODE": (
            "运营方将代码加入规格，或询问报送方",
            "the operator adds the code to the spec, or asks the reporter",
        ),
        "ENG-SOURCE-CHANGED": (
            "运营方使规格适应新格式；不对任何人发 NACK",
            "the operator adapts the spec to the new format; nobody is NACKed",
        ),
        "ENG-CONTROL-TOTAL": (
            "报送方将表头的笔数和金额与记录核对",
            "the reporter compares count and sum of the header with the records",
        ),
        "ENR-SUBMITTER": (
            "运营方将该机构加入 institutions.csv",
            "the operator adds the institution to institutions.csv",
        ),
        "ENR-CALENDAR": (
            "运营方扩充 holidays.csv",
            "the operator extends holidays.csv",
        ),
        "ENR-RATE": (
            "运营方扩充 fx_rates.csv",
            "the operator extends fx_rates.csv",
        ),
        "ENR-REPEATED": (
            "无需处理：相同字节此前已收到并处理",
            "nothing to do: the same bytes came before and were taken then",
        ),
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


def cure(rule_id: str, outcome: str, lang: str) -> str:
    """What to do about findings of a rule.

    Args:
        rule_id: As in feedback or quarantine, such as ENG-NUMBER or PYMT-107.
        outcome: rejected, quarantined, duplicate or warning.
        lang: zh or en.

    Example:
        >>> cure("ENR-RATE", "quarantined", "en")
        'the operator extends fx_rates.csv'
    """
    return _BY_RULE.get(rule_id, _BY_OUTCOME[outcome])[0 if lang == "zh" else 1]


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
