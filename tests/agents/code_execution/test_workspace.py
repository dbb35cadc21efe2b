import sys
from pathlib import Path

import pytest

from modelport.agents.code_execution.workspace import OutsideWorkspace, confine, named_file, temporary_name, write_code


@pytest.mark.parametrize(
    ("first", "name"),
    [
        ("# filename: plot.py", "plot.py"),
        ("# filename:plot.py", "plot.py"),
        ("  # filename: my plot.py  ", "my plot.py"),
        ("// filename: app.js", "app.js"),
        ("<!-- filename: a/index.html -->", "a/index.html"),
        ("/* filename: main.css */", "main.css"),
        ("# plot.py", "plot.py"),
        ("# src/plot.py", "src/plot.py"),
        ("# filename: ../x", "../x"),
        ("# ../x.py", "../x.py"),
        ("print(1)  # filename: plot.py", None),
        ("#!/usr/bin/env python3.11", None),
        ("# Plot the data", None),
        ("# read a/b and plot it.", None),
        ("# e.g. this", None),
        ("", None),
    ],
)
def test_the_first_line_may_name_the_file(first: str, name: str | None) -> None:
    assert named_file(f"{first}\nprint(1)") == name


def test_the_same_code_has_the_same_name() -> None:
    assert temporary_name("print(1)", "py") == "tmp_code_186bdbe41e79ea696410ba0a9e8d2762.py"


@pytest.mark.parametrize("name", ["a.py", "./a.py", "b/../a.py", "b/c/d.py", "...", "a b.py", "-c", "ü.py"])
def test_a_name_inside_the_folder_is_a_path_inside(name: str, tmp_path: Path) -> None:
    path = confine(name, tmp_path)

    assert path == (tmp_path / name).resolve()
    assert path.is_relative_to(tmp_path.resolve())


def test_an_absolute_path_inside_the_folder_is_fine(tmp_path: Path) -> None:
    assert confine(str(tmp_path / "a.py"), tmp_path) == tmp_path.resolve() / "a.py"


@pytest.mark.parametrize(
    "name",
    [
        "../a.py",
        "..",
        "b/../../a.py",
        "/etc/cron.d/a",
        "..\\a.py",
        "C:\\a.py",
        "c:a.py",
        "\\\\server\\share\\a.py",
        ".",
        "",
        "a\0b.py",
        "x" * 5000,
    ],
)
def test_a_name_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        OutsideWorkspace, match=r"Filename is not in the workspace: .* was refused, .*relative path below"
    ):
        confine(name, tmp_path)


def test_a_folder_whose_name_begins_the_same_is_outside(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()

    with pytest.raises(OutsideWorkspace):
        confine(str(tmp_path / "work-other" / "a.py"), work)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
class TestLinks:
    def test_a_link_to_a_file_outside_is_refused(self, tmp_path: Path) -> None:
        work = tmp_path / "work"
        work.mkdir()
        (work / "a.py").symlink_to(tmp_path / "victim")

        with pytest.raises(OutsideWorkspace, match="victim"):
            confine("a.py", work)

    def test_a_link_to_a_folder_outside_is_refused(self, tmp_path: Path) -> None:
        work = tmp_path / "work"
        work.mkdir()
        (work / "sub").symlink_to(tmp_path)

        with pytest.raises(OutsideWorkspace):
            confine("sub/a.py", work)

    def test_links_in_a_circle_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to(tmp_path / "b")
        (tmp_path / "b").symlink_to(tmp_path / "a")

        with pytest.raises((OutsideWorkspace, OSError)):
            write_code(confine("a", tmp_path), "x")

    def test_a_link_that_appears_after_the_check_is_not_followed(self, tmp_path: Path) -> None:
        victim = tmp_path / "victim"
        victim.write_text("precious")
        path = confine("a.py", tmp_path)
        path.symlink_to(victim)

        with pytest.raises(OSError, match=r"a\.py"):
            write_code(path, "overwritten")

        assert victim.read_text() == "precious"

    def test_a_work_folder_that_is_itself_a_link_is_fine(self, tmp_path: Path) -> None:
        real = tmp_path / "real"
        real.mkdir()
        (tmp_path / "work").symlink_to(real)

        assert confine("a.py", tmp_path / "work") == real.resolve() / "a.py"


def test_code_is_written_as_it_is_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.py"

    write_code(path, "Grüße\r\n\ud800")

    assert path.read_bytes() == b"Gr\xc3\xbc\xc3\x9fe\r\n\xed\xa0\x80"


def test_a_shorter_file_replaces_a_longer_one(tmp_path: Path) -> None:
    write_code(tmp_path / "a.py", "a long text")
    write_code(tmp_path / "a.py", "short")

    assert (tmp_path / "a.py").read_text() == "short"
