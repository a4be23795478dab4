"""The trivial detectors, on a handful of transfers."""

import pyarrow as pa

from replay.baselines import TRANSFERS, baselines

ROWS = [
    # transaction, time, payer, payee, areas
    (1, 10, 1, 2, "310000", "320000"),  # crosses, first of its pair
    (2, 20, 1, 2, "310000", "320000"),  # crosses, known pair
    (3, 30, 1, 3, "310000", "310000"),  # stays
    (4, 5, 4, 5, "330200", "330000"),  # Ningbo and Zhejiang are one region
    (5, 40, 6, 7, "340000", "OUT"),  # leaves the Delta
    (6, 1, 2, 1, "320000", "310000"),  # the other direction is another pair
]


def table() -> pa.Table:
    columns = zip(*ROWS, strict=True)
    return pa.table([pa.array(list(c)) for c in columns], schema=TRANSFERS)


def test_crossing_is_told_by_region_and_new_pairs_by_time() -> None:
    result = baselines(table(), pa.array([1, 3], pa.int64()))
    crossing, fresh = result.values()
    assert (crossing["recall"]["hits"], crossing["recall"]["n"]) == (1, 2)
    assert (crossing["precision"]["hits"], crossing["precision"]["n"]) == (1, 4)
    assert (fresh["precision"]["hits"], fresh["precision"]["n"]) == (1, 3)
    assert crossing["f1"] == round(2 / 6, 4)


def test_nothing_labelled_gives_no_recall() -> None:
    result = baselines(table(), pa.array([], pa.int64()))
    assert result["crosses_a_region"]["recall"]["value"] is None
    assert result["crosses_a_region"]["f1"] == 0.0
