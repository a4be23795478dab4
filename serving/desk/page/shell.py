"""One self-contained page around a body: banner of the data's origin, one stylesheet, no script."""

import base64
import hashlib

from markupsafe import Markup

from serving.desk.svg.mark import both, el


def page(
    title: tuple[str, str], origin: tuple[str, str, str, str, str], css: str, body: Markup
) -> str:
    """HTML as text; its own content security policy allows its one stylesheet and nothing else.

    Args:
        title: In Chinese and in English.
        origin: Class of the banner, its word in Chinese and in English, its sentence likewise.
        css: The stylesheet.
        body: What the page says, escaped.
    """
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    look, zh_word, en_word, zh, en = origin
    head = el(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),  # noqa: S704
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="referrer" content="no-referrer">'),
        el("title", f"{en_word} · {title[0]} {title[1]}"),
        Markup('<link rel="icon" href="data:,">'),
        Markup(f"<style>{css}</style>"),  # noqa: S704 - our own files
    )
    banner = el(
        "p",
        el("strong", f"{zh_word} {en_word}"),
        " · ",
        both(zh, en),
        class_=f"origin {look}",
        role="note",
    )
    top = el(
        "header", el("h1", title[0], el("span", title[1], lang="en", class_="en")), class_="top"
    )
    main = el("main", body, id="main")
    whole = el("html", head, el("body", banner, top, main), lang="zh-Hans")
    return f"<!DOCTYPE html>\n{whole}\n"
