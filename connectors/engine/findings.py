"""What the engine found wrong: rule ids, and a collector that stays cheap when nothing is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

REJECTED, QUARANTINED, WARNING = "rejected", "quarantined", "warning"
UNDECIDED_RULES = ("ENG-UNKNOWN-FIELD", "ENG-UNKNOWN-CODE")  # most records: the source changed
FORM_RULES = ("ENG-TIME", "ENG-NUMBER")  # a field of most records: so did its form
WHOLE = -1  # record number of a finding about a whole submission

# rule id: (outcome, meaning zh, meaning en)
RULES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "ENG-UNREADABLE": (QUARANTINED, "无法解析的内容", "bytes that are not of the format"),
        "ENG-ENCODING": (QUARANTINED, "字符编码不符", "bytes that are not text of the encoding"),
        "ENG-DOCTYPE": (QUARANTINED, "不接受DOCTYPE", "a DOCTYPE or entity declaration"),
        "ENG-DEPTH": (QUARANTINED, "嵌套过深", "nested deeper than the bound"),
        "ENG-SIZE": (QUARANTINED, "解压后超出上限", "expands beyond the bound"),
        "ENG-NAMESPACE": (QUARANTINED, "命名空间不符", "a message of another kind or version"),
        "ENG-NO-RECORD": (QUARANTINED, "未找到记录", "no record at the record path"),
        "ENG-COLUMNS": (QUARANTINED, "列数不符", "a row with more or fewer values than columns"),
        "ENG-HEADER": (QUARANTINED, "表头不符", "a header without the expected columns"),
        "ENG-WORKBOOK": (QUARANTINED, "工作簿不可接受", "a workbook that may not be read"),
        "ENG-UNKNOWN-FIELD": (QUARANTINED, "未定义的字段", "a field nobody decided about"),
        "ENG-UNKNOWN-CODE": (QUARANTINED, "未定义的代码", "a code nobody decided about"),
        "ENG-SOURCE-CHANGED": (
            QUARANTINED,
            "来源格式已变",
            "most records differ from the spec",
        ),
        "ENG-CONTROL-TOTAL": (QUARANTINED, "控制总数不符", "records or sum differ from the header"),
        "ENG-CHECK-SUM": (QUARANTINED, "校验和不符", "a check sum that is not that of the bytes"),
        "ENG-BODY-LENGTH": (QUARANTINED, "报文长度不符", "a length that is not the message's"),
        "ENG-REPEATED": (REJECTED, "字段重复", "one field given twice"),
        "ENG-GROUP-COUNT": (REJECTED, "重复组个数不符", "a group with more or fewer entries"),
        "ENG-REQUIRED": (REJECTED, "缺少必填项", "a required value is missing"),
        "ENG-NUMBER": (REJECTED, "数值格式错误", "not a plain decimal or whole number"),
        "ENG-CELL": (REJECTED, "单元格无可用值", "a cell without a value that can be taken"),
        "ENG-RANGE": (REJECTED, "数值超出范围", "a number outside its range"),
        "ENG-TIME": (REJECTED, "日期时间错误", "not a calendar date or moment"),
        "ENG-FORMAT": (REJECTED, "格式错误", "text that is not of the pattern"),
        "ENG-IDENTIFIER": (REJECTED, "标识符错误", "an identifier of wrong shape or check digit"),
        "ENG-VALUE": (REJECTED, "取值错误", "a value a reviewed function refuses"),
    }
)


@dataclass(slots=True)
class Findings:
    """Findings of one group of records; `state` per record: 0 fine, 1 rejected, 2 quarantined."""

    records: int
    state: NDArray[np.uint8] = field(init=False)
    parts: list[tuple[NDArray[np.int64], str, str, str, str]] = field(default_factory=list)
    undecided: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.state = np.zeros(self.records, np.uint8)
        self.undecided = np.zeros(self.records, np.bool_)

    def add(
        self,
        at: NDArray[np.bool_] | NDArray[np.int64],
        rule: str,
        source: str,
        expected: str,
        outcome: str = "",
    ) -> None:
        """Note records (a mask or indices) that break a rule; no record costs nothing.

        Args:
            at: Mask over the records, or their indices.
            rule: One of `RULES`.
            source: Path or column of the source, never a value.
            expected: What was expected, with an example where it helps.
            outcome: Overrides the rule's outcome, such as "warning".
        """
        rows = np.flatnonzero(at) if at.dtype == np.bool_ else np.asarray(at, np.int64)
        if not len(rows):
            return
        outcome = outcome or RULES[rule][0]
        if outcome == QUARANTINED:
            self.state[rows] = 2
            if rule in UNDECIDED_RULES:
                self.undecided[rows] = True
        elif outcome == REJECTED:
            self.state[rows] = np.maximum(self.state[rows], 1)
        for noted in self.parts:  # two columns may read one path the same way
            if noted[1:4] == (rule, outcome, source) and np.array_equal(noted[0], rows):
                return
        self.parts.append((rows, rule, outcome, source, expected))
