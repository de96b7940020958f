"""The official client libraries, one adapter each.

An adapter has a `name`, a `dialect`, and four verbs, each for one request of the dialect: `send` it, `stream` it, `parse` its structured
output with what the library has for that, and `abandon` its stream after the first text. `headers` are those of the last response, and
`failure` is how the library reports an error: by one of the classes of `EXCEPTIONS`.
"""

from .anthropic_python import Anthropic
from .google_python import Google
from .openai_node import NodeChat, NodeCompletions, NodeResponses
from .openai_python import PythonChat, PythonCompletions, PythonResponses

ALL = [
    PythonChat,
    PythonResponses,
    PythonCompletions,
    Anthropic,
    Google,
    NodeChat,
    NodeResponses,
    NodeCompletions,
]
