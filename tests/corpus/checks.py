"""The verdict on one translation: "ok", "refused", "failed" or "absent", with what was found."""

import json
import re

import meaning
import oracle
import vendors
from answer import differences, excused, usage_differences
from silence import silent

# The client formats whose answers can have several choices.
MANY_CHOICES = {"openai_chat", "openai_completions", "gemini_generate"}


# What an answer with sealed thinking has somewhere, in any format.
SEAL = re.compile(rb"signature|redacted|encrypted|thoughtSignature", re.IGNORECASE)


def outcome(recording, job, result):
    if result.get("absent"):
        return {"verdict": "absent", "found": []}
    check = {"request": _request, "response": _response, "turn": _turn, "error": _error}[job["direction"]]
    try:
        return check(recording, job, result)
    except Exception as error:  # what came out is so wrong that it cannot be read
        return _failed([f"unreadable: {type(error).__name__}: {error}"[:300]])


def _request(recording, job, result):
    if not result["ok"]:
        clear = result["error"] and (result["param"] or "cannot" in result["error"])
        where = f"{result['param']}: {result['error']}"
        return {"verdict": "refused", "found": [where]} if clear else _failed([f"unclear refusal: {where}"])
    body = json.loads(result["body"])
    vendor = vendors.ALL[job["upstream"]]
    if job["client"] == job["upstream"]:
        ours = {"model", "stream_options"}
        changed = [key for key in {*body, *recording.request} - ours if body.get(key) != recording.request.get(key)]
        return _verdict([f"{key} was changed in the identity lane" for key in changed])
    violations = [what for what in vendor.request(body, job["stream"]) if not _is_recordings_own(what, recording)]
    violations += _members_of_ours(job, body)
    return _verdict(violations + _meaning(job, body, result, recording.request))


def _meaning(job, body, result, source):
    read_source, read_target = getattr(meaning, job["client"]), getattr(meaning, job["upstream"])
    found = silent(source, body, result["losses"], seals=job["direction"] == "request")
    return found + list(meaning.differences(read_source(source), read_target(body), result["losses"]))


def _members_of_ours(job, body):
    """The model and the stream, where the body names them, and the wish for usage in streams that have it only then."""
    if job["upstream"] in ("gemini_generate", "bedrock_converse"):
        return []
    found = [] if body.get("model") == job["model"] else [f"model: {body.get('model')!r}"]
    found += [] if bool(body.get("stream")) == job["stream"] else [f"stream: {body.get('stream')!r}"]
    asks = (body.get("stream_options") or {}).get("include_usage")
    if job["stream"] and job["upstream"] in ("openai_chat", "openai_completions") and not asks:
        found.append("usage is not asked for")
    return found


def _is_recordings_own(violation, recording):
    """Media are cut and secrets are masked in some recordings, so that they are no base64 any more."""
    return violation.endswith("is no base64") and bool({"b64-truncated", "redacted-thinking"} & recording.tags)


def _response(recording, job, result):
    identity = job["client"] == job["upstream"]
    expected = oracle.read(recording)
    usage = recording.expect["usage"]
    found = [f"observed {what}" for what in usage_differences(usage, result["observed"]["usage"])]
    if identity:
        found += [] if result.get("body") == recording.response else ["the identity lane changed bytes"]
        return _verdict(found)
    if not result["ok"]:
        return {"verdict": "refused", "found": [result["error"]]} if expected.error else _failed([result["error"]])
    vendor = vendors.ALL[job["client"]]
    read = vendor.stream if job["stream"] else vendor.whole
    body = result["body"] if job["framing"] == "sse" else _as_sse(result["body"])
    seen, violations = read(body)
    found += [what for what in violations if _place(what) not in vendor.EXTENSIONS]
    found += differences(expected, seen, result["observed"]["losses"], choices=job["client"] in MANY_CHOICES)
    if expected.error is None:
        found += usage_differences(usage, seen.usage)
    return _verdict(found)


def _as_sse(array):
    return "".join(f"data: {json.dumps(event)}\n\n" for event in json.loads(array)).encode()


def next_turn(recording, job, result):
    """The client's next request after an answer with calls or sealed thinking; None after any other."""
    vendor = vendors.ALL[job["client"]]
    if not hasattr(vendor, "next_turn") or not (recording.expect["tool_calls"] or SEAL.search(recording.response)):
        return None
    seen, _ = vendor.whole(result["body"])
    wanted = oracle.read(recording).choices[0]
    calls = seen.choices[0].calls
    return vendor.next_turn(result["body"], calls) if calls or wanted.seals else None


def _turn(recording, job, result):
    """What the provider said comes back to it: the seals of its thinking to the letter, and the ids of its calls."""
    wanted = oracle.read(recording).choices[0]
    if not result["ok"]:
        found = [f"refused: {result['param']}: {result['error']}"]
        # Arguments that were cut are no JSON, which most formats cannot say.
        cut = any(isinstance(call.arguments, str) for call in wanted.calls)
        return {"verdict": "refused", "found": found} if cut else _failed(found)
    body = json.loads(result["body"])
    said = _text(body)
    has_seals = not excused("seals", job["lost"] + result["losses"])
    found = vendors.ALL[job["upstream"]].request(body, job["stream"])
    found += _meaning(job, body, result, json.loads(job["body"]))
    found += [f"a seal has not come back: {seal[:40]!r}" for seal in wanted.seals if has_seals and seal not in said]
    ids = [call.id for call in wanted.calls if call.id and len(call.id) <= 40]  # longer ones are cut for OpenAI
    return _verdict(found + [f"a call's id has not come back: {id!r}" for id in ids if id not in said])


def _error(recording, job, result):
    if job["client"] == job["upstream"]:
        return _verdict([])  # passed as it came
    vendor = vendors.ALL[job["client"]]
    found = vendor.error(result["body"])
    said = _message(recording.response)
    if said and said[:200].replace("\\", "") not in _text(json.loads(result["body"])).replace("\\", ""):
        found.append(f"the provider's message is gone: {said[:100]!r}, {result['body'][:200]!r}")
    return _verdict(found)


def _message(body):
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error", value) if isinstance(value, dict) else None
    message = error.get("message") or error.get("Message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else None


def _text(value):
    if isinstance(value, dict):
        return " ".join(map(_text, value.values()))
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return str(value)


def _place(violation):
    return re.sub(r"\[\d+\]", "[]", violation.partition(": ")[0]) if violation.endswith(": unknown member") else None


def _verdict(found):
    return _failed(found) if found else {"verdict": "ok", "found": []}


def _failed(found):
    return {"verdict": "failed", "found": list(dict.fromkeys(found))[:12]}


def kind_of(what):
    """A finding without what differs from recording to recording."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "…", what)[:160]
