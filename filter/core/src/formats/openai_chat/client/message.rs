//! One message of a client, decoded: words, calls and results.

use super::{
    part::{decode_content, part, pick},
    thinking::Recalled,
};
use crate::{
    canonical::{Block, Message, Part, Role, Seal, Vendor},
    dialect::{InvalidRequest, want},
    json::Node,
    vendors::claude::decode_cache,
};

/// A member of `messages`. The result of a tool becomes a user message with that part.
pub(super) fn decode_message<'a>(
    value: Node<'a>,
    path: String,
    extra: &mut Vec<String>,
) -> Result<Message<'a>, InvalidRequest> {
    let members = want(value.members(), &path, "an object")?;
    let role_path = format!("{path}.role");
    let spoken = want(pick(&members, "role").and_then(Node::string), &role_path, "a string")?;
    let role = match &*spoken {
        "system" | "developer" => Role::System,
        "user" | "tool" => Role::User,
        "assistant" => Role::Assistant,
        "function" => {
            return Err(InvalidRequest::new(role_path, "\"function\" is deprecated; use \"tool\" in its place"));
        }
        _ => return Err(InvalidRequest::new(role_path, "must be system, developer, user, assistant or tool")),
    };
    let (mut recalled, mut content, mut calls) = (Recalled::default(), Vec::new(), Vec::new());
    let (mut call_id, mut refusal, mut cache) = (None, None, None);
    for (key, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        let at = format!("{path}.{key}");
        match (&*key, &*spoken) {
            ("role", _) => {}
            ("content", _) => content = decode_content(value, at, extra)?,
            ("tool_calls", "assistant") => {
                for (index, call) in want(value.elements(), &at, "a list")?.into_iter().enumerate() {
                    decode_call(call, format!("{at}.{index}"), &mut calls, extra)?;
                }
            }
            ("tool_calls", _) if value.elements().is_some_and(|calls| calls.is_empty()) => {}
            ("tool_call_id", "tool") => call_id = Some(want(value.string(), &at, "a string")?),
            ("reasoning_content" | "reasoning", "assistant") => recalled.words = recalled.words.or(Some((value, at))),
            ("reasoning_details", "assistant") => recalled.details = Some((value, at)),
            ("thinking_blocks", "assistant") => recalled.blocks = Some((value, at)),
            ("refusal", "assistant") => {
                refusal = Some(part(Block::Refusal(want(value.string(), &at, "a string")?), at))
            }
            ("function_call", _) => return Err(InvalidRequest::new(at, "is deprecated; use tool_calls in its place")),
            ("cache_control", _) => cache = decode_cache(value, &at)?,
            // What it asks for, to go on from this message, is what others do anyway (Mistral, DeepSeek).
            ("prefix", "assistant") => {}
            ("annotations", _) if value.elements().is_some_and(|all| all.is_empty()) => {}
            _ => extra.push(at),
        }
    }
    let mut parts: Vec<Part<'a>> = Vec::new();
    if spoken == "tool" {
        let id_path = format!("{path}.tool_call_id");
        let id = want(call_id, &id_path, "a string")?;
        parts.push(part(Block::ToolResult { id, parts: content, is_error: false }, path.clone()));
    } else {
        parts.extend(content);
        parts.extend(refusal);
        parts.extend(calls);
        recalled.join(&mut parts, extra)?;
    }
    // A mark on the message is one on all of it, so on its end.
    if let (Some(mark), Some(last)) = (cache, parts.last_mut()) {
        last.cache = Some(mark);
    }
    Ok(Message { role, parts, path })
}

/// A call, after the seal that Google puts at it
/// (<https://ai.google.dev/gemini-api/docs/thought-signatures#openai>).
fn decode_call<'a>(
    value: Node<'a>,
    path: String,
    parts: &mut Vec<Part<'a>>,
    extra: &mut Vec<String>,
) -> Result<(), InvalidRequest> {
    let mut cache = None;
    for (key, value) in want(value.members(), &path, "an object")?.into_iter().filter(|(_, value)| !value.is_null()) {
        match &*key {
            "id" | "function" | "index" => {}
            "type" if value.text() == "\"function\"" => {}
            "type" => {
                return Err(InvalidRequest::new(format!("{path}.type"), "only calls of functions can be translated"));
            }
            "cache_control" => cache = decode_cache(value, &format!("{path}.cache_control"))?,
            "extra_content" => {
                let google = value.member("google").and_then(|google| google.member("thought_signature"));
                if let Some(data) = google.and_then(Node::string) {
                    let seal = Some(Seal { vendor: Vendor::Google, redacted: false, data });
                    let thinking = Block::Thinking { text: "".into(), seal };
                    parts.push(part(thinking, format!("{path}.extra_content")));
                }
            }
            key => extra.push(format!("{path}.{key}")),
        }
    }
    let text = |node: Option<Node<'a>>, member: &str| {
        want(node.and_then(Node::string), &format!("{path}.{member}"), "a string")
    };
    let function = value.member("function");
    let member = |key| function.and_then(|function| function.member(key));
    let id = text(value.member("id"), "id")?;
    let name = text(member("name"), "function.name")?;
    let input = match member("arguments") {
        // Some clients give the object itself in place of its text.
        Some(arguments) if arguments.members().is_some() => arguments.text().into(),
        None => "".into(),
        arguments => text(arguments, "function.arguments")?,
    };
    parts.push(Part { block: Block::ToolUse { id, name, input }, cache, path });
    Ok(())
}
