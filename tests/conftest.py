"""The trial data, skips that are failures on CI, and which tests run beside which."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_BEGAN = time.monotonic()

# Folders whose tests share what is dear to set up: each is one worker's. The longest come first.
_TOGETHER = ("tests/live/", "tests/yrd/", "tests/serving/", "tests/replay/", "tests/ledger/")


class _Sharing(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of one file stay together, and those of the folders in `_TOGETHER`.

    The plug-in's own groups by mark do nothing with pytest 9.2, which makes its names anew.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", maxsplit=1)[0]
        return next((folder for folder in _TOGETHER if path.startswith(folder)), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Sharing:
    return _Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    places = (at for at, folder in enumerate(_TOGETHER) if item.nodeid.startswith(folder))
    return next(places, len(_TOGETHER))


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
