"""What a request asks for, whatever its format: tools in order, the choice among them, calls of earlier turns and results.

Types cannot see a choice that changed its meaning or a result that lost its call; this can.
"""

import dataclasses

from answer import arguments
from silence import camel


@dataclasses.dataclass
class Meaning:
    tools: list  # names of functions, in order
    choice: str | None  # "none", "auto", "required", or the name that is forced; None where nothing is said
    parallel: bool | None
    calls: list  # (id, name, arguments), in order
    results: list  # ids or, in Gemini's older form, names


def differences(source, target, losses):
    """What the target asks for otherwise than the source, beside what the losses declare."""
    declared = [path.lower() for path, *_ in losses]

    def excused(*words):
        return any(word in path for path in declared for word in words)

    # Without tools there is nothing to choose.
    choice = source.choice if source.tools and source.choice != "auto" else None
    chosen = target.choice if target.tools and target.choice != "auto" else None
    if source.tools != target.tools and not excused("tools", "tool_choice", "toolconfig"):
        yield f"tools: expected {source.tools}, saw {target.tools}"
    if choice != chosen and not (choice == "none" and not target.tools) and not excused("tool_choice", "toolconfig", "tools"):
        yield f"tool choice: expected {choice}, saw {chosen}"
    if source.parallel is False and target.parallel is not False and target.tools and not excused("parallel", "tool_choice"):
        yield "parallel calls are not forbidden any more"
    wanted, seen = ([(name, said) for _, name, said in each.calls] for each in (source, target))
    if wanted != seen and not excused("messages", "input", "contents"):
        yield f"calls: expected {wanted}, saw {seen}"
    if len(source.results) != len(target.results) and not excused("messages", "input", "contents"):
        yield f"results: expected {len(source.results)}, saw {len(target.results)}"
    if not _strays(source) and _strays(target):
        yield f"results without a call: {_strays(target)}"


def _strays(meaning):
    known = {id for id, _, _ in meaning.calls} | {name for _, name, _ in meaning.calls}
    return [result for result in meaning.results if result not in known]


def openai_chat(body):
    calls = [call for message in body["messages"] for call in message.get("tool_calls") or []]
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        choice = choice["allowed_tools"]["mode"]
    elif isinstance(choice, dict):
        choice = (choice.get("function") or choice.get("custom") or {}).get("name", choice.get("type"))
    tools = [tool.get("function") or tool.get("custom") for tool in body.get("tools") or []]
    return Meaning(
        tools=[tool["name"] for tool in tools if tool],
        choice="required" if choice == "any" else choice,
        parallel=body.get("parallel_tool_calls"),
        calls=[(call["id"], *_function(call.get("function") or call.get("custom"))) for call in calls],
        results=[message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"],
    )


def _function(function):
    return function["name"], arguments(function.get("arguments", function.get("input")))


def openai_responses(body):
    items = body.get("input") if isinstance(body.get("input"), list) else []
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        choice = choice.get("name", choice.get("mode", choice.get("type")))
    calls = [item for item in items if item.get("type") in ("function_call", "custom_tool_call")]
    results = ("function_call_output", "custom_tool_call_output")
    return Meaning(
        tools=[tool["name"] for tool in body.get("tools") or [] if tool["type"] in ("function", "custom")],
        choice=choice,
        parallel=body.get("parallel_tool_calls"),
        calls=[(call["call_id"], *_function(call)) for call in calls],
        results=[item["call_id"] for item in items if item.get("type") in results],
    )


def openai_completions(body):
    return Meaning(tools=[], choice=None, parallel=None, calls=[], results=[])


def anthropic_messages(body):
    blocks = [
        block
        for message in body["messages"]
        for block in (message["content"] if isinstance(message["content"], list) else [])
    ]
    choice = body.get("tool_choice") or {}
    kinds = {"any": "required", "tool": choice.get("name")}
    return Meaning(
        tools=[tool["name"] for tool in body.get("tools") or [] if tool.get("type", "custom") == "custom"],
        choice=kinds.get(choice.get("type"), choice.get("type")),
        parallel=False if choice.get("disable_parallel_tool_use") else None,
        calls=[(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"],
        results=[block["tool_use_id"] for block in blocks if block["type"] == "tool_result"],
    )


def gemini_generate(body):
    body = _camel(body)
    parts = [part for content in body["contents"] for part in content.get("parts") or []]
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode, names = config.get("mode"), config.get("allowedFunctionNames") or []
    choice = {"NONE": "none", "AUTO": "auto", "ANY": names[0] if len(names) == 1 else "required"}.get((mode or "").upper())
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    return Meaning(
        tools=[
            function["name"]
            for tool in body.get("tools") or []
            for function in tool.get("functionDeclarations") or []
        ],
        choice=choice,
        parallel=None,
        calls=[(call.get("id") or call["name"], call["name"], call.get("args") or {}) for call in calls],
        results=[result.get("id") or result["name"] for result in results],
    )


# Members whose names are the client's own.
THEIR_OWN = {"args", "response", "parameters"}


def _camel(value):
    """Google takes its members in snake case too."""
    if isinstance(value, dict):
        return {camel(key): member if key in THEIR_OWN else _camel(member) for key, member in value.items()}
    return [_camel(member) for member in value] if isinstance(value, list) else value


def bedrock_converse(body):
    blocks = [block for message in body["messages"] for block in message["content"]]
    config = body.get("toolConfig") or {}
    choice = config.get("toolChoice") or {}
    calls = [block["toolUse"] for block in blocks if "toolUse" in block]
    # Claude behind Bedrock takes its own choice, which says more than Bedrock's.
    extra = (body.get("additionalModelRequestFields") or {}).get("tool_choice") or {}
    if extra:
        choice = {extra["type"]: extra}
    return Meaning(
        tools=[tool["toolSpec"]["name"] for tool in config.get("tools") or [] if "toolSpec" in tool],
        choice="required" if "any" in choice else (choice.get("tool") or {}).get("name", "auto"),
        parallel=False if extra.get("disable_parallel_tool_use") else None,
        calls=[(call["toolUseId"], call["name"], call["input"]) for call in calls],
        results=[block["toolResult"]["toolUseId"] for block in blocks if "toolResult" in block],
    )
