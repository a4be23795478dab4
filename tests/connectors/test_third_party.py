"""Messages nobody here wrote: decoded, or refused for the reason that stands here."""

from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from connectors.engine.kernels.nodes import KIND, KIND_ATTRIBUTE
from connectors.engine.kernels.xml import CONTAINER, scan_xml
from connectors.engine.scan import NodeTable, Room, Steps
from connectors.feeds.registry import load_feeds
from tests.connectors.support import reconciles, run

FEED = load_feeds()["pacs008"]
READ = ("08", "09", "10", "11", "12", "13")
EARLIER = ("01", "02", "03", "04", "05", "06", "07")


@pytest.mark.parametrize("version", READ)
def test_samples_of_each_version_read_decode_with_their_values(
    trial_data: Path, version: str
) -> None:
    name = f"pacs.008.001.{version}"
    body = (trial_data / f"iso20022/pacs008pkg/{name}/{name}.xml").read_bytes()
    decoded = run(FEED, body)
    assert decoded.findings.num_rows == 0
    assert decoded.counts[0].accepted == decoded.counts[0].records == 1
    row = decoded.batch.to_pylist()[0]
    tree = etree.fromstring(body)
    space = {"p": f"urn:iso:std:iso:20022:tech:xsd:{name}"}

    def text(path: str) -> str:
        return str(tree.findtext(f".//p:CdtTrfTxInf/{path}", namespaces=space))

    assert row["source_trade_id"] == text("p:PmtId/p:TxId")
    assert row["uetr"] == text("p:PmtId/p:UETR")
    assert row["end_to_end_id"] == text("p:PmtId/p:EndToEndId")
    assert row["settlement_amount"] == row["notional_amount_leg_1"]
    assert f"{row['settlement_amount']:.2f}" == text("p:IntrBkSttlmAmt")
    assert row["debtor_agent_id"] == text("p:DbtrAgt/p:FinInstnId/p:BICFI")
    assert str(row["settlement_date"]) == text("p:IntrBkSttlmDt")
    assert row["counterparty_1_id_basis"] == "NAME"  # a name alone links nothing
    assert row["counterparty_1_party_key"] is None
    assert row["transaction_key"] is not None


@pytest.mark.parametrize("version", EARLIER)
def test_earlier_versions_are_refused_by_their_namespace(trial_data: Path, version: str) -> None:
    name = f"pacs.008.001.{version}"
    body = (trial_data / f"iso20022/pacs008pkg/{name}/{name}.xml").read_bytes()
    decoded = run(FEED, body)
    assert decoded.findings["rule_id"].to_pylist() == ["ENG-NAMESPACE"]
    assert decoded.counts[0].quarantined == 1


@pytest.mark.parametrize("version", READ)
def test_a_template_with_text_between_elements_is_held_and_says_where(
    trial_data: Path, version: str
) -> None:
    body = (trial_data / f"iso20022/pacs008pkg/pacs.008.001.{version}/template.xml").read_bytes()
    decoded = run(FEED, body)
    assert decoded.held == ("SOURCE_CHANGED",)
    assert "/Document/FIToFICstmrCdtTrf" in decoded.findings["field"][0].as_py()


def test_other_messages_and_broken_files_are_refused_with_a_reason(trial_data: Path) -> None:
    reasons: dict[str, set[str]] = {}
    files = [path for path in (trial_data / "iso20022").rglob("*") if path.is_file()]
    for path in files:
        if path.suffix not in (".xml", "") or path.suffix == ".xsd":
            continue
        body = path.read_bytes()
        if b"pacs.008.001.0" in body or b"pacs.008.001.1" in body:
            continue
        decoded = run(FEED, body)
        assert reconciles(decoded)
        assert decoded.batch.num_rows == 0, path
        rules = decoded.findings["rule_id"].to_pylist()
        assert len(rules) == 1, path
        reasons.setdefault(rules[0], set()).add(path.name)
    assert set(reasons) <= {"ENG-NAMESPACE", "ENG-UNREADABLE", "ENG-ENCODING", "ENG-DOCTYPE"}
    assert {"invalid_file1", "invalid_file2"} <= reasons["ENG-UNREADABLE"]
    assert len(reasons["ENG-NAMESPACE"]) > 30


def test_every_value_of_every_report_equals_lxml(trial_data: Path) -> None:
    """Cells are the ground of everything else: compare them on files of another kind."""
    values = different = 0
    for path in sorted((trial_data / "isda_drr/xml").rglob("*.xml")):
        body = path.read_bytes()
        expected = leaf_texts(body)
        values += len(expected)
        different += expected != scanned_texts(body)
    assert values > 5_000
    assert different == 0


def leaf_texts(body: bytes) -> list[tuple[str, str]]:
    return [
        (etree.QName(element).localname, (element.text or "").strip(" \t\r\n"))
        for element in etree.fromstring(body).iter(etree.Element)
        if not len(element)
    ]


def scanned_texts(body: bytes) -> list[tuple[str, str]]:
    """Texts of elements without children, straight from the cells, in document order."""
    count = body.count(b"<")
    table, steps = NodeTable(1), Steps.of([("Document",)])
    room = Room.of(count + body.count(b"=") + 16, count + 1)
    code = scan_xml(
        np.frombuffer(body, np.uint8), 0, len(body), table.grid, table.names, table.size,
        table.progress, steps.step_bytes, steps.step_at, steps.path_at,
        room.cells, room.flags, room.instances, room.records, room.count, 0, True,
    )  # fmt: skip
    assert code == -1
    out = []
    for at in range(int(room.count[0])):
        start, end, node = (int(n) for n in room.cells[at, :3])
        if table.grid[node, KIND] & KIND_ATTRIBUTE or room.flags[at] & CONTAINER:
            continue
        text = etree.fromstring(b"<x>" + body[start:end] + b"</x>").text or ""
        out.append((table.name(node).rpartition(":")[2], text.strip(" \t\r\n")))
    return out
