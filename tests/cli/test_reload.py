"""``modelport serve --reload``: which folders a spec's code lies in."""

from pathlib import Path

import pytest

from modelport.cli._reload import roots_of, watch_of
from modelport.errors import ConfigError
from modelport.server.reload import Source


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("alone.py", "pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/mine.py", "models/dropped.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("spec", "folders"),
    [
        ("alone.py:Mine", ["."]),
        ("alone.py", ["."]),
        ("./alone.py:Mine", ["."]),
        ("pkg/sub/mine.py:Mine", ["pkg"]),
        ("pkg.sub.mine:Mine", ["pkg"]),
        ("alone:Mine", ["."]),
        ("dropped", ["models"]),
        ("eliza", []),
        ("remote:http://127.0.0.1:8000", []),
        ("json:loads", []),
        ("pytest:Item", []),
    ],
)
def test_the_code_of_a_spec_lies_where_it_would_be_loaded_from(spec: str, folders: list[str], home: Path) -> None:
    assert [Path(root) for root in roots_of(spec)] == [(home / each).resolve() for each in folders]


def test_a_models_directory_of_ones_own_is_watched(home: Path) -> None:
    (home / "others").mkdir()

    assert roots_of("dropped", "others") == (str((home / "others").resolve()),)


def test_a_file_that_is_a_link_is_watched_at_both_ends(home: Path) -> None:
    (home / "links").mkdir()
    (home / "links" / "linked.py").symlink_to(home / "pkg" / "sub" / "mine.py")

    assert {Path(root).name for root in roots_of("links/linked.py:Mine")} == {"links", "pkg"}


def test_nothing_is_imported_to_find_out(home: Path) -> None:
    (home / "pkg" / "__init__.py").write_text("raise SystemExit('imported')", encoding="utf-8")

    assert roots_of("pkg.sub.mine:Mine")


@pytest.mark.parametrize("isolation", ["thread", "inline"])
def test_models_that_share_the_servers_process_cannot_be_reloaded(isolation: str, home: Path) -> None:
    with pytest.raises(ConfigError, match="replaces worker processes"):
        watch_of([Source("alone.py", (str(home),))], isolation)


def test_there_must_be_something_to_watch() -> None:
    with pytest.raises(ConfigError, match="nothing to watch: eliza"):
        watch_of([Source("eliza")], "auto")
