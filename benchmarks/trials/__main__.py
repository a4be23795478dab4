"""Print the tables of docs/feeds/trials.md: `python -m benchmarks.trials [TRIAL DATA]`."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.trials.answers import REASONS, WITHOUT_COUNTERPART, Agreement, compare
from benchmarks.trials.labelled import Labelled, labelled
from benchmarks.trials.messages import Verdict, verdicts
from connectors.feeds.registry import load_feeds

ESMA_SPEC = Path("tests/connectors/specs/esma_trades.toml")
ESMA_FILES = ("trade_data_200_v2.csv", "trade_data_emir_refit_variation1.csv")


def reports(told: Agreement) -> str:
    """Derivative reports against their answer sheets."""
    pairs = told.agree + len(told.differences)
    head = (
        f"{told.reports} reports: {told.accepted} accepted, "
        f"{told.reports - told.accepted} refused. Of {told.compared} reports, {told.fields} "
        f"fields: {told.agree:,} of {pairs:,} values agree ({told.share:.2%}). "
        f"Not compared: {', '.join(WITHOUT_COUNTERPART)}."
    )
    kinds = Counter((kind, name) for kind, name, _ in told.differences)
    most = sorted(kinds.items(), key=lambda one: (-one[1], one[0][1]))
    rows = [(name, _WHERE[kind], n, REASONS.get((kind, name), "?")) for (kind, name), n in most]
    differences = _table(("field", "value in", "reports", "why"), rows)
    refused = _table(("refused for", "reports"), _most(told.refused))
    warned = _table(("marked for", "reports"), _most(told.warned))
    return "\n\n".join((head, differences, refused, warned))


_WHERE = {"sheet": "the sheet only", "ours": "ours only", "two": "both, different"}


def messages(told: Sequence[Verdict]) -> str:
    """Payment messages: schema and verdict."""
    kinds = Counter(
        (v.message, _VALID[v.valid], "decoded" if v.decoded else "refused", _why(v)) for v in told
    )
    rows = ((*kind, n) for kind, n in sorted(kinds.items()))
    return _table(("message", "schema", "we", "reason", "samples"), rows)


_VALID = {True: "valid", False: "not valid", None: "no schema at hand"}


def _why(verdict: Verdict) -> str:
    return verdict.reason or ", ".join(verdict.rules)


def trades(told: Sequence[Labelled]) -> str:
    """Labelled trades: label and outcome."""
    outcomes = ("accepted", "warning", "rejected", "quarantined")
    counts = Counter((one.label, one.outcome) for one in told)
    rows = (
        (label, *(counts[label, outcome] for outcome in outcomes))
        for label in ("FAIL", "WARN", "PASS", "BASE")
    )
    missed = sorted(
        {one.trade for one in told if one.label == "FAIL" and one.outcome == "accepted"}
    )
    table = _table(("label", *outcomes), rows)
    return f"{table}\n\nFAIL and accepted: {', '.join(missed)}"


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(one) for one in line) + " |" for line in lines)


def main(folder: Path) -> None:
    """Print every table.

    Args:
        folder: Of the trial data.
    """
    feeds = load_feeds()
    print("## Derivative reports\n")
    print(reports(compare(feeds["derivative_trade"], folder / "isda_drr")))
    print("\n## Payment messages\n")
    print(messages(list(verdicts(feeds, folder / "iso20022"))))
    print("\n## Labelled trades\n")
    print(trades(list(labelled(ESMA_SPEC, [folder / "esma" / name for name in ESMA_FILES]))))


if __name__ == "__main__":
    data = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("YRD_TEST_DATA", "../shared/data")
    main(Path(data))
