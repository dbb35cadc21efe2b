"""`python -m tests.differential`: both sides run, expected.json brought up to date, the pages written."""

import sys

from tests.differential import expected, harness, page

__all__ = ("main",)


def main() -> int:
    """Exit status: 0 if every difference has its reason."""
    autogen, ours = harness.both()
    found = harness.found(autogen, ours)
    rows = expected.update(found, expected.load())
    expected.save(rows)
    page.PAGE.write_text(page.render(harness.titles(), found, rows), encoding="utf-8")
    page.MOVING.write_text(page.renumbered(page.MOVING.read_text(encoding="utf-8"), found), encoding="utf-8")
    for name, fields in found.items():
        print(f"{name}: {f'{len(fields)} differences' if fields else 'the same'}")
    print(f"{sum(not fields for fields in found.values())} of {len(found)} programs are the same")
    unexplained = [row for row in rows if not row.why or row.kind not in expected.KINDS]
    for row in unexplained:
        print(f"{row.program}: say why in expected.json: {', '.join(one.field for one in row.fields)}")
    return bool(unexplained)


if __name__ == "__main__":
    sys.exit(main())
