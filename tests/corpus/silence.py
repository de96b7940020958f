"""Finds what a translated request lost without saying so.

Every text and number of the client's body must be found in the provider's body, or a declared loss must cover its path.
Words of a format's own (roles, types, choices) change with the format and are not looked for; see WORDS.
"""

import base64
import re

from answer import arguments

# Members whose values are words of the format, or that the gateway owns: their meaning is checked elsewhere.
WORDS = {
    "role", "type", "model", "stream", "include_usage", "include_obfuscation", "status", "object", "anthropic_version",
    "detail", "effort", "reasoning_effort", "tool_choice", "mode", "thinkingLevel", "budget_tokens", "thinkingBudget",
    "responseMimeType",
}
# Seals of thinking belong to one vendor: `checks` looks for those that come home.
SEALS = {"signature", "thoughtSignature", "thought_signature", "encrypted_content", "redactedContent"}
SEALED = {("reasoning_details", "data"), ("content", "data")}
# Ids of calls link them to their results, and have to be shortened or left out for some vendors; `meaning` looks for the link.
CALL_IDS = {"tool_call_id", "tool_use_id", "call_id", "toolUseId"}
CALLS = {"tool_calls", "content", "input", "functionCall", "functionResponse"}
# What is given without being asked for.
INCLUDED = {"reasoning.encrypted_content"}
# "Do not check": https://ai.google.dev/gemini-api/docs/thought-signatures, as text and as base64 of it.
STAND_INS = {"skip_thought_signature_validator", "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="}
# Members that say nothing to a model: a label of a schema, the place of a call in its list.
LABELS = {
    ("json_schema", "name"),
    ("format", "name"),
    ("tool_calls", "index"),
    ("reasoning_details", "index"),
    ("reasoning_details", "format"),
    ("reasoning_details", "id"),
    ("input_audio", "format"),
    ("reasoning", "summary"),
    ("input", "id"),
}
# Values that say what is so without them.
DEFAULTS = {
    "n": (1,),
    "candidateCount": (1,),
    "temperature": (1,),
    "top_p": (1,),
    "topP": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "service_tier": ("auto", "default", "standard"),
    "truncation": ("disabled",),
    "verbosity": ("medium",),
    "format": ("text",),
    "top_logprobs": (0,),
    "ttl": ("5m",),
    "responseModalities": ("TEXT",),
}
MEDIA_TYPE = re.compile(r"(image|audio|video|text|application)/[\w.+-]+")
SPELT_BY_BEDROCK = {"text/plain"}


def silent(source, target, losses, *, seals):
    """Paths of the source that are neither in the target nor covered by a loss; of seals where they are asked for."""
    declared = [tuple(path.split(".")) for path, *_ in losses]
    texts, numbers = [], set()
    for _, value in _leaves(target, ()):
        if isinstance(value, str):
            texts.append(value)
        else:
            numbers.add(value)
    texts.sort(key=len)
    haystack = "\x00".join(texts)
    found = []
    leaves = list(_leaves(source, ()))
    # What is said twice (`reasoning` and `reasoning_content`) needs to be declared once.
    covered = {value for path, value in leaves if isinstance(value, str) and _is_covered(path, declared)}
    for path, value in leaves:
        names = [part for part in path if not part.isdigit()]
        key = names[-1]
        if key in WORDS or value in DEFAULTS.get(key, ()) or tuple(names[-2:]) in LABELS or value in STAND_INS:
            continue
        if _is_call_id(names) or ((key in SEALS or tuple(names[-2:]) in SEALED) and not seals) or (key == "include" and value in INCLUDED):
            continue
        if key == "name" and _is_server_tool(source, path):
            continue
        if _is_covered(path, declared) or value in covered:
            continue
        if not (_has_text(value, haystack) if isinstance(value, str) else value in numbers):
            found.append(f"{'.'.join(path)}: {value!r:.60} is lost in silence")
    return found


def _is_call_id(names):
    return names[-1] in CALL_IDS or (names[-1] == "id" and len(names) > 1 and names[-2] in CALLS)


def _is_server_tool(source, path):
    """The name of a provider's own tool is a label of its type."""
    if len(path) != 3 or path[0] != "tools":
        return False
    return source["tools"][int(path[1])].get("type") not in (None, "function", "custom")


def _has_text(value, haystack):
    if not value.strip() or value in haystack or value.strip() in haystack:
        return True
    if value.startswith("data:"):
        return value.partition(",")[2] in haystack
    if MEDIA_TYPE.fullmatch(value):  # Bedrock has words of its own: pdf, txt
        return value in SPELT_BY_BEDROCK or value.partition("/")[2] in haystack
    if base64.b64encode(value.encode()).decode() in haystack:  # plain text as the bytes of a document
        return True
    parsed = arguments(value)
    if not isinstance(parsed, str):  # JSON in a text: its leaves
        return all(_has_text(leaf, haystack) if isinstance(leaf, str) else True for _, leaf in _leaves(parsed, ()))
    # Ids may have to be spelled otherwise.
    return re.sub(r"[^A-Za-z0-9_-]", "_", value)[:64] in haystack


def _leaves(value, path):
    """Texts and numbers with their paths. A text that is a JSON object (arguments) gives its leaves too."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _leaves(member, (*path, str(index)))
    elif isinstance(value, str):
        yield path, value
        if value.startswith(("{", "[")) and not isinstance(parsed := arguments(value), str):
            yield from ((path, leaf) for _, leaf in _leaves(parsed, path))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, value


def _is_covered(path, declared):
    # A document's name goes by many words.
    named = path[-1] in ("filename", "title", "name") and (*path[:-1], "title")
    return any(path[: len(loss)] == loss or (named and loss[-1] == "title" and path[: len(loss) - 1] == loss[:-1]) for loss in declared)
