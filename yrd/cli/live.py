"""`yrd up`, `yrd down`, `yrd status`: the live stack, a Kafka broker and a Flink cluster."""

from typing import Annotated

import typer

from yrd.cli.common import NEGATIVE, Json, emit, guarded, stderr
from yrd.settings import Settings

Native = Annotated[bool, typer.Option("--native", help="Without Docker, even where Docker runs.")]


def up(native: Native = False, as_json: Json = False) -> None:
    """Start a Kafka broker and a Flink cluster of two task managers, and make the topics.

    With Docker where it runs, else on this machine itself: Maven fetches the broker, Java and
    Flink come with the project's own packages. Nothing is started twice. Everything listens on
    127.0.0.1 only and lives in the folder `stack` of the settings' `var`.

    Exit status: 0 it runs, 2 a part of it does not start (its log is named), 3 neither Docker nor
    Maven is there.
    """
    with guarded():
        settings = Settings()
        stack_folder = settings.var / "stack"
        from deploy.docker import ComposeStack, docker_runs
        from deploy.stack import load

        if not native and docker_runs():
            ComposeStack(load()).up()
            result: dict[str, object] = {"transport": "docker", "servers": load().servers}
        else:
            from deploy.native import NativeStack

            stack = NativeStack(load(), stack_folder, settings.java_home)
            stderr.print("starting the broker and the cluster; the first time takes a minute")
            processes = stack.up()
            result = {
                "transport": "native",
                "servers": stack.stack.servers,
                "flink": f"http://{stack.stack.rest}",
                "folder": str(stack.folder),
                "processes": {process.name: process.pid for process in processes},
            }
        emit(
            result,
            as_json,
            text=f"The live stack runs: broker at {result['servers']}.\n"
            "Next: yrd replay --live TAPE; yrd down stops it.",
        )


def down(as_json: Json = False) -> None:
    """Stop what `yrd up` started, and nothing else. Data and jars stay in their folder.

    Exit status: 0, also where nothing was running.
    """
    with guarded():
        from deploy.docker import ComposeStack, docker_runs
        from deploy.native import NativeStack
        from deploy.stack import load

        settings = Settings()
        ended = NativeStack(load(), settings.var / "stack", settings.java_home).down()
        if docker_runs():
            ComposeStack(load()).down()
        text = f"Stopped: {', '.join(ended)}." if ended else "Nothing was running."
        emit({"stopped": ended}, as_json, text=text)


def status(as_json: Json = False) -> None:
    """Say what of the live stack runs.

    Exit status: 0 all of it runs, 1 something of it does not.
    """
    with guarded():
        from deploy import flink
        from deploy.native import NativeStack
        from deploy.stack import load

        settings = Settings()
        stack = NativeStack(load(), settings.var / "stack", settings.java_home)
        processes = {process.name: process.alive for process in stack.processes()}
        cluster = flink.ask(stack.stack, "/overview")
        result = {
            "processes": processes,
            "task_slots": (cluster or {}).get("slots-total", 0),
            "jobs_running": (cluster or {}).get("jobs-running", 0),
        }
        lines = [f"{name}: {'runs' if alive else 'ended'}" for name, alive in processes.items()]
        lines.append(f"task slots: {result['task_slots']}, running jobs: {result['jobs_running']}")
        emit(result, as_json, text="\n".join(lines))
        if cluster is None or not all(processes.values()):
            raise typer.Exit(NEGATIVE)
