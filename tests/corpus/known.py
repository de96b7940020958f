"""The failures that are known, in known.json: each entry names the paragraph of docs/quirks.md that says why."""

import fnmatch
import json
import pathlib
import re

import recordings

FILE = pathlib.Path(__file__).with_name("known.json")
QUIRKS = recordings.ROOT / "docs" / "quirks.md"


def mark(outcomes):
    """Turns failures that are known into the verdict "known"; returns the entries that nothing matches any more."""
    entries = json.loads(FILE.read_text())
    explained = QUIRKS.read_text()
    for entry in entries:
        if f"**{entry['quirk']}.**" not in explained and f"## {entry['quirk']}\n" not in explained:
            raise SystemExit(f"known.json: docs/quirks.md has no paragraph {entry['quirk']!r}")
    used = set()
    for outcome in outcomes:
        if outcome["verdict"] == "failed":
            matching = [[at for at, entry in enumerate(entries) if _is(entry, outcome, what)] for what in outcome["found"]]
            if all(matching):
                outcome["verdict"] = "known"
            used.update(at for here in matching for at in here)
    return [entry for at, entry in enumerate(entries) if at not in used]


def _is(entry, outcome, what):
    return (
        all(outcome[key] in entry[key] for key in ("direction", "client", "upstream") if key in entry)
        and any(fnmatch.fnmatch(outcome["file"], pattern) for pattern in entry.get("files", ["*"]))
        and re.search(entry["says"], what) is not None
    )
