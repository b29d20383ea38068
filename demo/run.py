"""The demo: a small shop's databases go from dev to staging to production, and what could go wrong does."""

from __future__ import annotations

import json
import shlex
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from job_summary import render_summary
from narrator import StoryError, expect, head, say, show_command, show_output
from shop_repository import Answer, Shop, merge, open_shop
from slack_channel import SlackChannel, render_message

STAGES = ("lock", "plan", "gates", "backup", "probe", "upgrade", "verify", "ledger", "report")
SHOPS_OWN_OUTPUT = "       | "


def main() -> int:
    """Tell the story in a temporary folder; 1 when ci-migrate did not do what it says."""
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="ci-migrate-demo-"))
    slack = SlackChannel()
    try:
        shop = introduce(folder, slack)
        promote_dev(shop)
        try_production_first(shop)
        promote_in_order(shop)
        promote_again(shop)
        fail_and_mend(shop)
        meet_two_heads(shop)
        look_back(shop)
        show_reports(shop, slack)
    except StoryError as exc:
        say("")
        head("This is not how the story goes")
        show_output(f"{exc}")
        show_output(f"everything is kept in {folder}")
        return 1
    finally:
        slack.close()
    say_goodbye(folder, time.monotonic() - started)
    return 0


def introduce(folder: Path, slack: SlackChannel) -> Shop:
    """Make the shop and show its configuration."""
    head("A small shop")
    say(
        "A Flask-Migrate shop with three SQLite databases. Two teams have merged three revisions into branch dev;"
        " no database has any of them yet. This is all that ci-migrate is told (ci-migrate.yml):"
    )
    shop = open_shop(folder, slack.url)
    show_output((shop.repository / "ci-migrate.yml").read_text("utf-8"))
    return shop


def promote_dev(shop: Shop) -> None:
    """Show the whole way of one promotion."""
    head("A push to dev")
    say(
        "CI runs this after every push. A backup is taken and proved before the first change, and a new"
        " connection looks at the result (lines that the shop itself prints are left out here)."
    )
    answer = promote(shop, "dev", exit_code=0, words="dev: PROMOTED to b92d6f4e1a08, 3 revisions")
    show_output(without_own_output(answer))


def try_production_first(shop: Shop) -> None:
    """Show the gate `order`."""
    head("Production before staging?")
    say("Somebody merges dev into main at once. Production takes only what staging has executed:")
    merge(shop, "dev", into="main")
    answer = promote(shop, "main", exit_code=3, words="production: BLOCKED by order")
    show_output(without_stages(answer))
    expect(
        not shop.database("production").exists() or not tables_of(shop, "production"),
        "a blocked production has no tables",
        instead=f"it has {tables_of(shop, 'production')}",
    )


def promote_in_order(shop: Shop) -> None:
    """Promote staging as a job of GitHub Actions does, then production."""
    head("Staging, then production")
    say(
        "So staging comes first, here in the way GitHub Actions runs it: the pushed branch says which database."
    )
    merge(shop, "dev", into="staging")
    answer = run_tool(
        shop, "promote", exit_code=0, words="staging: PROMOTED to b92d6f4e1a08", more=github(shop)
    )
    show_output(without_stages(answer))
    say("The same push to main passes now:")
    answer = promote(shop, "main", exit_code=0, words="production: PROMOTED to b92d6f4e1a08")
    show_output(without_stages(answer))


def promote_again(shop: Shop) -> None:
    """Show a promotion with nothing pending."""
    head("A push without revisions")
    say(
        "Most pushes bring none. Then nothing of the shop is even imported, and no backup is taken:"
    )
    answer = promote(shop, "main", exit_code=0, words="production: NOTHING TO DO")
    show_output(without_own_output(answer))


def fail_and_mend(shop: Shop) -> None:
    """Show a revision that the data does not allow, and its correction."""
    head("A revision that fails")
    say(
        "The orders team makes e-mail addresses unique. In dev two customers share one, so the database refuses:"
    )
    with sqlite3.connect(shop.database("dev")) as database:
        database.executemany("INSERT INTO customers (email) VALUES (?)", [("a@example.com",)] * 2)
    database.close()
    shop.git("switch", "--quiet", "dev")
    shop.commit_change("unique-email", "Make customer email unique", author="Orders team")
    answer = promote(shop, "dev", exit_code=5, words="IntegrityError: UNIQUE constraint failed")
    show_output(without_stages(answer))
    say(
        "They merge such customers in the same revision, which has run nowhere yet, and push again:"
    )
    shop.commit_change(
        "unique-email-fixed", "Merge customers with one email first", author="Orders team"
    )
    answer = promote(shop, "dev", exit_code=0, words="dev: PROMOTED to c5de20917fa4")
    show_output(without_stages(answer))


def meet_two_heads(shop: Shop) -> None:
    """Show the gate `heads`, and its way out."""
    head("Two teams, two heads")
    say(
        "Both teams start from the same revision, and git merges their branches without a conflict."
        " Alembic's history has two ends now:"
    )
    for branch, message, author in (
        ("product-stock", "Count the stock", "Catalogue team"),
        ("order-notes", "Take notes with orders", "Orders team"),
    ):
        shop.git("switch", "--quiet", "--create", branch, "dev")
        shop.commit_change(branch, message, author=author)
    merge(shop, "product-stock", into="dev")
    merge(shop, "order-notes", into="dev")
    blocked = promote(shop, "dev", exit_code=3, words="dev: BLOCKED by heads")
    show_output(without_stages(blocked))
    say("The line that the gate printed, run as it is, makes the merge revision:")
    command = printed_merge_command(blocked)
    show_command(command)
    merged = shop.run(*shlex.split(command))
    expect(merged.exit_code == 0, f"`{command}` works", instead=merged.output)
    shop.commit("Merge the heads", author="Orders team")
    answer = promote(shop, "dev", exit_code=0, words="3 revisions in")
    show_output(without_stages(answer))


