"""Gemini generateContent, by the types of the PyPI package `google-genai` and by Google's discovery document."""

import json

from google.genai import types

import discovery
import shapes
import sse
from answer import Answer, Call

REFUSALS = [
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "LANGUAGE", "MODEL_ARMOR",
]
# Some client libraries have recorded the enum's numbers.
FINISH = {"STOP": "stop", "MAX_TOKENS": "length", 1: "stop", 2: "length", **dict.fromkeys(REFUSALS, "refusal")}
# Parts of the provider's own tools.
SERVED = {"executableCode", "codeExecutionResult", "toolCall", "toolResponse"}
EXTENSIONS = set()


def request(body, stream):
    if "contents" not in body:
        return [".contents: missing"]
    violations = discovery.check(body, "GenerateContentRequest")
    parts = [*body["contents"], *filter(None, [body.get("systemInstruction")])]
    violations += [found for content in parts for found in shapes.parse(_parse(types.Content), content)]
    return violations + [found for tool in body.get("tools") or [] for found in shapes.parse(_parse(types.Tool), tool)]


def _parse(model):
    return lambda value: model.model_validate_json(json.dumps(value))  # as JSON, where bytes are base64


def whole(body):
    value = json.loads(body)
    if "error" in value:
        return Answer(error=json.dumps(value["error"])), []
    answer = Answer()
    return answer, _add(answer, value)


def next_turn(body, calls):
    """The client's request after this answer: every call has its result."""
    results = [{"functionResponse": {"id": call.id, "name": call.name, "response": {"result": "done"}}} for call in calls]
    return {
        "contents": [
            {"role": "user", "parts": [{"text": "Go on."}]},
            json.loads(body)["candidates"][0]["content"],
            {"role": "user", "parts": results or [{"text": "And then?"}]},
        ],
        "tools": [{"functionDeclarations": [{"name": name} for name in dict.fromkeys(call.name for call in calls)]}],
        "generationConfig": {"thinkingConfig": {"thinkingBudget": 2048, "includeThoughts": True}},
    }


def stream(body):
    answer, violations, ended = Answer(), [], set()
    for name, data in sse.read(body):
        if name is not None:
            violations.append(f"event has the name {name}")
        value = json.loads(data)
        if "error" in value:
            answer.error = json.dumps(value["error"])
            continue
        for candidate in value.get("candidates") or []:
            index = candidate.get("index") or 0
            if index in ended and (candidate.get("content") or {}).get("parts"):
                violations.append("a candidate goes on after its finishReason")
            if candidate.get("finishReason"):
                ended.add(index)
        violations += _add(answer, value)
    return answer, violations


def _add(answer, value):
    violations = discovery.check(value, "GenerateContentResponse")
    violations += shapes.parse(_parse(types.GenerateContentResponse), value)
    answer.model = value.get("modelVersion") or answer.model
    answer.usage = usage(value.get("usageMetadata")) or answer.usage
    violations += [f".{member}: missing" for member in ("modelVersion", "responseId") if not value.get(member)]
    figures = value.get("usageMetadata")
    if figures and figures.get("totalTokenCount") != usage(figures)["input"] + usage(figures)["output"]:
        violations.append("totalTokenCount is not the sum")
    for at, candidate in enumerate(value.get("candidates") or []):
        choice = answer.choice(candidate.get("index") or at)
        for part in (candidate.get("content") or {}).get("parts") or []:
            if "functionCall" in part:
                call = part["functionCall"]
                choice.calls.append(Call(call["name"], call.get("args") or {}, call.get("id")))
            elif part.keys() & SERVED:
                choice.served.append(Call(next(iter(part.keys() & SERVED)), None))
                continue
            elif part.get("thought"):
                choice.reasoning += part.get("text") or ""
            else:
                choice.text += part.get("text") or ""
            choice.seals += filter(None, [part.get("thoughtSignature")])
        choice.citations += len((candidate.get("groundingMetadata") or {}).get("groundingChunks") or [])
        choice.logprobs += len((candidate.get("logprobsResult") or {}).get("chosenCandidates") or [])
        finish = candidate.get("finishReason")
        if finish:
            choice.finish = FINISH.get(finish, finish)
    if (value.get("promptFeedback") or {}).get("blockReason"):
        answer.choice(0).finish = "refusal"
    return violations


def usage(figures):
    if not figures:
        return None
    return {
        "input": (figures.get("promptTokenCount") or 0) + (figures.get("toolUsePromptTokenCount") or 0),
        "output": (figures.get("candidatesTokenCount") or 0) + (figures.get("thoughtsTokenCount") or 0),
        "cached": figures.get("cachedContentTokenCount"),
        "reasoning": figures.get("thoughtsTokenCount"),
    }


def error(body):
    value = json.loads(body)
    members = value.get("error") if isinstance(value, dict) else None
    if not isinstance(members, dict) or set(value) != {"error"}:
        return [f"no error of Google's: {value!r:.200}"]
    found = [f"error.{key}: missing" for key in ("code", "message", "status") if key not in members]
    if not isinstance(members.get("code"), int):
        found.append(f"error.code: {members.get('code')!r} is no number")
    return found
