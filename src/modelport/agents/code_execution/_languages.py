"""Which program runs a language's files, and how pip is kept quiet. Starts nothing."""

import re

from modelport.agents.code_execution.extraction import PYTHON_VARIANTS

DEFAULT_EXECUTION_POLICY = {
    "bash": True,
    "shell": True,
    "sh": True,
    "pwsh": True,
    "powershell": True,
    "ps1": True,
    "python": True,
    "javascript": False,
    "html": False,
    "css": False,
}
_POWERSHELL = ("ps1", "pwsh", "powershell")
_PIP = {
    "python": re.compile(r"^! ?pip install"),
    **dict.fromkeys(("bash", "shell", "sh", *_POWERSHELL), re.compile(r"^pip install")),
}


def program_for(lang: str, path: str | None) -> str:
    """The name of the program for *lang*; *path* is where programs are looked for.

    Raises:
        NotImplementedError: there is none for that language.
    """
    if lang in PYTHON_VARIANTS:
        return "python"
    if lang.startswith("python") or lang in {"bash", "sh"}:
        return lang
    if lang == "shell":
        return "sh"
    if lang == "javascript":
        return "node"
    if lang in _POWERSHELL:
        import shutil

        return "powershell" if shutil.which("powershell", path=path) else "pwsh"
    raise NotImplementedError(f"{lang} not recognized in code execution")


def quiet_pip(code: str, lang: str) -> str:
    """*code* with ``-qqq`` after each ``pip install`` that begins a line: its progress is no output of the code."""
    pattern = _PIP.get(lang)
    if pattern is None:
        return code
    return "\n".join(
        pattern.sub(lambda found: f"{found[0]} -qqq", line) if "-qqq" not in line else line for line in code.split("\n")
    )
