"""`make clients`: runs every client's checks and writes what came of them: results.json, README.md, docs/clients.md."""

import sys

from tests.clients import harness, page


def main() -> int:
    """0 where every check passed, was skipped, or failed as expected."""
    try:
        results = harness.run_all()
    except harness.CannotInstall as error:
        print(f"the clients could not be installed: {error}", file=sys.stderr)
        return 1
    failed = 0
    for client, ran in results.items():
        outcomes = [check.outcome for check in ran.checks.values()]
        counts = {outcome: outcomes.count(outcome) for outcome in ("passed", "failed", "xfailed", "skipped")}
        print(f"{client} {ran.version}: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.items() if n))
        if ran.crash:
            failed += 1
            print(ran.crash)
        for name, check in ran.checks.items():
            if check.outcome == "failed":
                failed += 1
                print(f"\n{client}: {name}\n{check.said}\n")
    if failed:
        print(f"{failed} failed: nothing was written", file=sys.stderr)
        return 1
    page.save(results)
    readme, docs = (path.read_text(encoding="utf-8") for path in (page.README, page.PAGE))
    page.README.write_text(page.placed(readme, "clients", page.render_table(results)), encoding="utf-8")
    docs = page.placed(page.with_blocks(docs), "exceptions", page.render_page(results))
    page.PAGE.write_text(docs, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
