"""The runner of documentation pages: a page that lies must fail."""

import os
from pathlib import Path

import pytest

from tests.pages import pages


def run_page(text: str, folder: Path) -> None:
    """Runs a page of this text, top to bottom."""
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    runner = pages()
    document = runner.parse(page)
    assert runner.setup is not None
    assert runner.teardown is not None
    runner.setup(document.namespace)
    try:
        for example in document.examples():
            example.evaluate()
    finally:
        runner.teardown(document.namespace)


@pytest.mark.parametrize(
    "page",
    [
        "```python\nx = 1\n```\n\ntext\n\n```python\nassert x == 1\n```\n",
        "```python\nprint('one two')\n```\n\n```output\none ...\n```\n",
        "```python\n# file: models/mine.py\nX = 3\n```\n\n```python\nfrom models.mine import X\nassert X == 3\n```\n",
        "```python\nimport asyncio\nawait asyncio.sleep(0)\n```\n",
        "```console\n$ echo one && echo two\none\n...\n$ true\n```\n",
        "```console\n$ echo one \\\n>   two\none two\n```\n",
        "```console\n$ python3 -c 'import sys; sys.exit(\"no such thing\")'\nno such thing\n```\n",
        "```console\n$ sh -c 'echo ready; sleep 60' &\nready\n$ echo next\nnext\n```\n",
        "```python\nprint('http://127.0.0.1:8000/v1')\n```\n\n```output\nhttp://127.0.0.1:8000/v1\n```\n",
        "```toml\n# file: a.toml\nb = 1\n```\n\n```console\n$ cat a.toml\nb = 1\n```\n",
        "```toml\nb = not for running\n```\n",
        "```sh\nfalse\n```\n",
        "<!-- skip: next -->\n\n```python\nraise SystemExit\n```\n",
    ],
)
def test_a_page_that_tells_the_truth_passes(page: str, tmp_path: Path) -> None:
    here = Path.cwd()

    run_page(page, tmp_path)

    assert Path.cwd() == here


@pytest.mark.parametrize(
    "page",
    [
        "```python\nassert False\n```\n",
        "```python\nprint('one')\n```\n\n```output\ntwo\n```\n",
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ echo dead &\nready\n```\n",
    ],
)
def test_a_page_that_lies_fails(page: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        run_page(page, tmp_path)


def test_a_traceback_names_the_line_of_the_page(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run_page("# Title\n\n```python\nx = 1\nx / 0\n```\n", tmp_path)

    assert caught.traceback[-1].lineno + 1 == 5


def test_the_ports_of_a_page_are_free_ones_and_the_same_all_through_it(tmp_path: Path) -> None:
    run_page(
        "```console\n$ echo --port 8001 :8001 :8000 :18001 > " + str(tmp_path / "ports") + "\n```\n\n"
        "```python\nwhole = 8001\n```\n\n```console\n$ echo :8001 >> " + str(tmp_path / "ports") + "\n```\n",
        tmp_path,
    )

    _, first, second, other, untouched, again = (tmp_path / "ports").read_text().split()
    assert f":{first}" == second == again != ":8001"
    assert other not in {second, ":8000"}
    assert untouched == ":18001"


def test_a_background_process_ends_with_its_page(tmp_path: Path) -> None:
    run_page(
        "```console\n$ sh -c 'echo $$ > " + str(tmp_path / "pid") + "; echo ready; sleep 60' &\nready\n```\n", tmp_path
    )

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
