"""What a request asks for, whatever its format: tools in order, the choice among them, calls of earlier turns and results.

Types cannot see a choice that changed its meaning or a result that lost its call; this can.
"""

import dataclasses

from answer import arguments
from silence import camel


@dataclasses.dataclass
class Meaning:
    tools: list  # names of functions, in order
    schemas: list  # of their arguments
    choice: str | None  # "none", "auto", "required", or the name that is forced; None where nothing is said
    parallel: bool | None
    calls: list  # (id, name, arguments), in order
    results: list  # ids or, in Gemini's older form, names
    turns: list  # "user" and "assistant" by turns; results of tools are the user's, instructions nobody's
    thinks: bool  # whether thinking is asked for
    form: str | None  # "object" or "schema": what the answer must look like


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
    refused = choice == "none" and not target.tools
    for name, schema, encoded in zip(source.tools, source.schemas, target.schemas):
        wanted, seen = ({"type": "object", **_plain(each or {})} for each in (schema, encoded))
        if source.tools == target.tools and wanted != seen and not excused("tools"):
            yield f"schema of {name}: expected {wanted}, saw {seen}"
    if choice != chosen and not refused and not excused("tool_choice", "toolconfig", "tools"):
        yield f"tool choice: expected {choice}, saw {chosen}"
    one_at_a_time = source.parallel is False and target.parallel is not False and target.tools
    if one_at_a_time and not excused("parallel", "tool_choice"):
        yield "parallel calls are not forbidden any more"
    wanted, seen = ([(name, said) for _, name, said in each.calls] for each in (source, target))
    if wanted != seen and not excused("messages", "input", "contents"):
        yield f"calls: expected {wanted}, saw {seen}"
    if _by_turns(source.turns) != _by_turns(target.turns) and not excused("messages", "input", "contents", "system"):
        yield f"turns: expected {_by_turns(source.turns)}, saw {_by_turns(target.turns)}"
    if source.thinks and not target.thinks and not excused("reasoning", "thinking", "effort"):
        yield "thinking is not asked for any more"
    if source.form != target.form and not excused("format", "schema", "mimetype", "output_config"):
        yield f"form of the answer: expected {source.form}, saw {target.form}"
    if len(source.results) != len(target.results) and not excused("messages", "input", "contents"):
        yield f"results: expected {len(source.results)}, saw {len(target.results)}"
    if not _strays(source) and _strays(target):
        yield f"results without a call: {_strays(target)}"


def _by_turns(roles):
    return [role for at, role in enumerate(roles) if at == 0 or roles[at - 1] != role]


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
        schemas=[tool.get("parameters") for tool in tools if tool],
        choice="required" if choice == "any" else choice,
        parallel=body.get("parallel_tool_calls"),
        calls=[(call["id"], *_function(call.get("function") or call.get("custom"))) for call in calls],
        results=[message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"],
        turns=[
            "assistant" if message["role"] == "assistant" else "user"
            for message in body["messages"]
            if message["role"] not in ("system", "developer")
        ],
        thinks=body.get("reasoning_effort") not in (None, "none", "default"),  # Groq's word for what is so without it
        form=FORMS.get((body.get("response_format") or {}).get("type")),
    )


# What a schema says as well without them: the dialect, and what vendors add or leave out for strictness.
UNSAID = {"$schema", "additionalProperties", "strict", "propertyOrdering"}
# Google takes the numbers of its enum too: https://ai.google.dev/api/caching#Type.
NUMBERED = ["type_unspecified", "string", "number", "integer", "boolean", "array", "object", "null"]


def _plain(schema, *, google=False):
    """A schema without what dialects spell differently."""
    if isinstance(schema, dict):
        plain = {key: _plain(value, google=google) for key, value in schema.items() if key not in UNSAID}
        if google and isinstance(plain.get("type"), int):
            plain["type"] = NUMBERED[plain["type"]]
        elif isinstance(plain.get("type"), str):
            plain["type"] = plain["type"].lower()
        if plain.pop("nullable", False):  # OpenAPI's, which Google took over
            plain["type"] = [plain["type"], "null"]
            plain["enum"] = [*plain["enum"], None] if "enum" in plain else None
        return {key: value for key, value in plain.items() if value not in ({}, [], None)}
    return [_plain(value, google=google) for value in schema] if isinstance(schema, list) else schema


FORMS = {"json_object": "object", "json_schema": "schema"}


def _function(function):
    return function["name"], arguments(function.get("arguments", function.get("input")))


