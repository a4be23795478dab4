"""The trial data, skips that are failures on CI, and which tests run beside which."""

import os
import time
from pathlib import Path

import pytest

_BEGAN = time.monotonic()

# What is dear to set up is set up once: its tests share a worker. The longest come first.
_SHARED = ("live", "demo", "tape_of", "published", "small_ledger")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where workers share the tests, those of one file or of one dear fixture stay together."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        uses = getattr(item, "fixturenames", ())
        group = next((name for name in _SHARED if name in uses), str(item.path))
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    group = item.get_closest_marker("xdist_group")
    assert group is not None
    return _SHARED.index(group.args[0]) if group.args[0] in _SHARED else len(_SHARED)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A soak ends when its time is over (SOAK_MINUTES): what is left is skipped and says so."""
    minutes = os.environ.get("SOAK_MINUTES")
    if minutes and "soak" in item.keywords and time.monotonic() - _BEGAN > float(minutes) * 60:
        pytest.skip(f"the soak's {minutes} minutes are over")


def lacking(reason: str) -> None:
    """Skip with a printed reason; on CI a missing prerequisite is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing on CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def trial_data() -> Path:
    """The folder of messages and labelled data made by others (YRD_TEST_DATA)."""
    folder = Path(os.environ.get("YRD_TEST_DATA", "../shared/data"))
    if not folder.is_dir():
        lacking(f"no trial data at {folder}; set YRD_TEST_DATA to its folder")
    return folder
