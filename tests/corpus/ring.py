"""The corpus ring: recorded traffic, translated by the core, held against the vendors' own types.

Every recorded request of a client format goes to every upstream format, every recorded answer to every client format, as a
stream and whole, and back to its provider in the client's next turn. What comes out must be valid for the vendor's library, say
what the recording says, and state its usage.
See "The corpus ring" in CONTRIBUTING.md.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import sys
import time

import checks
import known
import recordings
import vendors
from translate import translate

# Models that providers of each format have, of two generations: some translations of requests go by the name.
MODELS = {
    "openai_chat": ["gpt-5", "gpt-4o"],
    "openai_responses": ["gpt-5", "gpt-4o"],
    "openai_completions": ["gpt-3.5-turbo-instruct"],
    "anthropic_messages": ["claude-sonnet-4-5", "claude-opus-5"],
    "gemini_generate": ["gemini-2.5-flash", "gemini-3-pro-preview"],
    "bedrock_converse": [
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us.anthropic.claude-opus-5",
        "amazon.nova-lite-v1:0",
    ],
}
# What a report says of a translation.
SAID = ("direction", "client", "upstream", "model", "stream")
DIRECTIONS = ("request", "response", "turn", "error")


def jobs_of(recording):
    if recording.request is not None and recording.format in vendors.CLIENTS:
        body = json.dumps(recording.request, ensure_ascii=False).encode()
        for upstream in vendors.ALL:
            models = MODELS[upstream][:1] if upstream == recording.format else MODELS[upstream]
            for model in models:
                yield _job("request", recording.format, upstream, recording.request_streams, recording, body, model)
    if recording.response is None:
        return
    for client in vendors.CLIENTS:
        if not recording.good:
            yield _job("error", client, recording.format, False, recording, recording.response)
        elif client == recording.format:
            yield _job("response", client, client, recording.kind == "stream", recording, recording.response)
        else:
            for stream in (False, True):
                yield _job("response", client, recording.format, stream, recording, recording.response)
            if client == "gemini_generate":  # whose clients may want their stream as one array
                job = _job("response", client, recording.format, True, recording, recording.response)
                yield {**job, "framing": "json_array"}


def turn_of(recording, job, result):
    """What the client sends after a translated answer, to the same provider; None where there is no next turn."""
    if job["direction"] != "response" or job["stream"] or job["client"] == job["upstream"] or not result.get("ok"):
        return None
    try:
        body = checks.next_turn(recording, job, result)
    except (KeyError, IndexError, TypeError, ValueError):  # an answer that cannot be read has failed already
        return None
    lost = result["observed"]["losses"]
    return body and {**job, "direction": "turn", "lost": lost, "body": json.dumps(body, ensure_ascii=False).encode()}


def _job(direction, client, upstream, stream, recording, body, model=None):
    return {
        "direction": direction,
        "client": client,
        "upstream": upstream,
        "model": model or MODELS[upstream][0],
        "stream": stream,
        "kind": recording.kind,
        "framing": "sse",
        "status": recording.status or 0,
        "body": body,
    }


def _check_all(batch):
    return [[checks.outcome(recording, job, result) for job, result in rows] for recording, rows in batch]


def run(binary, only):
    cases = recordings.load(only)
    per_case = [list(jobs_of(recording)) for recording in cases]
    started = time.monotonic()
    results = iter(translate(binary, [job for jobs in per_case for job in jobs]))
    work = [(recording, [(job, next(results)) for job in jobs]) for recording, jobs in zip(cases, per_case)]
    turns = [(at, turn_of(recording, *row)) for at, (recording, rows) in enumerate(work) for row in rows]
    turns = [(at, turn) for at, turn in turns if turn is not None]
    for (at, turn), result in zip(turns, translate(binary, [{**turn, "direction": "request"} for _, turn in turns])):
        work[at][1].append((turn, result))
    translated = time.monotonic()
    batches = [work[at : at + 20] for at in range(0, len(work), 20)]
    with concurrent.futures.ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        checked = [outcomes for batch in pool.map(_check_all, batches) for outcomes in batch]
    outcomes = [
        {"file": recording.file, **{key: job[key] for key in SAID}, **outcome}
        for (recording, rows), here in zip(work, checked)
        for (job, _), outcome in zip(rows, here)
    ]
    print(
        f"corpus: {len(cases)} recordings, {len(outcomes)} translations in {translated - started:.1f} s, "
        f"checked in {time.monotonic() - translated:.1f} s"
    )
    return outcomes


def print_matrix(direction, outcomes):
    """Rows are the recorded format, columns the target."""
    recorded, target = ("client", "upstream") if direction == "request" else ("upstream", "client")
    cells = collections.defaultdict(collections.Counter)
    for outcome in outcomes:
        if outcome["direction"] == direction:
            cells[outcome[recorded], outcome[target]][outcome["verdict"]] += 1
    rows = [name for name in vendors.ALL if any(row == name for row, _ in cells)]
    columns = [name for name in vendors.ALL if any(column == name for _, column in cells)]
    print(f"\n{direction}s: ok/refused/known/failed, - where nothing translates (rows: recorded; columns: translated to)")
    print(" " * 20 + "".join(f"{column:>20}" for column in columns))
    for row in rows:
        shown = (_cell(cells[row, column]) for column in columns)
        print(f"{row:<20}" + "".join(f"{cell:>20}" for cell in shown))


def _cell(counts):
    if not counts or counts["absent"]:
        return "-"
    return "/".join(str(counts[verdict]) for verdict in ("ok", "refused", "known", "failed"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the example `translate` of tollgate-core")
    parser.add_argument("--only", metavar="TEXT", help="only recordings whose file has this in its name")
    parser.add_argument("--report", metavar="FILE", help="write every outcome that is not ok, one JSON object a line")
    options = parser.parse_args()
    if not recordings.present():
        print(f"corpus: ABSENT, nothing was checked: no index.jsonl in {recordings.CORPUS}")
        return 0
    outcomes = run(options.binary, options.only)
    stale = known.mark(outcomes)
    for direction in DIRECTIONS:
        print_matrix(direction, outcomes)
    failed = [outcome for outcome in outcomes if outcome["verdict"] == "failed"]
    absent = sorted({(o["client"], o["upstream"]) for o in outcomes if o["verdict"] == "absent"})
    if options.report:
        with open(options.report, "w") as report:
            report.writelines(json.dumps(o) + "\n" for o in outcomes if o["verdict"] not in ("ok", "absent"))
    print_failures(failed)
    if not options.only:
        for entry in stale:
            print(f"known.json: no translation fails like this any more: {entry}")
    print(f"corpus: {len(outcomes)} translations, {len(failed)} failed, {len(absent)} pairs absent")
    return 1 if failed or absent or (not options.only and stale) else 0


def print_failures(failed):
    """Each kind of failure once, with a recording to look at."""
    kinds = collections.defaultdict(list)
    for outcome in failed:
        for what in outcome["found"][:3]:
            kinds[outcome["direction"], outcome["client"], outcome["upstream"], checks.kind_of(what)].append(outcome)
    print()
    for (direction, client, upstream, kind), here in sorted(kinds.items(), key=lambda item: -len(item[1]))[:60]:
        print(f"FAILED {len(here):4} {direction} {client} / {upstream}: {kind}\n            {here[0]['file']}")


if __name__ == "__main__":
    sys.exit(main())
