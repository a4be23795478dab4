"""`yrd feed check SPEC_OR_NAME FILES...`: the conformance certificate."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yrd.cli.common import NEGATIVE, Json, emit, guarded, stdout

if TYPE_CHECKING:
    from connectors.engine.spec import Feed
    from connectors.kit.certificate import Certificate

_SHOWN = 12  # lines of one step on the screen


def check(
    spec: Annotated[
        str,
        typer.Argument(metavar="SPEC_OR_NAME", help="A spec, its folder, or a feed's name."),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]...", help="Submissions; default the feed's own examples."),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page here.")] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="Write the certificate here; default YRD_VAR/certificates/<hash>.json."),
    ] = None,
    ship: Annotated[
        bool,
        typer.Option("--ship", help="Write it beside the spec, without times, to ship with it."),
    ] = False,
    rejected: Annotated[
        float, typer.Option(help="Share of records that may be rejected.", min=0, max=1)
    ] = 0.05,
    submitter: Annotated[
        str | None, typer.Option(help="Institution the files count as sent by.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try a feed on real files and write its certificate: every promise a feed makes, one by one.

    Every source field accounted for; types and units; code lists; what the market requires; key
    and visibility; outcomes with the reasons; the same result in any order; nobody in clear in any
    output, answer or log; the feed's examples; time zones. Nothing is loaded anywhere. Throughput
    is CPU time of the engine. The certificate names the spec's hash and that of each file.

    Exit status: 0 passed; 1 not passed; 2 a spec or file that cannot be used.
    """
    with guarded():
        from connectors.kit.certificate import BESIDE, write
        from connectors.kit.check import check as tried
        from connectors.kit.page import page
        from yrd.processes.trying import certificates, trial
        from yrd.settings import Settings

        settings = Settings()
        feed = find(spec, settings.feed_folders)
        made = tried(feed, read(feed, files or []), trial(submitter, rejected))
        path = certificate or certificates(settings.var) / f"{feed.version}.json"
        path = feed.folder / BESIDE if ship else path
        write(made, path, throughput=not ship)
        if html is not None:
            html.write_text(page(made), encoding="utf-8")
        if as_json:
            emit(made.as_dict() | {"certificate": str(path)}, as_json)
        else:
            show(made, path)
        if not made.passed:
            raise typer.Exit(NEGATIVE)


def find(spec: str, folders: Sequence[Path]) -> "Feed":
    """The feed of a name, a spec file or a feed's folder; a draft with undecided fields too.

    Raises:
        InputError: there is none.
    """
    from connectors.engine.spec import load
    from connectors.feeds.registry import SPEC, load_feeds
    from schemas.errors import InputError

    path = Path(spec)
    path = path / SPEC if path.is_dir() else path
    if path.is_file():
        return load(path, draft=True)
    feeds = load_feeds(folders)
    if spec not in feeds:
        raise InputError(
            f"feed {spec!r}: expected a spec file, a folder with one, or one of {', '.join(feeds)}"
        )
    return feeds[spec]


def read(feed: "Feed", files: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Names and bytes of files; of the feed's own plain examples where none are given.

    Raises:
        InputError: a file cannot be read, or there is none.
    """
    from connectors.kit.examples import plain
    from schemas.errors import InputError

    out = []
    for path in files or plain(feed):
        try:
            out.append((path.name, path.read_bytes()))
        except OSError:
            raise InputError(f"{path}: expected a file that can be read") from None
    return out


def show(made: "Certificate", path: Path) -> None:
    """The scorecard on the screen."""
    from rich.markup import escape

    verdict = "[bold green]passed[/]" if made.passed else "[bold red]not passed[/]"
    stdout.print(f"feed {made.feed}, spec {made.spec}: {verdict}", highlight=False)
    for step in made.steps:
        mark = "[green]yes[/]" if step.passed else "[red]no [/]"
        stdout.print(f"  {mark} {step.name:<17} {escape(step.told)}", highlight=False)
        lines = [f"- {one}" for one in step.open] + [f"  {one}" for one in step.notes]
        for line in lines[:_SHOWN]:
            stdout.print(f"        {line}", markup=False, highlight=False, soft_wrap=True)
        if len(lines) > _SHOWN:
            stdout.print(f"        ... {len(lines) - _SHOWN} more in --json and --html")
    if made.throughput:
        stdout.print(
            f"  {made.throughput['cpu_us_per_record']:,.1f} CPU us a record, "
            f"{made.throughput['cpu_ns_per_byte']:,.1f} ns a byte (of {made.throughput['records']} "
            "records: few records cost more each)",
            highlight=False,
        )
    stdout.print(f"certificate: {path}", markup=False, highlight=False, soft_wrap=True)
