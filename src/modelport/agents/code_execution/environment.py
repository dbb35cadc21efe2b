"""The environment that a model's code may see: this process's own, without its secrets. Knows no process.

A variable is kept back when

- its name begins with ``MODELPORT_``: these are this program's own settings, keys among them;
- its name says so: one of its words is *key*, *auth*, *pat*, *pass*, *pwd*, *cookie*, *dsn*, …, or it contains *token*,
  *secret*, *password*, *credential*, … (``OPENAI_API_KEY``, ``PGPASSWORD``, ``AWS_SESSION_TOKEN``, ``SSH_AUTH_SOCK``);
- its value says so: an address with a password in it, a private key, JSON with a key in it (``OAI_CONFIG_LIST``), or
  text that begins as the keys of well-known services do.

To let one through, name it: ``allow_env=("HF_TOKEN", "WANDB_*")`` on an executor, in ``code_execution_config``, or for
every executor of a program in the environment: ``MODELPORT_ALLOW_ENV=HF_TOKEN,WANDB_*``. ``*`` stands for any text.

This keeps keys out of what code prints and passes on by accident. It is no wall: code that runs as this user can read
this user's files and, on Linux, this process's own environment.
"""

import os
import re
from collections.abc import Iterable, Mapping

from modelport.secret import sounds_secret

__all__ = ("ALLOW_VARIABLE", "clean_environment")

ALLOW_VARIABLE: str = "MODELPORT_ALLOW_ENV"

_OWN = "MODELPORT_"
_WORKING_DIRECTORIES = frozenset({"PWD", "OLDPWD"})
_WORDS = frozenset(
    {
        "APIKEY",
        "AUTH",
        "AUTHORIZATION",
        "CONNSTR",
        "COOKIE",
        "COOKIES",
        "DSN",
        "KEY",
        "KEYS",
        "PASS",
        "PAT",
        "PWD",
        "SAS",
    }
)
# TOKENIZERS_PARALLELISM and its like are no tokens.
_PARTS = re.compile(r"PASSW|PASSPHRASE|SECRET|CREDENTIAL|APIKEY|ACCESSKEY|PRIVATEKEY|TOKEN(?!IZ)")
_BORDER = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_VALUES = re.compile(
    r"\A\s*(?:sk-|sk_live_|sk_test_|rk_live_|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|hf_|gsk_|AKIA|ASIA|AIza|npm_|"
    r"pypi-|eyJ[\w-]+\.eyJ|-----BEGIN [A-Z ]*PRIVATE KEY)"
    r"|\w://[^\s/@]*:[^\s/@]+@"
    r"|[\"'](?:\w+_)?(?:api_?key|key|token|secret|password)[\"']\s*:",
    re.IGNORECASE,
)


def clean_environment(environ: Mapping[str, str] | None = None, *, allow: Iterable[str] = ()) -> dict[str, str]:
    """*environ* (None: this process's) without what the rules above keep back; names of *allow* pass, ``*`` too."""
    from fnmatch import fnmatchcase

    environ = os.environ if environ is None else environ
    if isinstance(allow, str):
        raise TypeError(f"allow_env must be a list of names, got the text {allow!r}")
    listed = environ.get(ALLOW_VARIABLE, "").split(",")
    patterns = [name.strip() for name in (*allow, *listed) if name.strip()]
    return {
        name: value
        for name, value in environ.items()
        if not _is_secret(name, value) or any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def _is_secret(name: str, value: str) -> bool:
    if name in _WORKING_DIRECTORIES:
        return False
    plain = name.upper()
    if plain.startswith(_OWN) or sounds_secret(name) or _PARTS.search(plain.replace("_", "")):
        return True
    words = {word.upper() for word in _BORDER.split(name)}
    return not words.isdisjoint(_WORDS) or _VALUES.search(value) is not None
