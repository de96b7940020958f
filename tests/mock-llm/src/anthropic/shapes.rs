//! The members of Anthropic's requests, from its OpenAPI description (<https://platform.claude.com/docs/en/api/messages/create>).
//! What only the vendor's own tools make is taken as it is.

use crate::shape::Kind::{Any, Flag, List, Members, Number, Object, Tagged, Text, TextOr, Whole, Word};
use crate::shape::{Kind, Member, may, must};

pub(super) static REQUEST: Kind = Members(&[
    must("model", Text),
    must("max_tokens", Whole),
    must("messages", List(&MESSAGE)),
    may("cache_control", CACHE_CONTROL),
    may("container", Any),
    may("context_management", Object),
    may("inference_geo", Text),
    may("mcp_servers", List(&Object)),
    may("metadata", Members(&[may("user_id", Text)])),
    may(
        "output_config",
        Members(&[
            may("effort", Word(&["low", "medium", "high", "xhigh", "max"])),
            may("format", FORMAT),
            may("task_budget", Object),
        ]),
    ),
    may("output_format", FORMAT),
    may("service_tier", Word(&["auto", "standard_only"])),
    may("speed", Text),
    may("stop_sequences", List(&Text)),
    may("stream", Flag),
    may("system", TextOr(&List(&SYSTEM))),
    may("temperature", Number),
    may("thinking", THINKING),
    may("tool_choice", TOOL_CHOICE),
    may("tools", List(&TOOL)),
    may("top_k", Whole),
    may("top_p", Number),
]);

const FORMAT: Kind = Members(&[must("type", Word(&["json_schema"])), must("schema", Object)]);

const CACHE_CONTROL: Kind = Members(&[must("type", Word(&["ephemeral"])), may("ttl", Word(&["5m", "1h"]))]);

const THINKING: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("enabled", Members(&[must("budget_tokens", Whole), may("display", Word(&["summarized", "omitted"]))])),
        ("adaptive", Members(&[may("display", Word(&["summarized", "omitted"]))])),
        ("disabled", Members(&[])),
    ],
};

const TOOL_CHOICE: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("auto", Members(&[may("disable_parallel_tool_use", Flag)])),
        ("any", Members(&[may("disable_parallel_tool_use", Flag)])),
        ("tool", Members(&[must("name", Text), may("disable_parallel_tool_use", Flag)])),
        ("none", Members(&[])),
    ],
};

static SYSTEM: Kind = Tagged { by: "type", default: "", cases: &[("text", Members(&TEXT_BLOCK))] };

static TEXT_BLOCK: [Member; 3] = [must("text", Text), may("cache_control", CACHE_CONTROL), may("citations", Any)];

static MESSAGE: Kind = Members(&[must("role", Text), must("content", TextOr(&List(&BLOCK)))]);

static BLOCK: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("text", Members(&TEXT_BLOCK)),
        ("image", Members(&[must("source", SOURCE), may("cache_control", CACHE_CONTROL)])),
        (
            "document",
            Members(&[
                must("source", SOURCE),
                may("cache_control", CACHE_CONTROL),
                may("citations", Members(&[may("enabled", Flag)])),
                may("context", Text),
                may("title", Text),
            ]),
        ),
        ("thinking", Members(&[must("thinking", Text), must("signature", Text)])),
        ("redacted_thinking", Members(&[must("data", Text)])),
        (
            "tool_use",
            Members(&[
                must("id", Text),
                must("name", Text),
                must("input", Object),
                may("cache_control", CACHE_CONTROL),
                may("caller", Object),
            ]),
        ),
        (
            "tool_result",
            Members(&[
                must("tool_use_id", Text),
                may("content", TextOr(&List(&BLOCK))),
                may("is_error", Flag),
                may("cache_control", CACHE_CONTROL),
            ]),
        ),
        ("search_result", Object),
        ("tool_reference", Object),
        ("container_upload", Object),
        ("server_tool_use", Object),
        ("web_search_tool_result", Object),
        ("web_fetch_tool_result", Object),
        ("code_execution_tool_result", Object),
        ("bash_code_execution_tool_result", Object),
        ("text_editor_code_execution_tool_result", Object),
        ("tool_search_tool_result", Object),
        ("mcp_tool_use", Object),
        ("mcp_tool_result", Object),
        ("compaction", Object),
    ],
};

const SOURCE: Kind = Tagged {
    by: "type",
    default: "",
    cases: &[
        ("base64", Members(&[must("media_type", Text), must("data", Text)])),
        ("url", Members(&[must("url", Text)])),
        ("file", Members(&[must("file_id", Text)])),
        ("text", Members(&[must("media_type", Word(&["text/plain"])), must("data", Text)])),
        ("content", Object),
    ],
};

/// A tool of the caller's; one of Anthropic's own has a dated type and members of its own.
pub(super) static CUSTOM_TOOL: Kind = Members(&[
    must("name", Text),
    must("input_schema", Object),
    may("type", Word(&["custom"])),
    may("description", Text),
    may("cache_control", CACHE_CONTROL),
    may("strict", Flag),
    may("defer_loading", Flag),
    may("eager_input_streaming", Flag),
    may("allowed_callers", List(&Text)),
    may("input_examples", List(&Object)),
]);

static TOOL: Kind = Object;
