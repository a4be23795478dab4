"""docker-compose.yml, made from stack.toml. Run `python -m deploy.compose` after a change there."""

import sys
from pathlib import Path

from deploy.stack import Stack, load

INSIDE = "kafka:9092"  # the broker's address in the other containers
TARGET = Path(__file__).resolve().parents[1] / "docker-compose.yml"
_HEAD = """\
# Made by `python -m deploy.compose` from deploy/stack.toml: change that file, not this one.
# The machine this project was built on runs no Docker: this file was compared, never run.
"""


def render(stack: Stack) -> str:
    """The compose file of a stack: a broker, a job manager, its task managers, and a service `job`.

    `job` is no part of what is started: `docker compose run job` submits a run's job and ends.

    Inside, the broker has a second listener under its service name, because its address on the
    host means something else in the other containers.
    """
    ports, memory = stack.ports, stack.memory
    broker = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": (
            f"HOST://:{ports['kafka']},INSIDE://:9092,CONTROLLER://:{ports['kafka_controller']}"
        ),
        "KAFKA_ADVERTISED_LISTENERS": f"HOST://127.0.0.1:{ports['kafka']},INSIDE://{INSIDE}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": (
            "HOST:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INSIDE",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@kafka:{ports['kafka_controller']}",
        "KAFKA_HEAP_OPTS": f"-Xmx{memory['kafka_heap']}m",
        "CLUSTER_ID": stack.cluster_id,
        **{_variable(name): value for name, value in stack.broker_settings.items()},
    }
    lines = [
        _HEAD + "name: yrd",
        "",
        "x-flink: &flink",
        "  build:",
        "    context: .",
        "    dockerfile: deploy/Dockerfile",
        "    args:",
        f'      PYTHON: "{stack.versions["python"]}"',
        "  volumes:",
        "    - checkpoints:/var/yrd",
        "",
        "services:",
        "  kafka:",
        f"    image: apache/kafka:{stack.versions['kafka']}",
        "    ports:",
        f'      - "127.0.0.1:{ports["kafka"]}:{ports["kafka"]}"',
        "    volumes:",
        "      - kafka:/var/lib/kafka/data",
        "    environment:",
        *(f'      {name}: "{value}"' for name, value in broker.items()),
        '      KAFKA_LOG_DIRS: "/var/lib/kafka/data"',
        "  jobmanager:",
        "    <<: *flink",
        '    command: ["jobmanager"]',
        "    ports:",
        f'      - "127.0.0.1:{ports["flink_rest"]}:{ports["flink_rest"]}"',
        f"    mem_limit: {memory['job_manager']}m",
    ]
    for number in range(1, stack.task_managers + 1):
        lines += [
            f"  taskmanager-{number}:",
            "    <<: *flink",
            '    command: ["taskmanager"]',
            "    depends_on: [jobmanager, kafka]",
            f"    mem_limit: {memory['task_manager']}m",
        ]
    lines += [
        "  job:",
        "    <<: *flink",
        "    profiles: [job]",
        "    depends_on: [jobmanager, kafka]",
        *("", "volumes:", "  kafka:", "  checkpoints:", ""),
    ]
    return "\n".join(lines)


def _variable(name: str) -> str:
    """A broker setting as the image's environment variable.

    Example:
        >>> _variable("message.max.bytes")
        'KAFKA_MESSAGE_MAX_BYTES'
    """
    return "KAFKA_" + name.upper().replace(".", "_")


def main() -> int:
    """Write the compose file; 1 where it was not up to date."""
    text = render(load())
    stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text
    TARGET.write_text(text, encoding="utf-8")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
