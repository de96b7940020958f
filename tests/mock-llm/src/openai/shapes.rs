//! The members of OpenAI's requests, from its OpenAPI description (<https://github.com/openai/openai-openapi>).

use crate::shape::Kind::{Any, Flag, List, Map, Members, Number, Object, Tagged, Text, TextOr, Whole, Word};
use crate::shape::{Kind, Member, may, must};

const EFFORTS: Kind = Word(&["none", "minimal", "low", "medium", "high", "xhigh", "max"]);
const TIERS: Kind = Word(&["auto", "default", "flex", "scale", "priority"]);
const VERBOSITIES: Kind = Word(&["low", "medium", "high"]);
const RETENTIONS: Kind = Word(&["in_memory", "in-memory", "24h"]);
const DETAILS: Kind = Word(&["auto", "low", "high", "original"]);
const STOP: Kind = TextOr(&List(&Text));

pub(super) static CHAT: Kind = Members(&[
    must("model", Text),
    must("messages", List(&MESSAGE)),
    may("audio", Object),
    may("frequency_penalty", Number),
    may("function_call", Any),
    may("functions", List(&Object)),
    may("logit_bias", Map(&Number)),
    may("logprobs", Flag),
    may("max_completion_tokens", Whole),
    may("max_tokens", Whole),
    may("metadata", Map(&Text)),
    may("modalities", List(&Word(&["text", "audio"]))),
    may("moderation", Object),
    may("n", Whole),
    may("parallel_tool_calls", Flag),
    may("prediction", Object),
    may("presence_penalty", Number),
    may("prompt_cache_key", Text),
    may("prompt_cache_options", Object),
    may("prompt_cache_retention", RETENTIONS),
    may("reasoning_effort", EFFORTS),
    may("response_format", RESPONSE_FORMAT),
    may("safety_identifier", Text),
    may("seed", Whole),
    may("service_tier", TIERS),
    may("stop", STOP),
    may("store", Flag),
    may("stream", Flag),
    may("stream_options", STREAM_OPTIONS),
    may("temperature", Number),
    may("tool_choice", TextOr(&TOOL_CHOICE)),
    may("tools", List(&TOOL)),
    may("top_logprobs", Whole),
    may("top_p", Number),
    may("user", Text),
    may("verbosity", VERBOSITIES),
    may("web_search_options", Object),
]);

const STREAM_OPTIONS: Kind = Members(&[may("include_usage", Flag), may("include_obfuscation", Flag)]);

static MESSAGE: Kind = Tagged {
    by: "role",
    default: "",
    cases: &[
        ("system", Members(&SAID)),
        ("developer", Members(&SAID)),
        ("user", Members(&SAID)),
        (
            "assistant",
            Members(&[
                may("content", TextOr(&List(&PART))),
                may("refusal", Text),
                may("name", Text),
                may("audio", Object),
                may("annotations", List(&Object)),
                may("tool_calls", List(&CALL)),
                may("function_call", Object),
                // Not OpenAI's: what DeepSeek and others send, and take back.
                may("reasoning_content", Text),
            ]),
        ),
        ("tool", Members(&[must("content", TextOr(&List(&PART))), must("tool_call_id", Text), may("name", Text)])),
        ("function", Members(&[may("content", Text), must("name", Text)])),
    ],
};

static SAID: [Member; 2] = [must("content", TextOr(&List(&PART))), may("name", Text)];

static PART: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("text", Members(&[must("text", Text), may("prompt_cache_breakpoint", Object)])),
        ("refusal", Members(&[must("refusal", Text)])),
        (
            "image_url",
            Members(&[
                must("image_url", Members(&[must("url", Text), may("detail", DETAILS)])),
                may("prompt_cache_breakpoint", Object),
            ]),
        ),
        (
            "input_audio",
            Members(&[must("input_audio", Members(&[must("data", Text), must("format", Word(&["wav", "mp3"]))]))]),
        ),
        (
            "file",
            Members(&[must("file", Members(&[may("file_data", Text), may("file_id", Text), may("filename", Text)]))]),
        ),
    ],
};

static CALL: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        (
            "function",
            Members(&[must("id", Text), must("function", Members(&[must("name", Text), must("arguments", Text)]))]),
        ),
        ("custom", Members(&[must("id", Text), must("custom", Object)])),
    ],
};

static TOOL: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("function", Members(&[must("function", Members(&FUNCTION))])),
        ("custom", Members(&[must("custom", Object)])),
    ],
};

static FUNCTION: [Member; 4] =
    [must("name", Text), may("description", Text), may("parameters", Object), may("strict", Flag)];

static TOOL_CHOICE: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("function", Members(&[must("function", Members(&[must("name", Text)]))])),
        ("custom", Members(&[must("custom", Object)])),
        ("allowed_tools", Members(&[must("allowed_tools", Object)])),
    ],
};

const RESPONSE_FORMAT: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("text", Members(&[])),
        ("json_object", Members(&[])),
        (
            "json_schema",
            Members(&[must(
                "json_schema",
                Members(&[must("name", Text), may("description", Text), may("schema", Object), may("strict", Flag)]),
            )]),
        ),
    ],
};

pub(super) static COMPLETIONS: Kind = Members(&[
    must("model", Text),
    must("prompt", TextOr(&List(&Any))),
    may("best_of", Whole),
    may("echo", Flag),
    may("frequency_penalty", Number),
    may("logit_bias", Map(&Number)),
    may("logprobs", Whole),
    may("max_tokens", Whole),
    may("n", Whole),
    may("presence_penalty", Number),
    may("seed", Whole),
    may("stop", STOP),
    may("stream", Flag),
    may("stream_options", STREAM_OPTIONS),
    may("suffix", Text),
    may("temperature", Number),
    may("top_p", Number),
    may("user", Text),
]);

