"""The command line: `yrd COMMAND`. One module a command; heavy libraries load inside functions."""

import importlib
import sys
from collections.abc import Mapping
from types import MappingProxyType

import typer
from pydantic import ValidationError

from yrd.logs import configure
from yrd.settings import Settings

# command -> (module, help). A module loads only when its command is called. It offers a function of
# the command's name, or `app`, a typer application, where the command is a group.
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "demo": (
            "yrd.cli.demo",
            "Run the whole path on simulated reports; show the result.",
        ),
        "simulate": ("yrd.cli.simulate", "Write a simulated market as a tape of submissions."),
        "replay": ("yrd.cli.replay", "Run a tape through intake, job, ledger and rules."),
        "score": ("yrd.cli.score", "Compare a run's alerts with the tape's labels."),
        "ask": ("yrd.cli.ask", "Ask the published ledger a question in SQL or by a view's name."),
        "alert": ("yrd.cli.alert", "List, explain and verify alerts; why not; outcomes."),
        "quality": ("yrd.cli.quality", "Validation rules and the checkpoint of a closed day."),
        "feed": ("yrd.cli.feed", "List, show, draft, check and repair the feeds."),
        "submission": ("yrd.cli.submission", "Send submissions; say what became of them."),
        "quarantine": ("yrd.cli.quarantine", "List and show what is quarantined or held."),
        "rule": ("yrd.cli.rule", "List, show, try, score and draft the risk rules."),
        "up": ("yrd.cli.live", "Start the live stack: a Kafka broker and a Flink cluster."),
        "down": ("yrd.cli.live", "Stop the live stack that `up` started, and nothing else."),
        "status": ("yrd.cli.live", "Say whether the live stack runs."),
    }
)


def build(name: str) -> typer.Typer:
    """Load one command's module as a typer application."""
    _own_rules()
    module = importlib.import_module(COMMANDS[name][0])
    if hasattr(module, "app"):
        app: typer.Typer = module.app
    else:
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command()(getattr(module, name))
    app.rich_markup_mode = None  # plain help: paragraphs wrap at any width
    return app


def _own_rules() -> None:
    """Let the rules of YRD_RULES join, before any command asks for rules."""
    folders = Settings().rule_folders
    if folders or "pipelines.rules.registry" in sys.modules:
        registry = importlib.import_module("pipelines.rules.registry")
        registry.use_folders(folders)


def main() -> None:
    """Run `yrd`: pick the command's module, so that no other command's libraries load."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("--help", "-h"):
        width = max(map(len, COMMANDS))
        lines = [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
        lines.insert(0, "Usage: yrd COMMAND [OPTIONS]\n\nTrade repository and joint supervision.\n")
        typer.echo("\n".join([*lines, "", "Each command explains itself: yrd COMMAND --help"]))
        raise SystemExit(0 if arguments else 2)
    if arguments[0] not in COMMANDS:
        typer.echo(f"yrd: no command {arguments[0]!r}; `yrd --help` lists them", err=True)
        raise SystemExit(2)
    configure(_settings())
    build(arguments[0])(args=arguments[1:], prog_name=f"yrd {arguments[0]}")


def _settings() -> Settings:
    """The settings; a variable that cannot be used is one line and exit code 2."""
    try:
        return Settings()
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            name = "_".join(["YRD", *map(str, one["loc"])]).upper()
            typer.echo(f"yrd: {name}: {one['msg'].lower()}; see docs/settings.md", err=True)
        raise SystemExit(2) from None
