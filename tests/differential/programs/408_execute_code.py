"""execute_code by itself: output, errors, files, folders, time limits."""

import os
from pathlib import Path

from autogen.code_utils import execute_code
from support import attempt, report


def run(code=None, **settings):
    return attempt(execute_code, code, **{"use_docker": False, "work_dir": "coding", **settings})


report(
    output=run("print('hi')"),
    error=run("print('hi')\nassert False, 'because'"),
    warning=run("import sys; print('only err', file=sys.stderr)"),
    exit_code=run("import sys; sys.exit(5)"),
    shell=run("echo $PWD | sed 's/.*[/]//'", lang="sh"),
    bash=run("[[ a == a ]] && echo same", lang="bash"),
    kept=[run("print(__file__)", filename="kept.py"), sorted(os.listdir("coding"))],
    kept_error=run("1 / 0", filename="failing.py"),
    from_file=run(filename="kept.py"),
    in_a_folder=[run("print(1)", filename="sub/deep.py"), Path("coding/sub/deep.py").exists()],
    sleeps=run("import time; time.sleep(1.5)", timeout=1),
    nothing=attempt(execute_code),
    unknown=run("x", lang="cobol"),
)
