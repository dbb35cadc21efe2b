"""For the tests and for the pages: the guards around each, and the code blocks of README.md and docs/."""

from tests.pages import pages

pytest_plugins = ("pytester", "tests.guards")
pytest_collect_file = pages().pytest()
