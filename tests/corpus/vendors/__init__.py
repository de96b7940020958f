"""One module for each vendor's format: `request`, `whole` and `stream` give violations of the vendor's types, the last two
beside the answer that they read; `error` holds an error's body against the vendor's shape."""

from vendors import (
    anthropic_messages,
    bedrock_converse,
    gemini_generate,
    openai_chat,
    openai_completions,
    openai_responses,
)

ALL = {
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
    "openai_completions": openai_completions,
    "anthropic_messages": anthropic_messages,
    "gemini_generate": gemini_generate,
    "bedrock_converse": bedrock_converse,
}
# Bedrock's format is spoken by providers only.
CLIENTS = [name for name in ALL if name != "bedrock_converse"]
