"""The notebook runs from top to bottom on the demo's ledger and shows what it promises."""

import os
from pathlib import Path
from typing import Any

import pytest

from ledger.loader import Loader
from schemas.errors import InputError
from serving.publish.versions import MANIFEST, open_version
from tests.conftest import lacking
from tests.ledger.filled import fill

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "notebooks" / "first_look.py"


@pytest.fixture(scope="module")
def demo_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of versions that `yrd demo` left (YRD_DEMO_LEDGER), else a small ledger."""
    named = os.environ.get("YRD_DEMO_LEDGER")
    folder = Path(named or ROOT / "var" / "demo" / "ledger")
    there = (folder / MANIFEST).is_file() or folder.is_file()
    if there and (named or _opens(folder)):
        return folder.resolve()
    if named:
        lacking(f"no ledger at {folder}; run `make demo` or correct YRD_DEMO_LEDGER")
    path = tmp_path_factory.mktemp("notebook") / "ledger.duckdb"
    with Loader(path, "SIMULATED") as loader:
        fill(loader)
    return path


def _opens(folder: Path) -> bool:
    """Whether a ledger that happens to lie there can be read: a former demo left other formats."""
    try:
        connection, _ = open_version(folder)
    except InputError:
        return False
    connection.close()
    return True


@pytest.fixture(scope="module")
def executed(demo_ledger: Path) -> list[Any]:
    """The code cells after execution in a fresh kernel."""
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(NOTEBOOK)
    before = {name: os.environ.get(name) for name in ("YRD_DEMO_LEDGER", "PYTHONPATH")}
    os.environ["YRD_DEMO_LEDGER"] = str(demo_ledger)
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            resources={"metadata": {"path": str(ROOT / "notebooks")}},
        ).execute()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cells: list[Any], kind: str) -> list[str]:
    return [
        output["data"][kind]
        for cell in cells
        for output in cell.outputs
        if output.output_type == "display_data" and kind in output["data"]
    ]


def test_three_questions_are_answered_with_their_blind_spots(executed: list[Any]) -> None:
    tables = [html for html in shown(executed, "text/html") if "dataframe" in html]
    assert len(tables) == 3
    assert all("<tbody>" in table and "<td>" in table for table in tables)
    said = "".join(o.text for cell in executed for o in cell.outputs if o.output_type == "stream")
    assert said.count("SIMULATED") + said.count("模拟") >= 3


def test_every_view_is_asked_and_the_joint_one_sees_most(executed: list[Any]) -> None:
    busiest = [html for html in shown(executed, "text/html") if "联合 Joint" in html]
    assert busiest
    assert all(name in busiest[0] for name in ("上海", "江苏", "浙江", "安徽"))


def test_the_pictures_of_an_alert_are_drawn(executed: list[Any]) -> None:
    pictures = [html for html in shown(executed, "text/html") if "<style>" in html]
    assert len(pictures) == 3
    assert 'class="versus"' in pictures[0]
    assert "flow jointly" in pictures[1]
    assert "flow solo" in pictures[2]


def test_the_source_is_a_notebook_with_three_questions_and_writes_nothing() -> None:
    import jupytext

    notebook = jupytext.read(NOTEBOOK)
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert source.count('question("""') == 3
    assert "模拟" in notebook.cells[0].source
    assert not any(word in source for word in ("INSERT", "UPDATE", "DELETE", "read_only=False"))
