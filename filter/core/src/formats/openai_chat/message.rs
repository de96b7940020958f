use std::borrow::Cow;

use super::request::{decode_cache, want};
use crate::{
    canonical::{Block, CacheMark, Message, Part, Role, Source},
    formats::InvalidRequest,
    json::Node,
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
    let (mut thinking, mut content, mut calls) = (None, Vec::new(), Vec::new());
    let (mut call_id, mut refusal, mut cache) = (None, None, None);
    for (key, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        let at = format!("{path}.{key}");
        match (&*key, &*spoken) {
            ("role", _) => {}
            ("content", _) => content = decode_content(value, at, extra)?,
            ("tool_calls", "assistant") => {
                for (index, call) in want(value.elements(), &at, "a list")?.into_iter().enumerate() {
                    calls.push(decode_call(call, format!("{at}.{index}"), extra)?);
                }
            }
            ("tool_calls", _) if value.elements().is_some_and(|calls| calls.is_empty()) => {}
            ("tool_call_id", "tool") => call_id = Some(want(value.string(), &at, "a string")?),
            ("reasoning_content" | "reasoning", "assistant") => {
                let text = want(value.string(), &at, "a string")?;
                thinking = Some(part(Block::Thinking { text, signature: None }, at))
                    .filter(|_| thinking.is_none())
                    .or(thinking);
            }
            ("refusal", "assistant") => {
                refusal = Some(part(Block::Refusal(want(value.string(), &at, "a string")?), at))
            }
            ("function_call", _) => return Err(InvalidRequest::new(at, "is deprecated; use tool_calls in its place")),
            ("cache_control", _) => cache = decode_cache(value, &at)?,
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
        parts.extend(thinking);
        parts.extend(content);
        parts.extend(refusal);
        parts.extend(calls);
    }
    // A mark on the message is one on all of it, so on its end.
    if let (Some(mark), Some(last)) = (cache, parts.last_mut()) {
        last.cache = Some(mark);
    }
    Ok(Message { role, parts, path })
}

/// The last member of that name. Contents are large, so members are looked for only once.
fn pick<'a>(members: &[(Cow<'a, str>, Node<'a>)], key: &str) -> Option<Node<'a>> {
    members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
}

fn part(block: Block<'_>, path: String) -> Part<'_> {
    Part { block, cache: None, path }
}

fn decode_content<'a>(value: Node<'a>, path: String, extra: &mut Vec<String>) -> Result<Vec<Part<'a>>, InvalidRequest> {
    if let Some(text) = value.string() {
        return Ok(vec![part(Block::Text(text), path)]);
    }
    let parts = want(value.elements(), &path, "a string or a list of parts")?.into_iter().enumerate();
    parts.map(|(index, value)| decode_part(value, format!("{path}.{index}"), extra)).collect()
}

fn decode_part<'a>(value: Node<'a>, path: String, extra: &mut Vec<String>) -> Result<Part<'a>, InvalidRequest> {
    let members = want(value.members(), &path, "an object")?;
    let kind_path = format!("{path}.type");
    let kind = want(pick(&members, "type").and_then(Node::string), &kind_path, "a string")?;
    let inner_path = format!("{path}.{kind}");
    let inner = || want(pick(&members, &kind), &inner_path, "there");
    let block = match &*kind {
        "text" => Block::Text(want(inner()?.string(), &inner_path, "a string")?),
        "refusal" => Block::Refusal(want(inner()?.string(), &inner_path, "a string")?),
        "image_url" => Block::Image { source: decode_image(inner()?, &inner_path, extra)?, detail: None },
        "file" => decode_file(inner()?, &inner_path)?,
        "input_audio" => return Err(InvalidRequest::new(path, "audio cannot be translated to the provider's format")),
        _ => return Err(InvalidRequest::new(kind_path, format!("a part of type {kind:?} cannot be translated"))),
    };
    let mut cache = None::<CacheMark>;
    for (key, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        match &*key {
            "type" => {}
            key if key == kind => {}
            "cache_control" => cache = decode_cache(value, &format!("{path}.cache_control"))?,
            key => extra.push(format!("{path}.{key}")),
        }
    }
    Ok(Part { block, cache, path })
}

fn decode_image<'a>(value: Node<'a>, path: &str, extra: &mut Vec<String>) -> Result<Source<'a>, InvalidRequest> {
    // Mistral's clients give the address alone.
    if let Some(url) = value.string() {
        return decode_source(url, path);
    }
    let members = want(value.members(), path, "an object")?;
    for (key, detail) in members.iter().filter(|(_, value)| !value.is_null()) {
        match &**key {
            "url" => {}
            "detail" if detail.text() == "\"auto\"" => {}
            key => extra.push(format!("{path}.{key}")),
        }
    }
    let path = format!("{path}.url");
    decode_source(want(pick(&members, "url").and_then(Node::string), &path, "a string")?, &path)
}

fn decode_file<'a>(value: Node<'a>, path: &str) -> Result<Block<'a>, InvalidRequest> {
    let Some(file) = value.member("file_data").and_then(Node::string) else {
        return Err(InvalidRequest::new(
            path,
            "only files with file_data can be translated; an id is known to one provider",
        ));
    };
    let path = format!("{path}.file_data");
    match decode_source(file, &path)? {
        source @ Source::Base64 { .. } => {
            Ok(Block::Document { source, title: value.member("filename").and_then(Node::string) })
        }
        _ => Err(InvalidRequest::new(path, "must be a data URL")),
    }
}

/// A `data:` URL (<https://www.rfc-editor.org/rfc/rfc2397>) or an address.
fn decode_source<'a>(url: Cow<'a, str>, path: &str) -> Result<Source<'a>, InvalidRequest> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https") => Ok(Source::Url { url, media_type: None }),
        Some("data") => {
            let split = |url: &str| {
                let (head, data) = url.split_once(',')?;
                let media_type = head.split_once(':')?.1.strip_suffix(";base64")?;
                // Parameters such as a character set do not belong to the type.
                let media_type = media_type.split(';').next()?;
                (!media_type.is_empty()).then_some((url.len().checked_sub(data.len())?, media_type.to_owned()))
            };
            let (data_at, media_type) = want(split(&url), path, "a data URL with a media type and base64 data")?;
            let data = match url {
                Cow::Borrowed(url) => Cow::Borrowed(url.get(data_at..).unwrap_or_default()),
                Cow::Owned(mut url) => Cow::Owned(url.split_off(data_at)),
            };
            Ok(Source::Base64 { media_type: media_type.into(), data })
        }
        _ => Err(InvalidRequest::new(path, "must be an http, https or data URL")),
    }
}

fn decode_call<'a>(value: Node<'a>, path: String, extra: &mut Vec<String>) -> Result<Part<'a>, InvalidRequest> {
    let mut cache = None;
    for (key, value) in want(value.members(), &path, "an object")?.into_iter().filter(|(_, value)| !value.is_null()) {
        match &*key {
            "id" | "function" | "index" => {}
            "type" if value.text() == "\"function\"" => {}
            "type" => {
                return Err(InvalidRequest::new(format!("{path}.type"), "only calls of functions can be translated"));
            }
            "cache_control" => cache = decode_cache(value, &format!("{path}.cache_control"))?,
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
    Ok(Part { block: Block::ToolUse { id, name, input }, cache, path })
}