def look_back(shop: Shop) -> None:
    """Show `status` and `history`."""
    head("Where is everything?")
    say("The databases know themselves what ran in them, from which commit and by whom:")
    show_output(run_tool(shop, "status", exit_code=0, words="production: at b92d6f4e1a08").output)
    show_output(
        run_tool(
            shop, "history", "--branch", "dev", "--limit", "2", exit_code=0, words="c5de20917fa4"
        ).output
    )


def show_reports(shop: Shop, slack: SlackChannel) -> None:
    """Show what Slack and the job summary got; all of it goes into files."""
    head("Meanwhile in Slack")
    files = shop.folder / "reports"
    texts = [render_message(message) for message in slack.messages]
    (files / "slack.txt").write_text("\n\n".join(texts) + "\n", "utf-8")
    (files / "slack.json").write_text(json.dumps(slack.messages, indent=2), "utf-8")
    log = "\n".join(f"$ {answer.command}\n{answer.output}" for answer in shop.answers)
    (files / "log.txt").write_text(log, "utf-8")
    titles = [message["text"] for message in slack.messages]
    failures = [text for title, text in zip(titles, texts, strict=True) if "FAILED" in title]
    expect(len(titles) == 8, "8 messages in Slack", instead=f"{len(titles)}: {titles}")
    expect(len(failures) == 1, "one message of a failure", instead=f"{titles}")
    say("One message a run, none where nothing was to do:")
    show_output("\n".join(titles))
    say("The one about the failure in full:")
    show_output(failures[0], mark="    ▌ ")
    head("The job summary of staging")
    show_output(render_summary((files / "job-summary.md").read_text("utf-8")), mark="    ▌ ")
    outputs = (files / "step-outputs.txt").read_text("utf-8")
    expect("promoted" in outputs, "the step output `outcome` is promoted", instead=outputs)


def say_goodbye(folder: Path, seconds: float) -> None:
    """Say what is kept, and how to be rid of it."""
    head("That was all")
    say(f"{seconds:.0f} seconds. Everything is kept, to look at or to go on playing in:")
    kept = {
        "shop/": "the repository, with the backups in .ci-migrate/backups",
        "databases/": "dev.sqlite, staging.sqlite, production.sqlite",
        "reports/": "slack.txt, slack.json, job-summary.md, step-outputs.txt, log.txt (every line of every command)",
    }
    show_output("\n".join([f"{folder}", *(f"  {name:<11} {what}" for name, what in kept.items())]))
    say(f"To delete it: rm -r {folder}")


def promote(shop: Shop, branch: str, *, exit_code: int, words: str) -> Answer:
    """Promote the environment of a branch."""
    return run_tool(shop, "promote", "--branch", branch, exit_code=exit_code, words=words)


def run_tool(
    shop: Shop, *arguments: str, exit_code: int, words: str, more: dict[str, str] | None = None
) -> Answer:
    """Run ci-migrate, with its command line shown, and hold it to an exit code and to some words."""
    command = " ".join(("ci-migrate", *arguments))
    show_command(command)
    answer = shop.run("ci-migrate", *arguments, more=more)
    expect(
        answer.exit_code == exit_code,
        f"`{command}` ends with exit code {exit_code}",
        instead=f"{answer.exit_code}, after saying:\n{answer.output}",
    )
    expect(words in answer.output, f"`{command}` says {words!r}", instead=answer.output)
    return answer


def github(shop: Shop) -> dict[str, str]:
    """Return what the runner sets for a push to staging."""
    reports = shop.folder / "reports"
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/staging",
        "GITHUB_SHA": shop.run("git", "rev-parse", "HEAD").output.strip(),
        "GITHUB_REPOSITORY": "example/shop",
        "GITHUB_RUN_ID": "1",
        "GITHUB_ACTOR": "orders-team",
        "GITHUB_STEP_SUMMARY": str(reports / "job-summary.md"),
        "GITHUB_OUTPUT": str(reports / "step-outputs.txt"),
    }


def without_own_output(answer: Answer) -> str:
    """Return what ci-migrate said, without the lines that it relays from the shop."""
    lines = answer.output.splitlines()
    return "\n".join(line for line in lines if not line.startswith(SHOPS_OWN_OUTPUT))


def without_stages(answer: Answer) -> str:
    """Return the end of what ci-migrate said: what it tells after its last stage."""
    lines = without_own_output(answer).splitlines()
    last = max((i for i, line in enumerate(lines) if line.startswith(STAGES)), default=-1)
    return "\n".join(lines[last + 1 :])


def printed_merge_command(answer: Answer) -> str:
    """Return the command that the gate `heads` printed."""
    lines = [line.strip() for line in answer.output.splitlines()]
    found = [line for line in lines if line.startswith("flask ") and " db merge " in line]
    expect(len(found) == 1, "the gate prints one `flask … db merge` line", instead=answer.output)
    return found[0]


def tables_of(shop: Shop, environment: str) -> list[str]:
    """Return the names of the tables in a database."""
    with sqlite3.connect(shop.database(environment)) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    database.close()
    return [str(row[0]) for row in rows]


if __name__ == "__main__":
    if shutil.which("git") is None:
        sys.exit("the demo needs git")
    sys.exit(main())
