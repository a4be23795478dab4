"""Every reader stands inputs that seek out what was not run before, bounded in time and memory.

A finding names its input: put it into tests/connectors/corpus (docs/robustness.md) with the mend.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connectors.feeds.registry import load_feeds

ROOT = Path(__file__).parents[2]
FEEDS = load_feeds()
MODES = ("interpreted", "compiled")
SHARE = 0.25  # of the soak's minutes
MINUTES = float(os.environ.get("SOAK_MINUTES") or 20)
SEED = os.environ.get("YRD_FUZZ_SEED", "1")

pytestmark = pytest.mark.soak


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of kernels with bounds checked: the checks are compiled in."""
    return tmp_path_factory.mktemp("kernels")


def fuzz(feed: str, mode: str, seconds: float, folder: Path, kernels: Path) -> dict[str, Any]:
    """One run; a process that ends otherwise than it should has left its input behind."""
    folder.mkdir(parents=True, exist_ok=True)
    compiled = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(kernels)}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.soak.guided", feed, mode, SEED, str(seconds), str(folder)],
        cwd=ROOT,
        env=os.environ | (compiled if mode == "compiled" else {}),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    current = folder / "current"
    body = current.read_bytes().hex() if current.is_file() else ""
    assert ended.returncode == 0, (
        f"{feed}, {mode}: ended with {ended.returncode} (-26: over a second)\n"
        f"{ended.stderr[-3000:]}\ninput: {body}"
    )
    return dict(json.loads((folder / "told.json").read_text()))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("feed", FEEDS)
def test_inputs_that_reach_something_new_do_no_harm(
    feed: str, mode: str, tmp_path: Path, kernels: Path
) -> None:
    seconds = MINUTES * 60 * SHARE / (len(FEEDS) * len(MODES))
    told = fuzz(feed, mode, seconds, tmp_path, kernels)
    assert told["wrong"] == [], told
    assert told["inputs"] > 20
    assert told["kept"] > 1
    assert told["outcomes"] > 1
    assert (told["pairs"] > 300) == (mode == "interpreted")