def openai_responses(body):
    items = body.get("input") or []
    if isinstance(items, str):
        items = [{"role": "user"}]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        choice = choice.get("name", choice.get("mode", choice.get("type")))
    calls = [item for item in items if item.get("type") in ("function_call", "custom_tool_call")]
    results = ("function_call_output", "custom_tool_call_output")
    tools = [tool for tool in body.get("tools") or [] if tool["type"] in ("function", "custom")]
    said_by_model = ("function_call", "custom_tool_call", "reasoning")
    return Meaning(
        tools=[tool["name"] for tool in tools],
        schemas=[tool.get("parameters") for tool in tools],
        choice=choice,
        parallel=body.get("parallel_tool_calls"),
        calls=[(call["call_id"], *_function(call)) for call in calls],
        results=[item["call_id"] for item in items if item.get("type") in results],
        turns=[
            "assistant" if item.get("role") == "assistant" or item.get("type") in said_by_model else "user"
            for item in items
            if item.get("role") not in ("system", "developer")
        ],
        thinks=((body.get("reasoning") or {}).get("effort") or "none") != "none",
        form=FORMS.get(((body.get("text") or {}).get("format") or {}).get("type")),
    )


def openai_completions(body):
    return Meaning(tools=[], schemas=[], choice=None, parallel=None, calls=[], results=[], turns=["user"], thinks=False, form=None)


def anthropic_messages(body):
    blocks = [
        block
        for message in body["messages"]
        for block in (message["content"] if isinstance(message["content"], list) else [])
    ]
    choice = body.get("tool_choice") or {}
    tools = [tool for tool in body.get("tools") or [] if tool.get("type", "custom") == "custom"]
    kinds = {"any": "required", "tool": choice.get("name")}
    return Meaning(
        tools=[tool["name"] for tool in tools],
        schemas=[tool.get("input_schema") for tool in tools],
        choice=kinds.get(choice.get("type"), choice.get("type")),
        parallel=False if choice.get("disable_parallel_tool_use") else None,
        calls=[(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"],
        results=[block["tool_use_id"] for block in blocks if block["type"] == "tool_result"],
        turns=[message["role"] for message in body["messages"] if message["role"] != "system"],
        thinks=(body.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
        form="schema" if (body.get("output_config") or {}).get("format") or body.get("output_format") else None,
    )


def gemini_generate(body):
    body = _camel(body)
    parts = [part for content in body["contents"] for part in content.get("parts") or []]
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode, names = config.get("mode"), config.get("allowedFunctionNames") or []
    choice = {"NONE": "none", "AUTO": "auto", "ANY": names[0] if len(names) == 1 else "required"}.get((mode or "").upper())
    functions = [function for tool in body.get("tools") or [] for function in tool.get("functionDeclarations") or []]
    answer = body.get("generationConfig") or {}
    thinking = answer.get("thinkingConfig") or {}
    schemas = {"responseSchema", "responseJsonSchema", "_responseJsonSchema"}
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    return Meaning(
        tools=[function["name"] for function in functions],
        schemas=[
            _plain(function.get("parametersJsonSchema", function.get("parameters")), google=True) for function in functions
        ],
        choice=choice,
        parallel=None,
        calls=[(call.get("id") or call["name"], call["name"], call.get("args") or {}) for call in calls],
        results=[result.get("id") or result["name"] for result in results],
        turns=["assistant" if content.get("role") == "model" else "user" for content in body["contents"]],
        thinks=bool(thinking.get("thinkingBudget") or thinking.get("thinkingLevel")),
        form=None if answer.get("responseMimeType") != "application/json" else "schema" if schemas & answer.keys() else "object",
    )


# Members whose names are the client's own.
THEIR_OWN = {"args", "response", "parameters", "parametersJsonSchema", "parameters_json_schema"}


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
    tools = [tool["toolSpec"] for tool in config.get("tools") or [] if "toolSpec" in tool]
    more = body.get("additionalModelRequestFields") or {}
    extra = more.get("tool_choice") or {}
    if extra:
        choice = {extra["type"]: extra}
    return Meaning(
        tools=[tool["name"] for tool in tools],
        schemas=[tool["inputSchema"]["json"] for tool in tools],
        choice="required" if "any" in choice else (choice.get("tool") or {}).get("name", "auto"),
        parallel=False if extra.get("disable_parallel_tool_use") else None,
        calls=[(call["toolUseId"], call["name"], call["input"]) for call in calls],
        results=[block["toolResult"]["toolUseId"] for block in blocks if "toolResult" in block],
        turns=[message["role"] for message in body["messages"]],
        thinks=bool(more.keys() & {"thinking", "reasoningConfig", "reasoning_config", "reasoning_effort"}),
        form="schema" if (body.get("outputConfig") or {}).get("textFormat") else None,
    )
