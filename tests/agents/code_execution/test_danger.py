import re

import pytest
from hypothesis import given, settings, strategies as st

from modelport.agents.code_execution import LocalCommandLineCodeExecutor
from modelport.agents.code_execution.danger import check_command

RM = "Use of 'rm -rf' command is not allowed."
MV = "Moving files to /dev/null is not allowed."
DD = "Use of 'dd' command is not allowed."
DISK = "Overwriting disk blocks directly is not allowed."
BOMB = "Fork bombs are not allowed."

# What AutoGen 0.2.40 refuses wherever it stands, and what may stand around it.
REFUSED_THERE = [
    "rm -rf",
    "rm\t-rf",
    "mv a /dev/null",
    "dd",
    "> /dev/sda",
    ">/dev/sdb1",
    ":(){ :|:& };:",
    ":(){:|:&};:",
]
AROUND = ["rm", "-rf", "mv", "/dev/null", "; ", "\n", " ", "a ", "&& ", "'", "\\", "${IFS}", "echo "]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("rm -rf /", RM),
        ("sudo rm -rf build", RM),
        ("cd x && rm  -rf .", RM),
        ("rm -fr build", RM),
        ("rm -Rf build", RM),
        ("rm -rvf build", RM),
        ("rm -r -f build", RM),
        ("rm -f build -r", RM),
        ("rm --recursive --force build", RM),
        ("rm -r --force build", RM),
        ("/bin/rm -rf build", RM),
        ("\\rm -rf build", RM),
        ("r''m -rf build", RM),
        ('"rm" "-rf" build', RM),
        ("rm \\\n-rf build", RM),
        ("rm${IFS}-rf${IFS}build", RM),
        ("ls | xargs rm -rf", RM),
        ("rm -r /", "whole file system"),
        ("rm -r /*", "whole file system"),
        ("rm -R ~", "whole file system"),
        ('rm -r "$HOME"', "whole file system"),
        ("find / -delete", "whole file system"),
        ("find / -name '*' -exec rm {} +", "whole file system"),
        ("mv a.txt /dev/null", MV),
        ("dd if=/dev/zero of=/dev/sda", DD),
        ("echo x > /dev/sda", DISK),
        ("echo x >/dev/sda1", DISK),
        ("echo x >| /dev/nvme0n1", DISK),
        ("echo x | sudo tee /dev/vda", DISK),
        ("shred /dev/mmcblk0", DISK),
        ("mkfs.ext4 /dev/sda1", "Formatting"),
        (":(){ :|:& };:", BOMB),
        (":(){:|:&};:", BOMB),
        (": () { : | : & } ; :", BOMB),
        ("bomb() { bomb | bomb & }; bomb", BOMB),
        ("bomb(){ echo hi\n bomb|bomb&\n}\nbomb", BOMB),
    ],
)
@pytest.mark.parametrize("language", ["bash", "sh", "shell", "BASH"])
def test_a_command_that_plainly_destroys_is_refused(language: str, code: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"Potentially dangerous command detected: .*{re.escape(reason)}"):
        check_command(language, code)


@pytest.mark.parametrize(
    "code",
    [
        "rm a.txt",
        "rm -f a.txt",
        "rm -r build",
        "rm -i report-final.txt",
        "rm a; ls -rf",
        "rm notes\nls -f -r",
        "git add . && git rm cached",
        "mv a b",
        "echo hi > /dev/null 2>&1",
        "add 1 2",
        "find . -name '*.pyc' -delete",
        "ls /dev/sda",
        "f() { echo f | cat & }; f",
        "echo inform -rf",
        "pip install pandas -q",
    ],
)
def test_everyday_commands_pass(code: str) -> None:
    check_command("sh", code)


@pytest.mark.parametrize("language", ["python", "javascript", "html", "", "unknown"])
def test_only_shell_code_is_looked_at(language: str) -> None:
    check_command(language, "rm -rf /")


@pytest.mark.parametrize("code", ["Remove-Item -Recurse -Force C:\\x", "ri -fo -r x", "rm -rf x", "Format-Volume -D C"])
@pytest.mark.parametrize("language", ["ps1", "pwsh", "powershell"])
def test_powershell_has_rules_of_its_own(language: str, code: str) -> None:
    with pytest.raises(ValueError, match="Potentially dangerous command detected"):
        check_command(language, code)


@settings(max_examples=500, deadline=None)
@given(
    before=st.lists(st.sampled_from(AROUND), max_size=6).map("".join),
    command=st.sampled_from(REFUSED_THERE),
    after=st.lists(st.sampled_from(AROUND), max_size=6).map("".join),
)
def test_whatever_autogen_refuses_is_refused(before: str, command: str, after: str) -> None:
    with pytest.raises(ValueError, match="Potentially dangerous command detected"):
        check_command("sh", f"{before} {command} {after}")


@pytest.mark.parametrize("piece", ["rm ", "rm -r ", "mv ", "f(){ ", "a" * 10, "> ", " ", "find / "])
def test_a_long_hostile_text_takes_no_time(piece: str) -> None:
    check_command("sh", piece * 10_000)


def test_the_executor_has_it_by_autogens_name() -> None:
    with pytest.raises(ValueError, match="dangerous command"):
        LocalCommandLineCodeExecutor.sanitize_command("bash", "rm -rf /")
