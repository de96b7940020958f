//! The checks that Anthropic makes before it answers, with its own words.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::parts;
use crate::provider::Call;
use crate::send::Answer;

/// Members of the request's top level; any other is refused.
const KNOWN: [&str; 18] = [
    "model",
    "messages",
    "cache_control",
    "container",
    "inference_geo",
    "max_tokens",
    "metadata",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// The body of a request that Anthropic would accept.
pub(super) fn admitted(call: &Call<'_>) -> Result<Value, Answer> {
    authorized(call)?;
    let body: Value = serde_json::from_slice(call.body)
        .map_err(|error| invalid(&format!("The request body is not valid JSON: {error}")))?;
    top_level(&body)?;
    thinking(&body)?;
    tools(&body)?;
    messages(&body)?;
    match body["model"].as_str() {
        Some(model) if model.starts_with("no-such") => Err(error(404, "not_found_error", &format!("model: {model}"))),
        _ => Ok(body),
    }
}

/// Key and version, both as headers.
pub(super) fn authorized(call: &Call<'_>) -> Result<(), Answer> {
    if call.header("x-api-key").is_none_or(str::is_empty) {
        return Err(error(401, "authentication_error", "x-api-key header is required"));
    }
    match call.header("anthropic-version") {
        Some("2023-06-01" | "2023-01-01") => Ok(()),
        Some(other) => Err(invalid(&format!("anthropic-version: \"{other}\" is not a valid version"))),
        None => Err(invalid("anthropic-version: header is required")),
    }
}

/// An error in Anthropic's shape.
pub(super) fn error(status: u16, kind: &str, message: &str) -> Answer {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_mock00000000000000000000"});
    Answer::json(status, &body)
}

fn invalid(message: &str) -> Answer {
    error(400, "invalid_request_error", message)
}

fn top_level(body: &Value) -> Result<(), Answer> {
    for required in ["model", "max_tokens", "messages"] {
        if body.get(required).is_none() {
            return Err(invalid(&format!("{required}: Field required")));
        }
    }
    if let Some(unknown) =
        body.as_object().into_iter().flatten().map(|(name, _)| name).find(|name| !KNOWN.contains(&name.as_str()))
    {
        return Err(invalid(&format!("{unknown}: Extra inputs are not permitted")));
    }
    if body["max_tokens"].as_u64().is_none_or(|tokens| tokens == 0) {
        return Err(invalid("max_tokens: Input should be greater than or equal to 1"));
    }
    let range = |name: &str| body[name].as_f64().filter(|value| !(0.0..=1.0).contains(value));
    for name in ["temperature", "top_p"] {
        if range(name).is_some() {
            return Err(invalid(&format!("{name}: range: 0..1")));
        }
    }
    let system = &body["system"];
    if !(system.is_null() || system.is_string() || system.is_array()) {
        return Err(invalid("system: Input should be a valid list"));
    }
    Ok(())
}

fn thinking(body: &Value) -> Result<(), Answer> {
    let thinking = &body["thinking"];
    if thinking["type"] == "enabled" {
        let budget = thinking["budget_tokens"].as_u64().unwrap_or(0);
        if budget < 1024 {
            return Err(invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"));
        }
        if body["max_tokens"].as_u64().is_some_and(|cap| cap <= budget) {
            return Err(invalid("`max_tokens` must be greater than `thinking.budget_tokens`."));
        }
    }
    if matches!(thinking["type"].as_str(), Some("enabled" | "adaptive")) {
        if body["temperature"].as_f64().is_some_and(|temperature| temperature != 1.0) {
            return Err(invalid("`temperature` may only be set to 1 when thinking is enabled."));
        }
        if matches!(body["tool_choice"]["type"].as_str(), Some("any" | "tool")) {
            return Err(invalid("Thinking may not be enabled when tool_choice forces tool use."));
        }
    }
    Ok(())
}

fn tools(body: &Value) -> Result<(), Answer> {
    for (position, tool) in parts(&body["tools"]).iter().enumerate() {
        if tool.get("type").is_some_and(|kind| kind != "custom") {
            continue; // a tool of Anthropic's own
        }
        let name = tool["name"].as_str().unwrap_or_default();
        let fits = |symbol: char| symbol.is_ascii_alphanumeric() || "_-".contains(symbol);
        if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
            return Err(invalid(&format!(
                "tools.{position}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )));
        }
        if tool["input_schema"]["type"] != "object" {
            return Err(invalid(&format!("tools.{position}.custom.input_schema.type: Field required")));
        }
    }
    let choice = body["tool_choice"]["type"].as_str();
    if matches!(choice, Some("any" | "tool")) && parts(&body["tools"]).is_empty() {
        return Err(invalid("tool_choice: tools must be provided"));
    }
    Ok(())
}

/// Roles, empty texts, and that every tool call is answered in the message that follows it, and nothing else is.
fn messages(body: &Value) -> Result<(), Answer> {
    let messages = parts(&body["messages"]);
    if messages.is_empty() {
        return Err(invalid("messages: at least one message is required"));
    }
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for (position, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !["user", "assistant"].contains(&role) {
            return Err(invalid(&format!("messages.{position}.role: Input should be 'user' or 'assistant'")));
        }
        if position == 0 && role != "user" {
            return Err(invalid("messages: first message must use the \"user\" role"));
        }
        if message["content"] == "" && position + 1 < messages.len() {
            return Err(invalid(&format!(
                "messages.{position}: all messages must have non-empty content except for the optional final assistant message"
            )));
        }
        let blocks = parts(&message["content"]);
        for (index, block) in blocks.iter().enumerate() {
            if block["type"] == "text" && block["text"] == "" {
                return Err(invalid("messages: text content blocks must be non-empty"));
            }
            let answered = block["tool_use_id"].as_str().filter(|_| block["type"] == "tool_result");
            if let Some(id) = answered.filter(|id| !open.remove(id)) {
                return Err(invalid(&format!(
                    "messages.{position}.content.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each \
                     `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )));
            }
        }
        if let Some(id) = open.first() {
            return Err(invalid(&format!(
                "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {id}. Each `tool_use` \
                 block must have a corresponding `tool_result` block in the next message.",
                position.saturating_sub(1)
            )));
        }
        let uses = blocks.iter().filter(|block| block["type"] == "tool_use");
        open = uses.filter_map(|block| block["id"].as_str()).collect();
    }
    Ok(())
}
