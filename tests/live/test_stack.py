"""What the stack is made of says the same everywhere."""

import os
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from connectors.feeds.registry import load_feeds
from deploy.compose import TARGET, render
from deploy.flink import configuration, java_options, package
from deploy.native import NativeStack, Process, server_properties, started_at
from deploy.stack import FOLDER, load
from pipelines.intake.messages import NARROW_TOPIC, TABLE_TOPICS
from schemas.errors import ConfigurationError, PrerequisiteError
from yrd.processes.live_closings import ALERTS_TOPIC
from yrd.processes.live_job import CROSSINGS_TOPIC, start_job
from yrd.settings import Settings


def test_the_compose_file_is_the_one_made_from_the_stack() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(load())


def test_a_job_with_more_subtasks_than_partitions_is_refused(tmp_path: Path) -> None:
    stack = replace(load(), slots=2)
    native = NativeStack(stack, tmp_path)
    with pytest.raises(ConfigurationError, match=r"narrow\.payments: expected at least as many"):
        start_job(native, tmp_path, "run.", Settings())


def test_the_compose_file_and_the_native_broker_have_the_same_settings() -> None:
    stack = load()
    compose = render(stack)
    properties = server_properties(stack, Path("data"))
    for name, value in stack.broker_settings.items():
        assert f'KAFKA_{name.upper().replace(".", "_")}: "{value}"' in compose
        assert f"{name}={value}\n" in properties
    for port in (stack.ports["kafka"], stack.ports["flink_rest"]):
        assert f'"127.0.0.1:{port}:{port}"' in compose
    assert f"apache/kafka:{stack.versions['kafka']}" in compose
    assert compose.count('command: ["taskmanager"]') == stack.task_managers


def test_maven_and_the_lock_file_have_the_stack_s_versions() -> None:
    stack = load()
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ET.parse(FOLDER / "pom.xml").getroot()
    assert pom.findtext(".//m:kafka.version", namespaces=space) == stack.versions["kafka"]
    connector = pom.findtext(".//m:connector.version", namespaces=space)
    assert connector == stack.versions["kafka_connector"]
    assert version("apache-flink") == stack.versions["flink"]


def test_replayed_topics_are_never_emptied_by_age() -> None:
    assert all(topic.settings["retention.ms"] == "-1" for topic in load().topics())


def test_every_shipped_feed_and_every_kind_of_result_has_its_topic() -> None:
    names = {topic.name for topic in load().topics()}
    assert names == {
        *(f"raw.{feed}" for feed in load_feeds()),
        *TABLE_TOPICS.values(),
        NARROW_TOPIC,
        CROSSINGS_TOPIC,
        ALERTS_TOPIC,
    }


def test_the_broker_and_the_cluster_listen_on_this_machine_only() -> None:
    stack = load()
    assert "0.0.0.0" not in server_properties(stack, Path("data"))
    defaults = (package() / "conf" / "config.yaml").read_text(encoding="utf-8")
    lines = configuration(stack, Path("checkpoints"), java_options(defaults)).splitlines()
    hosts = [line for line in lines if line.split(":")[0].endswith(("host", "address"))]
    assert len(hosts) == 6
    assert all(line.endswith(": 127.0.0.1") for line in hosts)


def test_a_part_missing_from_the_stack_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    path.write_text('[versions]\nkafka = "1"\n')
    with pytest.raises(ConfigurationError, match="ports"):
        load(path)
    assert tomllib.loads((FOLDER / "stack.toml").read_text(encoding="utf-8"))["topics"]


def test_without_maven_one_sentence_says_what_is_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrerequisiteError, match="expected a running Docker, or Maven") as caught:
        NativeStack(load(), tmp_path / "stack").up()
    assert "\n" not in str(caught.value)


def test_down_ends_what_up_started_and_no_other_process_of_that_number(tmp_path: Path) -> None:
    native = NativeStack(load(), tmp_path)
    ours = native._start("ours", [sys.executable, "-c", "import time; time.sleep(600)"])
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        # as after a restart of the machine: the number is another process's now
        native._pid_file("gone").write_text(
            f'{{"name": "gone", "pid": {other.pid}, "started": "1"}}'
        )
        assert ours.alive
        assert native.down() == ["ours"]
        assert not ours.alive
        assert other.poll() is None
        assert list(native.processes()) == []
    finally:
        other.kill()
        other.wait()


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    process = Process("child", child.pid, started_at(child.pid) or "")
    assert process.alive
    assert started_at(os.getpid()) is not None
    child.kill()
    time.sleep(0.2)
    assert not process.alive, "a zombie counts as ended"
    child.wait()
    assert started_at(child.pid) is None
