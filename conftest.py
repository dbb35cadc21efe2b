"""For the tests and for the pages: the guards around each, and the code blocks of README.md and docs/."""

import os

from hypothesis import HealthCheck, settings

from tests.pages import pages

pytest_plugins = ("pytester", "tests.guards")
pytest_collect_file = pages().pytest()

# Properties are not timed: a machine may be busy. In CI the same examples come each time; elsewhere new ones are tried.
settings.register_profile(
    "modelport",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
)
settings.load_profile("modelport")
