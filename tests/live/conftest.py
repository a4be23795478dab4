"""One broker and one cluster for the whole test session, on ports nothing else uses."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.native import NativeStack
from deploy.stack import load
from tests.conftest import lacking


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    """The running stack. Its jars are fetched once and kept between sessions."""
    if shutil.which("mvn") is None:
        lacking("no Maven (mvn), which fetches the broker")
    names = ("kafka", "kafka_controller", "flink_rest", "flink_rpc")
    stack = load().on_ports(**dict(zip(names, free_ports(len(names)), strict=True)))
    jars = Path("var/stack/jars")
    native = NativeStack(stack, tmp_path_factory.mktemp("stack"), jars=jars)
    try:
        native.up()
        yield native
    finally:
        native.down()
