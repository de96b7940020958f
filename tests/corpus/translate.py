"""Runs jobs through `filter/core/examples/translate.rs`: one process for all of them."""

import base64
import json
import subprocess
import threading


def translate(binary, jobs):
    """The results of the jobs, in their order. A job is a dict with `body` as bytes; so is a result."""
    process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    threading.Thread(target=_write, args=(process.stdin, jobs), daemon=True).start()
    results = [_result(line) for line in process.stdout]
    if process.wait() != 0 or [result["id"] for result in results] != list(range(len(jobs))):
        raise SystemExit(f"{binary} ended with {process.returncode} after {len(results)} of {len(jobs)} jobs")
    return results


def _write(stdin, jobs):
    with stdin:
        for number, job in enumerate(jobs):
            members = {key: value for key, value in job.items() if key != "body"}
            body = base64.b64encode(job["body"]).decode()
            stdin.write(json.dumps({"id": number, **members, "body_b64": body}).encode() + b"\n")


def _result(line):
    result = json.loads(line)
    if result.get("body_b64") is not None:
        result["body"] = base64.b64decode(result.pop("body_b64"))
    return result
