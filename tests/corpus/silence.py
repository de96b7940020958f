"""Finds what a translated request lost without saying so.

Every text and number of the client's body must be found in the provider's body, or a declared loss must cover its path.
Words of a format's own (roles, types, choices) change with the format and are not looked for; see WORDS.
"""

import base64
import re

from answer import arguments

# Members whose values are words of the format, or that the gateway owns: their meaning is checked elsewhere. All names here
# are as `camel` has them.
WORDS = {
    "role", "type", "model", "stream", "includeUsage", "includeObfuscation", "status", "object", "anthropicVersion",
    "detail", "effort", "reasoningEffort", "toolChoice", "mode", "thinkingLevel", "budgetTokens", "thinkingBudget",
    "responseMimeType",
}
# Seals of thinking belong to one vendor: `checks` looks for those that come home.
SEALS = {"signature", "thoughtSignature", "encryptedContent", "redactedContent"}
SEALED = {("reasoningDetails", "data"), ("content", "data")}
# Ids of calls link them to their results, and have to be shortened or left out for some vendors; `meaning` looks for the link.
CALL_IDS = {"toolCallId", "toolUseId", "callId"}
CALLS = {"toolCalls", "content", "input", "functionCall", "functionResponse"}
# What is given without being asked for.
INCLUDED = {"reasoning.encrypted_content", "message.output_text.logprobs"}
# "Do not check": https://ai.google.dev/gemini-api/docs/thought-signatures, as text and as base64 of it.
STAND_INS = {
    "skip_thought_signature_validator",
    "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
    "context_engineering_is_the_way_to_go",
    "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv",
}
# Members that say nothing to a model: a label of a schema, the place of a call in its list, what an address tells itself.
LABELS = {
    ("jsonSchema", "name"),
    ("format", "name"),
    ("toolCalls", "index"),
    ("reasoningDetails", "index"),
    ("reasoningDetails", "format"),
    ("reasoningDetails", "id"),
    ("inputAudio", "format"),
    ("fileData", "mimeType"),
    ("reasoning", "summary"),
    ("input", "id"),
}
# Values that say what is so without them.
DEFAULTS = {
    "n": (1,),
    "candidateCount": (1,),
    "temperature": (1,),
    "topP": (1,),
    "frequencyPenalty": (0,),
    "presencePenalty": (0,),
    "serviceTier": ("auto", "default", "standard"),
    "truncation": ("disabled",),
    "verbosity": ("medium",),
    "format": ("text",),
    "topLogprobs": (0,),
    "searchContextSize": ("medium",),
    "ttl": ("5m",),
    "responseModalities": ("TEXT",),
    "display": ("summarized",),  # thinking that can be read, which is asked for in every format
}
SEPARATOR = "\x00"
MEDIA_TYPE = re.compile(r"(image|audio|video|text|application)/[\w.+-]+")
SPELT_BY_BEDROCK = {"text/plain"}


def silent(source, target, losses, *, seals):
    """Paths of the source that are neither in the target nor covered by a loss; of seals where they are asked for."""
    declared = [tuple(map(camel, path.split("."))) for path, *_ in losses]
    texts, numbers = [], set()
    for _, value in _leaves(target, (), inside=True):
        if isinstance(value, str):
            texts.append(value)
        else:
            numbers.add(value)
    haystack = SEPARATOR.join(texts)
    found = []
    leaves = list(_leaves(source, ()))
    # What is said twice (`reasoning` and `reasoning_content`) needs to be declared once.
    covered = {value for path, value in leaves if isinstance(value, str) and _is_covered(path, declared)}
    for path, value in leaves:
        names = [camel(part) for part in path if not part.isdigit()]
        key, place = names[-1], tuple(names[-2:])
        if key in WORDS or value in DEFAULTS.get(key, ()) or place in LABELS or value in STAND_INS:
            continue
        if _is_call_id(names) or (key == "include" and value in INCLUDED):
            continue
        if key == "name" and _is_server_tool(source, path):
            continue
        if key == "reasoningContent" and _is_told_in_pieces(source, path):
            continue
        if (key in SEALS or place in SEALED) and (not seals or _says_reasoning(path, losses)):
            continue
        if _is_covered(path, declared) or value in covered:
            continue
        if not (_has_text(value, haystack) if isinstance(value, str) else value in numbers):
            found.append(f"{'.'.join(path)}: {value!r:.60} is lost in silence")
    return found


def camel(name):
    """Google takes its members in snake case too, and paths of losses are in either."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest) if head else name


def _says_reasoning(path, losses):
    """Whether a loss of the same message tells that its thinking does not cross: the seal goes with it."""
    turn = ".".join(path[:2])
    words = ("thinking", "reasoning", "thought", "signature", "tool")
    return any(
        loss.startswith(turn) and any(word in f"{loss} {reason}".lower() for word in words) for loss, *_, reason in losses
    )


def _is_call_id(names):
    return names[-1] in CALL_IDS or (names[-1] == "id" and len(names) > 1 and names[-2] in CALLS)


def _is_server_tool(source, path):
    """The name of a provider's own tool is a label of its type."""
    if len(path) != 3 or path[0] != "tools":
        return False
    return source["tools"][int(path[1])].get("type") not in (None, "function", "custom")


def _is_told_in_pieces(source, path):
    """`reasoning_details` has the same words piece by piece, each of which is looked for."""
    message = source
    for name in path[:-1]:
        message = message[int(name) if isinstance(message, list) else name]
    return bool(message.get("reasoning_details"))


def _has_text(value, haystack):
    if not value.strip() or value in haystack or value.strip() in haystack:
        return True
    if value.startswith("data:"):
        return _has_text(value.partition(",")[2], haystack)
    if MEDIA_TYPE.fullmatch(value):  # Bedrock has words of its own: pdf, txt
        return value in SPELT_BY_BEDROCK or value.partition("/")[2] in haystack
    if _is_run_of(value, haystack.split(SEPARATOR)):
        return True
    if any(spelling in haystack for spelling in _spellings(value)):
        return True
    parsed = arguments(value)
    if not isinstance(parsed, str):  # JSON in a text: its leaves
        return all(_has_text(leaf, haystack) if isinstance(leaf, str) else True for _, leaf in _leaves(parsed, ()))
    return False


def _is_run_of(value, texts):
    """Whether texts of the target, one after the other, are the value."""
    rest = value.strip()
    while part := max((text for text in texts if text and rest.startswith(text)), key=len, default=None):
        rest = rest[len(part) :].lstrip()
    return not rest


def _spellings(value):
    """A plain text as the bytes of a document and the other way round, and base64 in its other alphabet."""
    yield base64.b64encode(value.encode()).decode()
    standard = value.replace("-", "+").replace("_", "/")
    yield standard
    try:
        text = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
    except ValueError:
        return
    if text:
        yield text


def _leaves(value, path, *, inside=False):
    """Texts and numbers with their paths; with `inside`, those of JSON in a text (arguments) too."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, (*path, key), inside=inside)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _leaves(member, (*path, str(index)), inside=inside)
    elif isinstance(value, str):
        yield path, value
        if inside and value.startswith(("{", "[")) and not isinstance(parsed := arguments(value), str):
            yield from _leaves(parsed, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, value


def _is_covered(path, declared):
    path = tuple(map(camel, path))
    # A document's name goes by many words.
    named = path[-1] in ("filename", "title", "name", "documentName")
    return any(
        path[: len(loss)] == loss or (named and loss[-1] == "title" and path[: len(loss) - 1] == loss[:-1])
        for loss in declared
    )
