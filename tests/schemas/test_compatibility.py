"""Which schema change is compatible, which breaks, and what version it asks for."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from schemas.compatibility import (
    Impact,
    check_version,
    compare,
    describe,
    next_version,
    released,
)
from schemas.errors import ConfigurationError
from schemas.fields import SCHEMA_VERSION, Field, arrow_type, fields


def changed(name: str, **parts: Any) -> dict[str, Any]:
    """The description with one field changed."""
    if "type_text" in parts:
        parts["type"] = arrow_type(parts["type_text"])
    table = {
        key: replace(field, **parts) if key == name else field for key, field in fields().items()
    }
    return describe(table)


def with_field(**parts: Any) -> dict[str, Any]:
    new = replace(fields()["isin"], name="new_field", en="New", zh="新", **parts)
    return describe({**fields(), "new_field": new})


def impacts(new: dict[str, Any]) -> set[Impact]:
    found = compare(describe(), new)
    assert found
    return {change.impact for change in found}


def test_nothing_changed_is_nothing_to_say() -> None:
    assert compare(describe(), describe()) == []


def test_an_added_optional_field_is_compatible() -> None:
    assert impacts(with_field(nullable=True)) == {Impact.COMPATIBLE}


def test_an_added_required_field_breaks() -> None:
    assert impacts(with_field(nullable=False)) == {Impact.BREAKING}


def test_a_rename_breaks_even_of_an_optional_field() -> None:
    table: dict[str, Field] = {}
    for name, field in fields().items():
        key = "isin_code" if name == "isin" else name
        table[key] = replace(field, name=key)
    found = compare(describe(), describe(table))
    assert found[0].impact is Impact.BREAKING
    assert str(found[0]) == "event.isin: renamed to isin_code (breaking)"


def test_a_removed_field_breaks() -> None:
    table = {name: field for name, field in fields().items() if name != "isin"}
    assert {c.what for c in compare(describe(), describe(table))} == {"removed"}


@pytest.mark.parametrize(
    ("name", "narrow", "wide"),
    [
        ("settlement_amount", "decimal128(25,2)", "decimal128(30,5)"),
        ("settlement_amount", "decimal128(24,5)", "decimal128(26,6)"),
        ("settlement_amount", "decimal128(25,6)", "decimal128(25,5)"),  # fewer whole digits
        ("asset_range_start", "int32", "int64"),
        ("pledge_rank", "uint8", "int32"),  # no room for what is below zero
        ("source_system_code", "dictionary<int8 string>", "dictionary<int16 string>"),
        ("report_id", "binary(8)", "binary(16)"),
        ("isin", "dictionary<int16 string>", "string"),
        ("execution_timestamp", "date32", "timestamp[us UTC]"),
    ],
)
def test_a_narrowed_type_breaks_and_a_wider_one_does_not(name: str, narrow: str, wide: str) -> None:
    assert impacts(changed(name, type_text=narrow)) == {Impact.BREAKING}
    if fields()[name].type_text != wide:
        assert impacts(changed(name, type_text=wide)) == {Impact.COMPATIBLE}


@pytest.mark.parametrize("name", ["isin", "source_trade_id"])
def test_a_changed_obligation_breaks_either_way(name: str) -> None:
    assert impacts(changed(name, nullable=not fields()[name].nullable)) == {Impact.BREAKING}


def test_another_unit_breaks_although_nothing_else_changed() -> None:
    assert impacts(changed("amount_cny", unit="10,000 CNY")) == {Impact.BREAKING}


def test_sensitivity_may_rise_and_not_fall() -> None:
    assert impacts(changed("amount_cny", level=4)) == {Impact.COMPATIBLE}
    assert impacts(changed("amount_cny", level=2)) == {Impact.BREAKING}
    assert impacts(changed("amount_cny", person="C3")) == {Impact.COMPATIBLE}
    assert impacts(changed("amount_cny", person=None)) == {Impact.BREAKING}
    assert impacts(changed("price", person="C1")) == {Impact.COMPATIBLE}


def test_words_are_documentation() -> None:
    assert impacts(changed("isin", zh="国际证券代码")) == {Impact.DOCUMENTATION}


def test_a_kind_may_come_and_not_go() -> None:
    one = describe()
    less = {**one, "kinds": {k: v for k, v in one["kinds"].items() if k != "complaint"}}
    assert [c.impact for c in compare(less, one)] == [Impact.COMPATIBLE]
    assert [c.impact for c in compare(one, less)] == [Impact.BREAKING]


class TestVersion:
    def test_follows_the_gravest_change(self) -> None:
        old = describe()
        wordy, wider = changed("isin", zh="别名"), with_field(nullable=True)
        broken = changed("amount_cny", unit="fen")
        assert next_version("1.4.2", compare(old, old)) == "1.4.2"
        assert next_version("1.4.2", compare(old, wordy)) == "1.4.3"
        assert next_version("1.4.2", compare(old, wider)) == "1.5.0"
        assert next_version("1.4.2", compare(old, broken)) == "2.0.0"

    def test_too_low_a_version_is_refused_with_the_reason(self) -> None:
        new = changed("amount_cny", unit="fen")
        with pytest.raises(ConfigurationError, match=r"expected at least 2\.0\.0 .* unit changed"):
            check_version(describe(version="1.0.0"), {**new, "version": "1.9.0"})
        assert check_version(describe(version="1.0.0"), {**new, "version": "2.0.0"})

    def test_three_numbers_or_nothing(self) -> None:
        with pytest.raises(ConfigurationError, match="three numbers"):
            next_version("1.0", [])

    def test_the_schema_in_force_keeps_its_promise_to_every_release(self) -> None:
        """Fails when fields changed and the version did not: raise SCHEMA_VERSION, save again."""
        every = released()
        assert every
        for description in every:
            check_version(description, describe())
        assert every[-1]["version"] == SCHEMA_VERSION
        assert every[-1] == describe()


def test_arrow_reads_what_is_called_compatible() -> None:
    """A widened column casts safely; a narrowed one does not for its largest value."""
    column = pa.array([2**40], pa.int64())
    assert column.cast(pa.int64(), safe=True).to_pylist() == [2**40]
    with pytest.raises(pa.ArrowInvalid):
        column.cast(pa.int32(), safe=True)
