"""The recordings of `../shared/corpus`, or of $TOLLGATE_CORPUS: what its README says, as objects."""

import base64
import dataclasses
import json
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = pathlib.Path(os.environ.get("TOLLGATE_CORPUS") or ROOT.parent / "shared" / "corpus")

# The corpus' words for the formats.
FORMATS = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "completions": "openai_completions",
    "anthropic": "anthropic_messages",
    "gemini": "gemini_generate",
    "bedrock": "bedrock_converse",
}


@dataclasses.dataclass(eq=False)
class Recording:
    file: str
    format: str
    tags: frozenset
    model: str
    request: dict | None  # the body
    request_streams: bool
    status: int | None
    response: bytes | None  # the body, as the provider sent it or as near as the recording is
    kind: str  # "stream" or "whole"
    expect: dict

    @property
    def good(self):
        return self.status == 200


def present():
    return (CORPUS / "index.jsonl").is_file()


def load(only=None):
    """Every recording of a format that we know, whose file has `only` in its name."""
    rows = map(json.loads, (CORPUS / "index.jsonl").read_text().splitlines())
    return [_read(row) for row in rows if row["format"] in FORMATS and (only is None or only in row["file"])]


def _read(row):
    case = json.loads((CORPUS / row["file"]).read_text())
    request, response = case["request"] or {}, case["response"] or {}
    body = request.get("body")
    body = body if isinstance(body, dict) else None
    kind, sent = _sent(response, row["format"])
    streams = "streamGenerateContent" in (request.get("path") or "") or "converse-stream" in (request.get("path") or "")
    return Recording(
        file=row["file"],
        format=FORMATS[row["format"]],
        tags=frozenset(case["tags"]),
        model=row["model"] or "unknown",
        request=body,
        request_streams=streams or bool(body and body.get("stream")),
        status=response.get("status"),
        response=sent,
        kind=kind,
        expect=case["expect"],
    )


def _sent(response, format):
    if "sse_text" in response:
        return "stream", response["sse_text"].encode()
    if "eventstream_b64" in response:
        # Anthropic's events in AWS's framing are Bedrock's InvokeModel, which is no format of ours: read as their SSE.
        if format == "anthropic":
            events = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in response["events"])
            return "stream", "".join(events).encode()
        return "stream", base64.b64decode(response["eventstream_b64"])
    body = response.get("body")
    if body is None:
        return "whole", None
    if format == "gemini" and isinstance(body, list):  # a stream without `alt=sse`: we always ask for SSE
        return "stream", "".join(f"data: {json.dumps(event)}\r\n\r\n" for event in body).encode()
    return "whole", json.dumps(body, ensure_ascii=False).encode()
