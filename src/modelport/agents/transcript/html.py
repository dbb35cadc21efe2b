"""A chat as one file that a browser shows: nothing in it runs, nothing is fetched. Knows no terminal."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from modelport.agents.transcript.facts import clock, facts, models_in_words, totals
from modelport.agents.transcript.style import STYLE
from modelport.agents.transcript.view import Call, Image, Piece, Text, View, views
from modelport.agents.turns import Turn

__all__ = ("escape", "html_transcript", "write_html")

_PEEK = 60  # characters of a folded text that show
_HUES = 6  # classes a0 to a5 of the style, for agents in the order in which they appear

# Characters that HTML has no place for, as the signs that stand for them.
_SIGNS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {0x7F: 0x2421}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;"}
_TABLE = str.maketrans(
    {
        **{chr(code): chr(sign) for code, sign in _SIGNS.items()},
        **{chr(code): "\ufffd" for code in (*range(0x80, 0xA0), 0xFFFE, 0xFFFF)},
        **_ESCAPES,
    }
)


def html_transcript(
    turns: Iterable[Turn],
    *,
    title: str = "Chat",
    summary: object = None,
    cost: Mapping[str, Mapping[str, Any]] | None = None,
    longest: int | None = None,
) -> str:
    """A chat as a page of its own: who said what to whom, what it took, tool calls folded, and the totals.

    *summary* and *cost* are those of a ``ChatResult``. Texts are cut to *longest* characters. Whatever an agent said is
    text on the page. Pictures are shown if their bytes are in the message (a ``data:`` URL of PNG, JPEG, GIF, WebP, BMP
    or AVIF); others are named. The page forbids scripts and requests of any kind.
    """
    turns = list(turns)
    hues: dict[str, int] = {}
    articles = "\n".join(
        _article(number, view, hues) for number, view in enumerate(views(turns, longest=longest), start=1)
    )
    end = "" if not summary else f"<section><h2>Summary</h2>\n{_prose(str(summary))}</section>\n"
    rows = [*totals(turns), *models_in_words(cost)]
    table = "\n".join(f'<tr><th scope="row">{escape(label)}</th><td>{escape(value)}</td></tr>' for label, value in rows)
    return (
        f"{_head(title)}<body>\n<header><h1>{escape(title)}</h1></header>\n<main>\n{articles}\n</main>\n"
        f"<footer>\n{end}<section><h2>In all</h2>\n<table>\n{table}\n</table></section>\n</footer>\n</body>\n</html>\n"
    )


def write_html(
    path: str | os.PathLike[str],
    turns: Iterable[Turn],
    *,
    title: str = "Chat",
    summary: object = None,
    cost: Mapping[str, Mapping[str, Any]] | None = None,
    longest: int | None = None,
) -> None:
    """Write :func:`html_transcript` to *path*, whole or not at all.

    Raises:
        OSError: *path* cannot be written; what was there before still is.
    """
    page = html_transcript(turns, title=title, summary=summary, cost=cost, longest=longest)
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        with unfinished.open("x", encoding="utf-8", newline="\n") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def escape(text: str) -> str:
    """*text* as text of a page, in an element or in a quoted attribute."""
    return text.replace("\r\n", "\n").translate(_TABLE).encode("utf-8", "replace").decode("utf-8")


def _head(title: str) -> str:
    from base64 import b64encode
    from hashlib import sha256

    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
    )


def _article(number: int, view: View, hues: dict[str, int]) -> str:
    hue = hues.setdefault(view.sender, len(hues) % _HUES)
    took = [
        f"<time>{escape(clock(view.turn.time))}</time>",
        *(f"<span>{escape(fact)}</span>" for fact in facts(view.turn)),
    ]
    body = "\n".join(map(_piece, view.pieces)) or '<p class="none">no content</p>'
    return (
        f'<article id="turn-{number}" class="a{hue}">\n<header><a href="#turn-{number}">{number}</a> '
        f"<b><bdi>{escape(view.sender)}</bdi></b> → <bdi>{escape(view.recipient)}</bdi>\n"
        f'<p class="facts">{" ".join(took)}</p></header>\n{body}\n</article>'
    )


def _piece(piece: Piece) -> str:
    if isinstance(piece, Text):
        return _prose(piece.text)
    if isinstance(piece, Image):
        caption = escape(piece.caption)
        if piece.url is None:
            return f'<p class="image">[{caption}]</p>'
        return f'<figure><img alt="{caption}" src="{escape(piece.url)}"><figcaption>{caption}</figcaption></figure>'
    kind, verb = ("call", "calls") if isinstance(piece, Call) else ("result", "result of")
    text = piece.arguments if isinstance(piece, Call) else piece.text
    return (
        f'<details class="{kind}"><summary>{verb} <code>{escape(piece.name)}</code> '
        f'<span class="peek"><bdi>{escape(_peek(text))}</bdi></span></summary>\n{_code(text)}</details>'
    )


def _peek(text: str) -> str:
    line = " ".join(text[: 4 * _PEEK].split())
    return line if len(line) <= _PEEK else f"{line[:_PEEK]}…"


def _prose(text: str) -> str:
    """Paragraphs as they were written, code blocks between fences as code."""
    blocks: list[str] = []
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if fence and line.strip().startswith(fence) and not line.strip(" `"):
            blocks.append(_code("\n".join(lines)))
            fence, lines = "", []
        elif not fence and line.lstrip().startswith("```"):
            blocks += _paragraph(lines)
            stripped = line.strip()
            fence, lines = "`" * (len(stripped) - len(stripped.lstrip("`"))), []
        else:
            lines.append(line)
    blocks += [_code("\n".join(lines))] if fence else _paragraph(lines)
    return "\n".join(blocks)


def _paragraph(lines: list[str]) -> list[str]:
    text = "\n".join(lines).strip("\n")
    return [f'<p class="said" dir="auto">{escape(text)}</p>'] if text.strip() else []


def _code(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>" if text else '<p class="none">nothing</p>'