pub(super) static RESPONSES: Kind = Members(&[
    must("model", Text),
    may("input", TextOr(&List(&ITEM))),
    may("background", Flag),
    may("context_management", List(&Object)),
    may("conversation", TextOr(&Object)),
    may("include", List(&Text)),
    may("instructions", Text),
    may("max_output_tokens", Whole),
    may("max_tool_calls", Whole),
    may("metadata", Map(&Text)),
    may("moderation", Object),
    may("parallel_tool_calls", Flag),
    may("previous_response_id", Text),
    may("prompt", Object),
    may("prompt_cache_key", Text),
    may("prompt_cache_options", Object),
    may("prompt_cache_retention", RETENTIONS),
    may(
        "reasoning",
        Members(&[
            may("mode", Text),
            may("effort", EFFORTS),
            may("summary", Word(&["auto", "concise", "detailed"])),
            may("context", Text),
            may("generate_summary", Word(&["auto", "concise", "detailed"])),
        ]),
    ),
    may("safety_identifier", Text),
    may("service_tier", TIERS),
    may("store", Flag),
    may("stream", Flag),
    may("stream_options", Members(&[may("include_obfuscation", Flag)])),
    may("temperature", Number),
    may("text", Members(&[may("format", TEXT_FORMAT), may("verbosity", VERBOSITIES)])),
    may("tool_choice", TextOr(&Object)),
    may("tools", List(&RESPONSES_TOOL)),
    may("top_logprobs", Whole),
    may("top_p", Number),
    may("truncation", Word(&["auto", "disabled"])),
    may("user", Text),
]);

const TEXT_FORMAT: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("text", Members(&[])),
        ("json_object", Members(&[])),
        (
            "json_schema",
            Members(&[must("name", Text), must("schema", Object), may("description", Text), may("strict", Flag)]),
        ),
    ],
};

static RESPONSES_TOOL: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        (
            "function",
            Members(&[
                must("name", Text),
                may("description", Text),
                may("parameters", Object),
                may("strict", Flag),
                may("defer_loading", Flag),
                may("output_schema", Object),
                may("allowed_callers", List(&Text)),
            ]),
        ),
        ("custom", Object),
        ("web_search", Object),
        ("web_search_preview", Object),
        ("file_search", Object),
        ("code_interpreter", Object),
        ("computer_use_preview", Object),
        ("image_generation", Object),
        ("local_shell", Object),
        ("shell", Object),
        ("apply_patch", Object),
        ("tool_search", Object),
        ("namespace", Object),
        ("mcp", Object),
    ],
};

/// An item of the input. What only the vendor's own tools make is taken as it is.
static ITEM: Kind = Tagged {
    by: "type",
    default: "message",
    cases: &[
        (
            "message",
            Members(&[
                must("role", Word(&["user", "assistant", "system", "developer"])),
                must("content", TextOr(&List(&RESPONSES_PART))),
                may("id", Text),
                may("status", STATUS),
                may("phase", Word(&["commentary", "final_answer"])),
            ]),
        ),
        (
            "function_call",
            Members(&[
                must("call_id", Text),
                must("name", Text),
                must("arguments", Text),
                may("id", Text),
                may("status", STATUS),
                may("namespace", Text),
                may("caller", Object),
            ]),
        ),
        (
            "function_call_output",
            Members(&[
                must("call_id", Text),
                must("output", TextOr(&List(&RESPONSES_PART))),
                may("id", Text),
                may("status", STATUS),
                may("name", Text),
                may("namespace", Text),
                may("caller", Object),
            ]),
        ),
        (
            "reasoning",
            Members(&[
                must("summary", List(&Members(&[must("type", Word(&["summary_text"])), must("text", Text)]))),
                may("id", Text),
                may("content", List(&Members(&[must("type", Word(&["reasoning_text"])), must("text", Text)]))),
                may("encrypted_content", Text),
                may("status", STATUS),
            ]),
        ),
        ("item_reference", Members(&[must("id", Text)])),
        ("custom_tool_call", Object),
        ("custom_tool_call_output", Object),
        ("web_search_call", Object),
        ("file_search_call", Object),
        ("code_interpreter_call", Object),
        ("image_generation_call", Object),
        ("computer_call", Object),
        ("computer_call_output", Object),
        ("local_shell_call", Object),
        ("local_shell_call_output", Object),
        ("shell_call", Object),
        ("shell_call_output", Object),
        ("apply_patch_call", Object),
        ("apply_patch_call_output", Object),
        ("tool_search_call", Object),
        ("tool_search_output", Object),
        ("additional_tools", Object),
        ("mcp_list_tools", Object),
        ("mcp_approval_request", Object),
        ("mcp_approval_response", Object),
        ("mcp_call", Object),
        ("compaction", Object),
        ("configuration_update", Object),
    ],
};

const STATUS: Kind = Word(&["in_progress", "completed", "incomplete"]);

static RESPONSES_PART: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("input_text", Members(&[must("text", Text), may("prompt_cache_breakpoint", Object)])),
        (
            "input_image",
            Members(&[
                may("image_url", Text),
                may("file_id", Text),
                may("detail", DETAILS),
                may("prompt_cache_breakpoint", Object),
            ]),
        ),
        (
            "input_file",
            Members(&[
                may("file_id", Text),
                may("filename", Text),
                may("file_data", Text),
                may("file_url", Text),
                may("detail", DETAILS),
                may("prompt_cache_breakpoint", Object),
            ]),
        ),
        (
            "output_text",
            Members(&[must("text", Text), may("annotations", List(&Object)), may("logprobs", List(&Object))]),
        ),
        ("refusal", Members(&[must("refusal", Text)])),
    ],
};
