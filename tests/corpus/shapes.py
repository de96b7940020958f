"""Holds JSON against the types that a client library publishes: TypedDicts of requests, pydantic models of responses.

pydantic itself is not strict enough here: TypedDicts let unknown members pass and read an `Iterable` lazily, models of
responses allow extras, and the errors of a union name every branch. This walk reports unknown members, missing ones and wrong
kinds, by path, of the branch that the value means.
"""

import collections.abc
import datetime
import enum
import functools
import types
import typing

import pydantic
import typing_extensions
from pydantic.fields import FieldInfo

UNIONS = (typing.Union, types.UnionType)
QUALIFIERS = (typing_extensions.Required, typing_extensions.NotRequired, typing_extensions.ReadOnly)
SEQUENCES = (list, tuple, set, collections.abc.Iterable, collections.abc.Sequence)


class Member(typing.NamedTuple):
    annotation: object
    required: bool


def check(value, annotation, path=""):
    """The violations of `value`, as `path: what`."""
    annotation = _bare(annotation)
    origin, arguments = typing_extensions.get_origin(annotation), typing_extensions.get_args(annotation)
    if annotation in (object, typing.Any) or isinstance(annotation, typing.TypeVar):
        return []
    if origin in UNIONS:
        return _check_union(value, arguments, path)
    if origin in (typing.Literal, typing_extensions.Literal):
        return [] if value in arguments and type(value) in map(type, arguments) else [_wrong(path, value, annotation)]
    if origin in SEQUENCES or getattr(origin, "__name__", "") == "SequenceNotStr":
        if not isinstance(value, list):
            return [_wrong(path, value, annotation)]
        item = arguments[0] if arguments else object
        return [found for index, element in enumerate(value) for found in check(element, item, f"{path}[{index}]")]
    if origin in (dict, collections.abc.Mapping):
        if not isinstance(value, dict):
            return [_wrong(path, value, annotation)]
        return [found for key, element in value.items() for found in check(element, arguments[1], f"{path}.{key}")]
    members = members_of(annotation)
    if members is not None:
        if not isinstance(value, dict):
            return [_wrong(path, value, annotation)]
        return _check_members(value, members, _is_open(annotation), path)
    return [] if _is_plain(value, annotation) else [_wrong(path, value, annotation)]


def _check_members(value, members, open_ended, path):
    unknown = [f"{path}.{key}: unknown member" for key in value if key not in members and not open_ended]
    missing = [f"{path}.{key}: missing" for key, member in members.items() if member.required and key not in value]
    known = ((key, members[key].annotation) for key in value if key in members)
    return unknown + missing + [found for key, hint in known for found in check(value[key], hint, f"{path}.{key}")]


def _check_union(value, branches, path):
    branches = list(map(_bare, branches))
    if value is None and type(None) in branches:
        return []
    # An object means the branches whose literals (`type`, `role`) it has; without any, all are as good.
    meant = [branch for branch in branches if isinstance(value, dict) and _has_literals(value, branch)]
    found = None
    for branch in meant or branches:
        here = check(value, branch, path)
        if not here:
            return []
        if found is None or _badness(here, path) < _badness(found, path):
            found = here
    return found


def _badness(found, path):
    """Fewest violations first; a wrong kind of the value as a whole says the least about it."""
    return (any(violation.startswith(f"{path}: ") for violation in found), len(found))


def _has_literals(value, branch):
    if typing_extensions.get_origin(branch) in UNIONS:
        return any(_has_literals(value, _bare(part)) for part in typing_extensions.get_args(branch))
    present = [(key, allowed) for key, allowed in _literals_of(branch) if key in value]
    return bool(present) and all(value[key] in allowed for key, allowed in present)


@functools.cache
def _literals_of(branch):
    """The members of a type that may only have certain values, with these."""
    literals = ((key, _bare(member.annotation)) for key, member in (members_of(branch) or {}).items())
    return [
        (key, typing_extensions.get_args(annotation))
        for key, annotation in literals
        if typing_extensions.get_origin(annotation) in (typing.Literal, typing_extensions.Literal)
    ]


def _is_plain(value, annotation):
    if annotation in (type(None), None):
        return value is None
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return value in [member.value for member in annotation]
    if annotation in (str, bytes, datetime.datetime, datetime.date) or getattr(annotation, "__supertype__", None) is str:
        return isinstance(value, str)
    if annotation is bool:
        return isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if annotation is dict:
        return isinstance(value, dict)
    # A type that no JSON can be (a file's handle): another branch of its union is meant.
    return False


def _wrong(path, value, annotation):
    shown = repr(value)
    name = getattr(annotation, "__name__", None)
    if name is None or typing_extensions.get_args(annotation):
        name = str(annotation).replace("typing_extensions.", "").replace("typing.", "")
    return f"{path}: {shown if len(shown) <= 40 else shown[:40] + '…'} is not {name[:80]}"


def _bare(annotation):
    while True:
        origin = typing_extensions.get_origin(annotation)
        if origin is typing_extensions.Annotated or origin in QUALIFIERS:
            annotation = typing_extensions.get_args(annotation)[0]
        elif isinstance(annotation, typing_extensions.TypeAliasType):
            annotation = annotation.__value__
        else:
            return annotation


@functools.cache
def members_of(annotation):
    """The members of a TypedDict or model by the names they have in JSON, or None for other types."""
    if typing_extensions.is_typeddict(annotation):
        hints = typing_extensions.get_type_hints(annotation, include_extras=True)
        return {_alias(hint, name): Member(hint, _is_required(annotation, name, hint)) for name, hint in hints.items()}
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return {
            field.alias or name: Member(field.annotation, field.is_required())
            for name, field in annotation.model_fields.items()
            if isinstance(field, FieldInfo)
        }
    return None




def _is_required(annotation, name, hint):
    origin = typing_extensions.get_origin(hint)
    if origin is typing_extensions.NotRequired:
        return False
    return origin is typing_extensions.Required or (annotation.__total__ and name in annotation.__required_keys__)


def _is_open(annotation):
    """Whether the vendor declares a TypedDict as one that may have further members."""
    return getattr(annotation, "__pydantic_config__", {}).get("extra") == "allow"


def _alias(hint, name):
    while typing_extensions.get_origin(hint) in QUALIFIERS:
        hint = typing_extensions.get_args(hint)[0]
    if typing_extensions.get_origin(hint) is typing_extensions.Annotated:
        for note in typing_extensions.get_args(hint)[1:]:
            if getattr(note, "alias", None):
                return note.alias
    return name


def parse(parser, *values):
    """What a library's own parser has against the values."""
    try:
        parser(*values)
    except pydantic.ValidationError as error:
        what = error.errors()[0]  # of a union's, the first says as much as all: check() says what is meant
        return [f"the client library refuses {'.'.join(map(str, what['loc']))[-120:]}: {what['msg']}"]
    except Exception as error:  # a library may raise anything: that is the finding
        return [f"the client library raises {type(error).__name__}: {error}"[:300]]
    return []
