"""A market too small for every scheme has those that fit, and says how many did not."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from replay.market.build import FEWEST_REPORTS, Sizes, simulate
from schemas.errors import InputError


def test_a_small_market_plants_what_fits_and_counts_what_does_not(tmp_path: Path) -> None:
    # With this seed a region has fewer persons than one platform or steady complaints would need.
    made = simulate(tmp_path / "tape", 9, Sizes(reports=3_000))
    missing, planted = made["not_planted"], made["planted"]
    assert planted["second_clearing"]["schemes"] == 3
    assert missing["second_clearing"] == 12, "eleven of a larger market, and one for want of room"
    assert missing["complaint_surge"] == 1
    assert planted["complaint_surge"] == {"schemes": 9, "split": 4, "innocents": 5}
    labels = pq.read_table(tmp_path / "tape" / "labels.parquet")
    counted = Counter(labels["rule"].to_pylist())
    assert counted == {rule: row["schemes"] + row["innocents"] for rule, row in planted.items()}, (
        "what was left out has no label"
    )
    assert all(labels["refs"].to_pylist()), "and no label is without reports"


def test_a_market_that_cannot_be_made_is_refused_with_the_least_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"expected at least {FEWEST_REPORTS},"):
        simulate(tmp_path / "tape", 1, Sizes(reports=FEWEST_REPORTS - 1))
