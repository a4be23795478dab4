"""A certificate as one self-contained page."""

from html import escape

from connectors.kit.certificate import Certificate, Step

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem;
  color: #1b1f24; background: #fff }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
.verdict { font-weight: 700; padding: .1rem .6rem; border-radius: .3rem; color: #fff }
.yes { background: #1a7f37 } .no { background: #b42318 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top;
  padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #d8dee4; overflow-wrap: anywhere }
code { font-size: .9em } ul { margin: .2rem 0; padding-left: 1.2rem } .note { color: #57606a }
.n { text-align: right; font-variant-numeric: tabular-nums }
"""


def page(certificate: Certificate) -> str:
    """The scorecard, counts, what was not accepted, and what became of each source field."""
    verdict = "passed" if certificate.passed else "not passed"
    colour = "yes" if certificate.passed else "no"
    speed = certificate.throughput
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f"<title>Certificate of {escape(certificate.feed)}</title><style>{_STYLE}</style>",
        f"<h1>Certificate of feed {escape(certificate.feed)} "
        f'<span class="verdict {colour}">{verdict}</span></h1>',
        f"<p>Spec <code>{certificate.spec}</code>, schema {certificate.schema}.",
        f"{speed.get('cpu_us_per_record', 0):,.1f} CPU µs a record.</p>" if speed else "</p>",
        "<h2>Steps</h2><table>",
        *(_step(step) for step in certificate.steps),
        "</table>",
        "<h2>Records</h2><table>",
        *(f"<tr><td>{escape(n)}<td class=n>{v:,}" for n, v in certificate.counts.items()),
        "</table>",
        *_rejects(certificate),
        "<h2>Source fields</h2><table><tr><th>field<th>became<th>reason or column<th>records",
        *(
            f"<tr><td><code>{escape(str(f['path']))}</code><td>{f['status']}"
            f"<td>{escape(str(f['told']))}<td class=n>{f['records']:,}"
            for f in certificate.fields
        ),
        "</table><h2>Files</h2><table><tr><th>file<th>SHA-256<th>bytes",
        *(
            f"<tr><td>{escape(str(f['name']))}<td><code>{f['sha256']}</code>"
            f"<td class=n>{f['size']:,}"
            for f in certificate.files
        ),
        "</table></html>",
    ]
    return "\n".join(parts)


def _step(step: Step) -> str:
    mark = '<span class="verdict yes">yes</span>' if step.passed else (
        '<span class="verdict no">no</span>')  # fmt: skip
    items = [f"<li>{escape(one)}" for one in step.open]
    items += [f"<li class=note>{escape(one)}" for one in step.notes]
    told = f"<ul>{''.join(items)}</ul>" if items else ""
    return f"<tr><td>{mark}<td>{escape(step.name)}<td>{escape(step.told)}{told}"


def _rejects(certificate: Certificate) -> list[str]:
    if not certificate.rejects:
        return []
    head = "<h2>Findings</h2><table><tr><th>outcome<th>rule<th>field<th>records<th>first at"
    rows = [
        f"<tr><td>{escape(one['outcome'])}<td>{escape(one['rule'])}<td>{escape(one['field'])}"
        f"<td class=n>{one['records']:,}<td>{escape(', '.join(one['locators']))}"
        f"<br><span class=note>expected {escape(str(one['expected']))}</span>"
        for one in certificate.rejects
    ]
    return [head, *rows, "</table>"]
