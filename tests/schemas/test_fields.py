"""The field table: complete, documented, classified; what derives from it is what is committed."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pyarrow as pa
import pytest

from schemas import records
from schemas.codes import code_lists
from schemas.derive import duckdb_columns, duckdb_type, json_schema, json_type, pages
from schemas.errors import ConfigurationError
from schemas.fields import IMPLEMENTED_KINDS, SCHEMA_VERSION, arrow_schema, arrow_type, fields
from schemas.narrow import EVENT_CODES
from schemas.required import missing, required
from schemas.visibility import markets, visibility

ROOT = Path(__file__).parents[2]
LEAST_LEVEL = {None: 1, "C1": 2, "C2": 3, "C3": 4}  # JR/T 0197 counterparts of JR/T 0171 classes


class TestEveryField:
    def test_is_documented_in_both_languages(self) -> None:
        for field in fields().values():
            assert re.search("[\u4e00-\u9fff]", field.zh), field.name
            assert re.fullmatch(r"[A-Z][^\n|\u4e00-\u9fff]{4,}", field.en), field.name
            assert field.source, field.name
            assert field.unit, field.name

    def test_says_something_of_its_own(self) -> None:
        for texts in ([f.zh for f in fields().values()], [f.en for f in fields().values()]):
            assert len(set(texts)) == len(texts)

    def test_is_at_least_as_sensitive_as_its_personal_data_class(self) -> None:
        for field in fields().values():
            assert field.person in LEAST_LEVEL, field.name
            assert LEAST_LEVEL[field.person] <= field.level <= 5, field.name

    def test_that_can_name_a_person_or_an_account_is_classified(self) -> None:
        for field in fields().values():
            if re.fullmatch(r"counterparty_\d_(id|name|party_key|account_token)", field.name):
                assert field.person == "C2", field.name

    def test_belongs_to_an_implemented_kind(self) -> None:
        for field in fields().values():
            assert field.kinds, field.name
            assert set(field.kinds) <= set(IMPLEMENTED_KINDS), field.name

    def test_carries_its_documentation_into_arrow(self) -> None:
        for kind in IMPLEMENTED_KINDS:
            for column in arrow_schema(kind):
                field = fields()[column.name]
                assert column.metadata[b"zh"].decode() == field.zh
                assert column.metadata[b"level"] == str(field.level).encode()
                assert column.metadata.get(b"person") == (
                    field.person.encode() if field.person else None
                )


def test_all_kinds_share_the_header_lineage_and_the_days_they_belong_to() -> None:
    shared = [f for f in fields().values() if f.group in ("header", "lineage", "extension")]
    assert len(shared) > 15
    assert all(field.kinds == IMPLEMENTED_KINDS for field in shared)
    for name in ("reporting_region", "source_trade_id", "business_date", "event_timestamp"):
        assert fields()[name].kinds == IMPLEMENTED_KINDS, name


def test_every_kind_has_obligations_of_its_own() -> None:
    for kind in IMPLEMENTED_KINDS:
        always = {name for name in arrow_schema(kind).names if not fields()[name].nullable}
        others = [set(arrow_schema(other).names) for other in IMPLEMENTED_KINDS if other != kind]
        assert always - set.intersection(*others), kind


def test_every_code_list_is_told_in_both_languages_and_fits_its_field() -> None:
    assert set(code_lists()) >= {"event_type", "action_type", "measure", "edge_role"}
    for name, codes in code_lists().items():
        assert len(codes) > 1, name
        assert len({one.zh for one in codes.values()}) == len(codes), name
        for one in codes.values():
            assert re.fullmatch("[A-Z][A-Z0-9_]*", one.code), one
            assert re.search("[\u4e00-\u9fff]", one.zh), one
            assert one.en, one
            assert one.source, one
    assert set(EVENT_CODES) <= set(code_lists()["event_type"])
    for market in markets():
        for kind in visibility(market).kinds:
            assert set(required(market, kind).by_event) <= set(code_lists()["event_type"]), market


def test_an_unknown_type_or_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown type 'float'"):
        arrow_type("float")
    with pytest.raises(ValueError, match="expected one of event"):
        arrow_schema("rumour")


def test_the_committed_pages_are_the_derived_ones() -> None:
    folder = ROOT / "docs" / "schema"
    committed = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    stale = {name for name, text in pages().items() if committed.get(name) != text}
    assert not stale, f"{sorted(stale)}: run `python -m schemas.derive docs/schema`, commit"
    assert set(committed) == set(pages())


def test_the_pages_hold_every_field_and_every_record_schema() -> None:
    page, others = pages()["fields.md"], pages()["records.md"]
    assert [name for name in fields() if f"| `{name}` |" not in page] == []
    named = [name for name, found in vars(records).items() if isinstance(found, pa.Schema)]
    assert [name for name in named if f"## `{name}`" not in others] == []


class TestDuckDB:
    @pytest.mark.parametrize("kind", IMPLEMENTED_KINDS)
    def test_a_table_made_of_the_columns_has_their_names_types_and_obligations(
        self, kind: str
    ) -> None:
        schema = arrow_schema(kind)
        with duckdb.connect() as connection:
            columns = ", ".join(duckdb_columns(schema))
            connection.execute(f"CREATE TABLE report ({columns})").fetchall()
            rows = connection.execute(
                "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
                "WHERE table_name = 'report'"
            ).fetchall()
        assert [row[0] for row in rows] == schema.names
        for name, found, nullable in rows:
            expected = duckdb_type(fields()[name]).replace(
                "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"
            )
            assert found == expected
            assert nullable == fields()[name].nullable

    def test_an_amount_survives_the_way_through_a_table(self) -> None:
        field = arrow_schema("event").field("settlement_amount")
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t (x {duckdb_type(field)})").fetchall()
            connection.execute("INSERT INTO t VALUES ('99999999999999999999.99999')").fetchall()
            back = connection.execute("SELECT x FROM t").fetchall()
        assert str(back[0][0]) == "99999999999999999999.99999"

    def test_every_record_schema_has_columns(self) -> None:
        for found in vars(records).values():
            if isinstance(found, pa.Schema):
                assert len(list(duckdb_columns(found))) == len(found)

    def test_an_unknown_type_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no DuckDB type"):
            duckdb_type(pa.duration("us"))
        with pytest.raises(ValueError, match="no JSON form"):
            json_type(pa.duration("us"))


_SAMPLES = {
    "boolean": True,
    "integer": 1,
    "array": [],
    "object": {},
}


_AMOUNT_OF = {
    "event": "settlement_amount",
    "position": "outstanding_amount",
    "indicator": "measure_value",
    "register": "registered_capital",
    "complaint": "disputed_amount",
}


def _record(kind: str) -> dict[str, Any]:
    """A record with every required field, from the patterns of the JSON Schema itself."""
    schema, record = json_schema(kind), {}
    for name in schema["required"]:
        column = fields()[name].type
        if pa.types.is_fixed_size_binary(column):
            record[name] = "0" * (2 * column.byte_width)
        elif pa.types.is_timestamp(column):
            record[name] = "2026-03-02T01:00:00Z"
        elif pa.types.is_decimal(column):
            record[name] = "1.50"
        elif pa.types.is_date32(column):
            record[name] = date(2026, 3, 2).isoformat()
        else:
            record[name] = _SAMPLES.get(schema["properties"][name]["type"], "x")
    return record


@pytest.mark.parametrize("kind", IMPLEMENTED_KINDS)
class TestJsonSchema:
    def test_accepts_a_record_and_refuses_what_is_wrong_with_it(self, kind: str) -> None:
        check = jsonschema.Draft202012Validator(json_schema(kind))
        check.check_schema(json_schema(kind))
        record = _record(kind)
        assert check.is_valid(record)
        amount = _AMOUNT_OF[kind]
        assert check.is_valid(record | {amount: "12.50000", "extension": None})
        for wrong in (
            {amount: 12.5},  # a float
            {amount: "1e3"},
            {amount: "1.000000"},  # six decimals
            {"report_id": "00"},
            {"received_at": "2026-03-02T09:00:00+08:00"},
            {"vantage_mask": 256},
            {"not_a_field": "x"},
            {"source_trade_id": None},
        ):
            assert not check.is_valid(record | wrong), wrong
        for name in json_schema(kind)["required"]:
            assert not check.is_valid({k: v for k, v in record.items() if k != name}), name

    def test_is_plain_data_and_carries_the_version(self, kind: str) -> None:
        again = json.loads(json.dumps(json_schema(kind)))
        assert again == json_schema(kind)
        assert again["x-schema-version"] == SCHEMA_VERSION


class TestRequired:
    def test_every_market_and_kind_has_an_answer_that_holds_the_schemas_own(self) -> None:
        for market in markets():
            for kind in visibility(market).kinds:
                found = required(market, kind)
                always = {f.name for f in arrow_schema(kind) if not f.nullable}
                assert always <= set(found.fields)
                assert list(found.fields) == [
                    n for n in arrow_schema(kind).names if n in found.fields
                ]

    def test_markets_differ(self) -> None:
        assert "debtor_agent_id" in required("PYMT", "event").fields
        assert "debtor_agent_id" not in required("BILL", "event").fields
        assert "outstanding_amount" in required("LOAN", "position").fields
        assert "outstanding_amount" not in required("LOAN", "event").fields

    def test_a_discount_needs_more_than_an_acceptance(self) -> None:
        bills = required("BILL", "event")
        assert set(bills.of_event("DISC")) - set(bills.of_event("ACPT")) == {
            "counterparty_2_id", "fixed_rate_leg_1", "settlement_amount",
        }  # fmt: skip

    def test_an_unknown_market_or_kind_is_a_configuration_error(self) -> None:
        with pytest.raises(ConfigurationError, match="market segment 'GOLD'"):
            required("GOLD", "event")
        with pytest.raises(ConfigurationError, match="kind 'register': expected one of event"):
            required("LOAN", "register")

    def test_rows_that_lack_something_are_named_with_what_they_lack(self) -> None:
        full = {n: ["x", "x", "x"] for n in required("PYMT", "event").fields}
        rows = pa.table(
            full
            | {
                "creditor_agent_id": ["b", None, "b"],
                "counterparty_1_account_token": ["t", None, None],
                "counterparty_1_name": [None, "n", None],
                "counterparty_2_party_key": ["k", "k", "k"],
            }
        )
        group = "counterparty_1_account_token or counterparty_1_party_key or counterparty_1_name"
        found = {name: at.tolist() for name, at in missing(rows, "PYMT", "event")}
        assert found == {"creditor_agent_id": [1], group: [2]}
        assert list(missing(rows.slice(0, 1), "PYMT", "event")) == []
        without = rows.drop_columns(["debtor_agent_id"])
        assert dict(missing(without, "PYMT", "event"))["debtor_agent_id"].tolist() == [0, 1, 2]

    def test_a_conditional_column_is_asked_of_its_event_only(self) -> None:
        events = pa.array(["DISC", "ACPT", None]).dictionary_encode()
        rows = pa.table({n: ["x"] * 3 for n in required("BILL", "event").fields} | {
            "event_type": events, "counterparty_2_id": pa.nulls(3, pa.string()),
            "fixed_rate_leg_1": ["1"] * 3, "settlement_amount": ["1"] * 3,
        })  # fmt: skip
        found = {name: at.tolist() for name, at in missing(rows, "BILL", "event")}
        assert found == {"event_type": [2], "counterparty_2_id": [0]}
