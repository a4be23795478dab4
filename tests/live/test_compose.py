"""What Docker would run, checked as far as a machine without Docker can."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deploy import docker, node
from deploy.compose import INSIDE, TARGET, render
from deploy.docker import ComposeStack, docker_runs
from deploy.flink import configuration
from deploy.native import server_properties
from deploy.stack import FOLDER, load
from pipelines.job.settings import LiveSettings
from schemas.errors import YrdError

PROJECT = FOLDER.parent
JOB = "0123456789abcdef0123456789abcdef"
# A stand-in for the command: notes how it was called, one JSON list a line.
DOCKER = f"""#!/bin/sh
python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@" >> "$(dirname "$0")/calls"
case "$*" in
  *" run "*) echo "JobID {JOB}";;
  *broken*) exit 1;;
esac
"""


@pytest.fixture
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(render(load()))
    return loaded


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in is the only `docker` there is; gives the file with its calls."""
    command = tmp_path / "bin" / "docker"
    command.parent.mkdir()
    command.write_text(DOCKER)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/local/bin:/usr/bin:/bin")
    return command.parent / "calls"


def called(calls: Path) -> list[list[str]]:
    return [json.loads(line) for line in calls.read_text().splitlines()]


def test_every_part_of_the_compose_file_is_one_compose_knows(compose: dict[str, Any]) -> None:
    assert set(compose) == {"name", "x-flink", "services", "volumes"}
    stack = load()
    managers = {f"taskmanager-{number}" for number in range(1, stack.task_managers + 1)}
    assert set(compose["services"]) == {"kafka", "jobmanager", "job", *managers}
    known = {"image", "build", "command", "depends_on", "environment", "ports", "volumes"}
    known |= {"mem_limit", "profiles"}
    for service in compose["services"].values():
        assert set(service) <= known
        assert ("image" in service) != ("build" in service)
        assert set(service.get("depends_on", ())) <= set(compose["services"])
        for mount in service["volumes"]:
            name, _, inside = mount.partition(":")
            assert name in compose["volumes"]
            assert inside.startswith("/")
        for port in service.get("ports", ()):
            assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)
    for value in compose["services"]["kafka"]["environment"].values():
        assert isinstance(value, str)


def test_containers_run_roles_the_image_has_and_see_the_same_checkpoints(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    roles = {name: one["command"][0] for name, one in services.items() if "command" in one}
    assert set(roles.values()) == set(node.SCRIPTS)
    for name in (*roles, "job"):
        mounts = dict(mount.split(":") for mount in services[name]["volumes"])
        assert mounts["checkpoints"] == str(node.FOLDER)
    assert services["job"]["profiles"] == ["job"], "up does not start it"


def test_the_image_is_built_from_what_is_there() -> None:
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
    own = [path for paths in copied for path in paths if not path.startswith("--")]
    assert all((PROJECT / path).exists() for path in own if not path.startswith("/connector"))
    entry = next(line for line in lines if line.startswith("ENTRYPOINT "))
    assert json.loads(entry.removeprefix("ENTRYPOINT "))[-1] == node.__name__
    images = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert all(re.fullmatch(r"[a-z]+:[\w.${}-]+", image) for image in images)
    assert f"{node.CONNECTORS}" in next(line for line in lines if "--from=jars" in line)


def test_a_container_s_cluster_is_the_native_one_with_services_for_addresses() -> None:
    stack = load()
    native = configuration(stack, node.FOLDER / "checkpoints", "--java").splitlines()
    for role in (node.SERVICE, "taskmanager", node.JOB):
        inside = node.configuration(stack, role, "--java").splitlines()
        for line in inside:
            name, _, value = line.partition(": ")
            if line not in native:
                assert value in ("0.0.0.0", node.SERVICE), name
        missing = {line.split(":")[0] for line in native} - {one.split(":")[0] for one in inside}
        assert missing == (set() if role == node.SERVICE else {"taskmanager.host"})


def test_the_broker_has_a_listener_for_the_host_and_one_for_the_containers(
    compose: dict[str, Any],
) -> None:
    environment = compose["services"]["kafka"]["environment"]
    advertised = dict(
        one.split("://") for one in environment["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    assert advertised == {"HOST": load().servers, "INSIDE": INSIDE}
    native = dict(line.split("=", 1) for line in server_properties(load(), Path("d")).splitlines())
    assert environment["KAFKA_PROCESS_ROLES"] == native["process.roles"]


def test_up_builds_and_starts_and_a_job_is_submitted_from_inside(
    calls: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[str] = []
    monkeypatch.setattr(docker, "create_topics", lambda servers, topics: made.append(servers))
    assert docker_runs()
    stack = ComposeStack(load())
    stack.up()
    assert made == [load().servers]
    settings = LiveSettings(
        servers=load().servers, folder=tmp_path, source="narrow", sink="out",
        transaction_prefix="run-1.job", slack_us=7,
    )  # fmt: skip
    assert stack.submit(settings) == JOB
    stack.down()
    info, up, run, down = called(calls)
    assert info[0] == "info"
    compose = ["compose", "--file", str(TARGET)]
    assert up == [*compose, "up", "--detach", "--wait", "--build"]
    assert run[:-1] == [*compose, "run", "--rm", "--no-TTY", "job", node.JOB]
    inside = LiveSettings.from_json(run[-1])
    assert (inside.servers, inside.folder) == (INSIDE, node.FOLDER / "runs" / "run-1.job")
    assert (inside.source, inside.sink, inside.slack_us) == ("narrow", "out", 7)
    assert down == [*compose, "down"]


def test_what_compose_refuses_is_said_in_one_sentence(calls: Path, tmp_path: Path) -> None:
    with pytest.raises(YrdError, match="docker compose down: expected it to work") as caught:
        ComposeStack(load(), tmp_path / "broken.yml").down()
    assert "\n" not in str(caught.value)
    assert called(calls)
