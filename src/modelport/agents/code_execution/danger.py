"""A look for shell commands that destroy: removing trees by force, overwriting disks, fork bombs.

It stops accidents and the plainest tricks, not an author who means harm: a shell has endless ways to say one thing.
Knows no process: it reads text.
"""

import re

__all__ = ("check_command",)

_SHELLS = frozenset({"bash", "sh", "shell", "zsh"})
_POWERSHELLS = frozenset({"powershell", "ps1", "pwsh"})

_RM = "Use of 'rm -rf' command is not allowed."
_MV = "Moving files to /dev/null is not allowed."
_DD = "Use of 'dd' command is not allowed."
_DISK = "Overwriting disk blocks directly is not allowed."
_BOMB = "Fork bombs are not allowed."
_FORMAT = "Formatting or wiping a disk is not allowed."
_ROOT = "Removing the whole file system or home folder is not allowed."

_DISKS = r"/dev/(?:sd[a-z]|hd[a-z]|vd[a-z]|xvd[a-z]|nvme\d|mmcblk\d|disk\d|mapper/|loop\d|md\d)"

# Within one command: up to the next separator. Bounded, so that a long hostile line costs no more than its length.
_ARGS = r"[^\n;|&]{0,400}?"
_RECURSIVE = rf"{_ARGS}\s-(?:[a-zA-Z]*[rR]|-r[ecursiv]*\b)"
_TOP = r"(?:/|~|\$\{?HOME\}?)"
_GAP = r"\s{0,9}"
_CALLS_ITSELF = rf"(?<![\w:.])(?P=name){_GAP}\|{_GAP}(?P=name){_GAP}&"

_SHELL_RULES: tuple[tuple[str, str], ...] = (
    (r"\brm\s{1,400}-rf\b", _RM),
    # -rf in any order, spelling and place: -fr, -Rf, -r -f, --recursive --force.
    (rf"\brm\b(?={_RECURSIVE})(?={_ARGS}\s-(?:[a-zA-Z]*f|-f[orce]*\b))", _RM),
    (
        rf"\brm\b(?={_RECURSIVE}){_ARGS}\s{_TOP}(?:/?\*)?/?(?=\s|$|[;&|])",
        _ROOT,
    ),
    (rf"\bfind\s+{_TOP}/?\s[^\n;]{{0,400}}?(?:-delete\b|-exec\s+rm\b)", _ROOT),
    (r"\bmv\b[^\n]{0,1000}?\s{1,400}?/dev/null", _MV),
    (r"\bdd\b", _DD),
    (rf">\|?\s*{_DISKS}", _DISK),
    (rf"\b(?:tee|cp|shred|truncate|wipefs|blkdiscard)\b{_ARGS}\s{_DISKS}", _DISK),
    (r"\bmkfs(?:\.\w+)?\b", _FORMAT),
    # name() { name | name & }; in any spacing, under any name.
    (
        rf"(?P<name>[\w:.]{{1,64}}){_GAP}\(\){_GAP}\{{[^}}]{{0,400}}?{_CALLS_ITSELF}",
        _BOMB,
    ),
)

_POWERSHELL_RULES: tuple[tuple[str, str], ...] = (
    (rf"\b(?:remove-item|ri|rm|rmdir|rd|del|erase)\b(?={_ARGS}\s-r)(?={_ARGS}\s-fo?r?c?e?\b)", _RM),
    (r"\b(?:format-volume|clear-disk|initialize-disk)\b", _FORMAT),
    (r"\brm\s+-rf\b", _RM),
)


def check_command(lang: str, code: str) -> None:
    """Refuse *code* in a shell's language when it holds a destructive command.

    What AutoGen 0.2's ``sanitize_command`` refuses is refused here in the same words, other spellings of it too: flags
    in another order, quotes or backslashes inside a word, a line broken in two, ``${IFS}`` for a blank.

    Raises:
        ValueError: it does; the message names the rule.
    """
    language = lang.lower()
    if language in _SHELLS:
        rules, flags = _SHELL_RULES, re.NOFLAG
    elif language in _POWERSHELLS:
        rules, flags = _POWERSHELL_RULES, re.IGNORECASE
    else:
        return
    for text in (code, _plain(code)):
        for pattern, reason in rules:  # compiled when first used: most programs run no shell's code
            if re.search(pattern, text, flags):
                raise ValueError(f"Potentially dangerous command detected: {reason}")


def _plain(code: str) -> str:
    """*code* as the shell would read it: without what only hides a word from a reader."""
    text = re.sub(r"\\\r?\n", "", code)
    text = re.sub(r"\$\{?IFS\}?", " ", text)
    text = re.sub(r"\$['\"]", "", text)
    return re.sub(r"['\"`\\]|\$@|\$\*|\$\{\}", "", text)
