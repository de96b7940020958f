//! The checks that Anthropic makes before it answers, with its own words.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{parts, shapes};
use crate::provider::Call;
use crate::send::Answer;
use crate::shape::{self, Fault, Problem};
use crate::signed;

/// The body of a request that Anthropic would accept.
pub(super) fn admitted(call: &Call<'_>) -> Result<Value, Answer> {
    authorized(call)?;
    let body: Value = serde_json::from_slice(call.body)
        .map_err(|error| invalid(&format!("The request body is not valid JSON: {error}")))?;
    if !call.is_lenient() {
        shape::check(&body, &shapes::REQUEST).map_err(|fault| invalid(&unfit(&fault)))?;
        top_level(&body)?;
        thinking(&body)?;
        tools(&body)?;
        messages(&body)?;
    }
    match body["model"].as_str() {
        Some(model) if model.starts_with("no-such") => Err(error(404, "not_found_error", &format!("model: {model}"))),
        _ => Ok(body),
    }
}

/// Key and version, both as headers. The key comes as `x-api-key`, or as a bearer token from the official Python client since 2.x, which
/// also names the version 2026-10-21; the documents (<https://platform.claude.com/docs/en/api/versioning>) name the older two.
pub(super) fn authorized(call: &Call<'_>) -> Result<(), Answer> {
    let bearer = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if call.header("x-api-key").or(bearer).is_none_or(str::is_empty) {
        return Err(error(401, "authentication_error", "x-api-key header is required"));
    }
    match call.header("anthropic-version") {
        Some("2023-01-01" | "2023-06-01" | "2026-10-21") => Ok(()),
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

fn unfit(Fault { path, problem }: &Fault) -> String {
    let problem = match problem {
        Problem::Unknown => "Extra inputs are not permitted".to_owned(),
        Problem::Missing => "Field required".to_owned(),
        Problem::Expected(what) => format!("Input should be {what}"),
        Problem::Choices(words) => format!("Input should be '{}'", words.join("' or '")),
        Problem::Union => "Input should have exactly one member".to_owned(),
    };
    format!("{}: {problem}", path.dotted())
}

fn top_level(body: &Value) -> Result<(), Answer> {
    if body["max_tokens"].as_u64().is_none_or(|tokens| tokens == 0) {
        return Err(invalid("max_tokens: Input should be greater than or equal to 1"));
    }
    let range = |name: &str| body[name].as_f64().filter(|value| !(0.0..=1.0).contains(value));
    for name in ["temperature", "top_p"] {
        if range(name).is_some() {
            return Err(invalid(&format!("{name}: range: 0..1")));
        }
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
    if thinking["type"] == "enabled" {
        return thinking_is_kept(parts(&body["messages"]));
    }
    Ok(())
}

/// A turn that goes on after tools has to bring back the thinking that it began with.
fn thinking_is_kept(messages: &[Value]) -> Result<(), Answer> {
    let in_tools =
        messages.last().is_some_and(|last| parts(&last["content"]).iter().any(|block| block["type"] == "tool_result"));
    let answer = messages.iter().enumerate().rev().find(|(_, message)| message["role"] == "assistant");
    let Some((position, answer)) = answer.filter(|_| in_tools) else { return Ok(()) };
    match parts(&answer["content"]).first().and_then(|block| block["type"].as_str()) {
        Some("thinking" | "redacted_thinking") => Ok(()),
        found => Err(invalid(&format!(
            "messages.{position}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{}`. When `thinking` is enabled, a \
             final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` \
             blocks). To avoid this requirement, disable `thinking`.",
            found.unwrap_or("text")
        ))),
    }
}

fn tools(body: &Value) -> Result<(), Answer> {
    for (position, tool) in parts(&body["tools"]).iter().enumerate() {
        if tool.get("type").is_some_and(|kind| kind != "custom") {
            continue; // a tool of Anthropic's own
        }
        shape::check(tool, &shapes::CUSTOM_TOOL)
            .map_err(|fault| invalid(&format!("tools.{position}.custom.{}", unfit(&fault))))?;
        let name = tool["name"].as_str().unwrap_or_default();
        let fits = |symbol: char| symbol.is_ascii_alphanumeric() || "_-".contains(symbol);
        if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
            return Err(invalid(&format!(
                "tools.{position}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )));
        }
        if parts(&body["tools"]).iter().take(position).any(|earlier| earlier["name"] == name) {
            return Err(invalid("tools: Tool names must be unique."));
        }
        if tool["input_schema"]["type"] != "object" {
            return Err(invalid(&format!("tools.{position}.custom.input_schema.type: Field required")));
        }
    }
    let choice = body["tool_choice"]["type"].as_str();
    if matches!(choice, Some("any" | "tool")) && parts(&body["tools"]).is_empty() {
        return Err(invalid("tool_choice: tools must be provided"));
    }
    match body["tool_choice"]["name"].as_str() {
        Some(name) if !parts(&body["tools"]).iter().any(|tool| tool["name"] == name) => {
            Err(invalid(&format!("Tool '{name}' not found in provided tools")))
        }
        _ => Ok(()),
    }
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
            self::block(block, role, &format!("messages.{position}.content.{index}"))?;
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
    match open.first() {
        None => Ok(()),
        Some(id) => Err(invalid(&format!(
            "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {id}.",
            messages.len() - 1
        ))),
    }
}

/// Where a block may stand, and that what was signed or encoded is whole.
fn block(block: &Value, role: &str, path: &str) -> Result<(), Answer> {
    let kind = block["type"].as_str().unwrap_or_default();
    let misplaced: &[&str] = if role == "user" {
        &["thinking", "redacted_thinking", "tool_use"]
    } else {
        &["image", "document", "tool_result"]
    };
    if misplaced.contains(&kind) {
        return Err(invalid(&format!("{path}: `{kind}` blocks are not allowed in `{role}` messages")));
    }
    let id = block["id"].as_str().filter(|_| kind == "tool_use");
    if id.is_some_and(|id| {
        id.is_empty() || !id.chars().all(|symbol| symbol.is_ascii_alphanumeric() || "_-".contains(symbol))
    }) {
        return Err(invalid(&format!("{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")));
    }
    let source = &block["source"];
    if source["type"] == "base64" {
        if source["data"].as_str().is_none_or(|data| STANDARD.decode(data).is_err()) {
            return Err(invalid(&format!("{path}.{kind}.source.base64: invalid base64 data")));
        }
        let known: &[&str] = if kind == "image" {
            &["image/jpeg", "image/png", "image/gif", "image/webp"]
        } else {
            &["application/pdf"]
        };
        if source["media_type"].as_str().is_none_or(|media_type| !known.contains(&media_type)) {
            let known = known.join("' or '");
            return Err(invalid(&format!("{path}.{kind}.source.base64.media_type: Input should be '{known}'")));
        }
    }
    match kind {
        "text" if block["text"] == "" => Err(invalid("messages: text content blocks must be non-empty")),
        "thinking" => {
            let member = |name: &str| block[name].as_str().unwrap_or_default();
            if signed::is_signature("claude", member("thinking"), member("signature")) {
                return Ok(());
            }
            Err(invalid(&format!("{path}: Invalid `signature` in `thinking` block")))
        }
        "redacted_thinking" if signed::opened("claude", block["data"].as_str().unwrap_or_default()).is_none() => {
            Err(invalid(&format!("{path}: Invalid `data` in `redacted_thinking` block")))
        }
        _ => parts(&block["content"])
            .iter()
            .filter(|_| kind == "tool_result")
            .try_for_each(|inner| self::block(inner, "user", path)),
    }
}
