"""No identifier of anybody leaves the tape in clear: files, cells of the ledger, logs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.duck import Connection
from tests.yrd.conftest import Run


@pytest.fixture(scope="session")
def secrets(raw: list[dict[str, Any]]) -> frozenset[str]:
    found: set[str] = set()
    for row in raw:
        text = row["body"].decode(
            "gb18030" if row["feed"] == "loan_register" else "utf-8", "replace"
        )
        if row["feed"] == "pacs008":
            for side in ("Dbtr", "Cdtr"):
                accounts = rf"<{side}Acct><Id><Othr><Id>([^<]+)"
                found.update(re.findall(accounts, text))
            found.update(re.findall(r"<Othr><Id>([^<]+)</Id><SchmeNm><Cd>NIDN", text))
        elif row["feed"] == "loan_register":
            found.update(re.findall(r",B01,([^,]+),", text))
    long_enough = frozenset(one for one in found if len(one) >= 12)
    assert len(long_enough) > 1_000
    assert any(re.fullmatch(r"\d{17}[\dX]", one) for one in long_enough)
    return long_enough


@pytest.fixture(scope="session")
def names(raw: list[dict[str, Any]]) -> frozenset[str]:
    person = re.compile(
        r"<(?:Dbtr|Cdtr)><Nm>([^<]+)</Nm><Id><PrvtId>|<PrvtId>.{0,200}?</PrvtId></Id><Nm>([^<]+)"
    )
    found = {
        one
        for row in raw
        if row["feed"] == "pacs008"
        for pair in person.findall(row["body"].decode("utf-8", "replace"))
        for one in pair
        if one
    }
    assert len(found) > 100
    return frozenset(found)


class TestSecrecy:
    """No resident id, account number or person's name leaves the tape in clear."""

    def test_nothing_that_is_written_holds_an_identifier(
        self, demo: Run, secrets: frozenset[str]
    ) -> None:
        sizes = sorted({len(one) for one in secrets})
        looked_at = 0
        for path in sorted(demo.folder.rglob("*")):
            if path.is_file() and demo.tape not in path.parents:
                looked_at += 1
                assert not _shared(path.read_bytes(), secrets, sizes), path.name
        assert looked_at > 10
        assert not _shared(demo.log.encode(), secrets, sizes)

    def test_no_cell_of_the_ledger_holds_an_identifier_or_a_persons_name(
        self, ledger: Connection, secrets: frozenset[str], names: frozenset[str]
    ) -> None:
        """The file above is compressed: so every text of every table is read too."""
        sizes = sorted({len(one) for one in secrets})
        cells = 0
        for text in _texts(ledger):
            cells += 1
            assert text not in names
            assert not _shared(text.encode(), secrets, sizes)
        assert cells > 10_000

    def test_the_check_would_notice(self, secrets: frozenset[str]) -> None:
        one = min(secrets)
        assert _shared(f"12345{one}6789".encode(), secrets, sorted({len(s) for s in secrets}))


_DIGITS = re.compile(rb"[0-9A-Z]{12,}")


def _shared(content: bytes, secrets: frozenset[str], sizes: list[int]) -> bool:
    """Whether any of the identifiers stands in the bytes, also right beside other digits."""
    for run in _DIGITS.findall(content):
        text = run.decode("ascii")
        for size in sizes:
            for at in range(len(text) - size + 1):
                if text[at : at + size] in secrets:
                    return True
    return False


def _texts(ledger: Connection) -> Iterator[str]:
    """Every distinct text of every column of every table."""
    for table in ledger.tables():
        for name, kind in ledger.rows(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_name = ?", [table],
        ):  # fmt: skip
            if any(part in kind for part in ("VARCHAR", "BLOB", "MAP", "STRUCT", "ENUM")):
                column = f'"{name}"'
                text = f"hex({column})" if kind == "BLOB" else f"{column}::VARCHAR"
                query = f'SELECT DISTINCT {text} FROM "{table}" WHERE {column} IS NOT NULL'
                yield from (row[0] for row in ledger.rows(query))
