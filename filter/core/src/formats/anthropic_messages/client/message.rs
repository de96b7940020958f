//! A client's messages and their content blocks, decoded.

use std::borrow::Cow;

use crate::{
    canonical::{Block, Message, Part, Role, Seal, Source, Vendor},
    dialect::{InvalidRequest, want},
    json::Node,
    vendors::claude::decode_cache,
};

/// The conversation. Consecutive messages of one role stay apart, as the API itself allows them.
pub(super) fn decode_messages<'a>(
    value: Node<'a>,
    extra: &mut Vec<String>,
) -> Result<Vec<Message<'a>>, InvalidRequest> {
    let messages = want(value.elements(), "messages", "a list")?.into_iter().enumerate();
    messages.map(|(index, message)| decode_message(message, format!("messages.{index}"), extra)).collect()
}

fn decode_message<'a>(value: Node<'a>, path: String, extra: &mut Vec<String>) -> Result<Message<'a>, InvalidRequest> {
    let (mut role, mut content) = (None, None);
    for (key, value) in want(value.members(), &path, "an object")? {
        match &*key {
            "role" => role = value.string(),
            "content" => content = Some(value),
            key => extra.push(format!("{path}.{key}")),
        }
    }
    let role = match role.as_deref() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        // <https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages>
        Some("system") => Role::System,
        _ => return Err(InvalidRequest::new(format!("{path}.role"), "must be user, assistant or system")),
    };
    let at = format!("{path}.content");
    let parts = decode_content(want(content, &at, "there")?, &at, extra)?;
    Ok(Message { role, parts, path })
}

/// A text, or a list of blocks.
pub(super) fn decode_content<'a>(
    value: Node<'a>,
    path: &str,
    extra: &mut Vec<String>,
) -> Result<Vec<Part<'a>>, InvalidRequest> {
    if let Some(text) = value.string() {
        return Ok(vec![Part { block: Block::Text(text), cache: None, path: path.to_owned() }]);
    }
    let mut parts = Vec::new();
    for (index, block) in want(value.elements(), path, "a string or a list of blocks")?.into_iter().enumerate() {
        decode_block(block, format!("{path}.{index}"), &mut parts, extra)?;
    }
    Ok(parts)
}

/// The members of one block, by name, each taken once; what is left in the end is not known here.
struct Members<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Members<'a> {
    fn take(&mut self, key: &str) -> Option<Node<'a>> {
        let at = self.0.iter().rposition(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    fn text(&mut self, key: &str, path: &str) -> Result<Cow<'a, str>, InvalidRequest> {
        want(self.take(key).and_then(Node::string), &format!("{path}.{key}"), "a string")
    }
}

fn decode_block<'a>(
    value: Node<'a>,
    path: String,
    parts: &mut Vec<Part<'a>>,
    extra: &mut Vec<String>,
) -> Result<(), InvalidRequest> {
    let mut members = Members(want(value.members(), &path, "an object")?);
    members.0.retain(|(_, value)| !value.is_null());
    let kind = members.text("type", &path)?;
    let cache = match members.take("cache_control") {
        Some(mark) => decode_cache(mark, &format!("{path}.cache_control"))?,
        None => None,
    };
    let block = match &*kind {
        "text" => {
            // What an earlier answer cited: an empty list says nothing.
            members.0.retain(|(key, value)| key != "citations" || value.elements().is_none_or(|all| !all.is_empty()));
            Block::Text(members.text("text", &path)?)
        }
        "image" => Block::Image { source: decode_source(&mut members, &path)?, detail: None },
        "document" => {
            members.0.retain(|(key, value)| {
                key != "citations" || value.member("enabled").and_then(Node::boolean) == Some(true)
            });
            let title = members.take("title").and_then(Node::string);
            Block::Document { source: decode_source(&mut members, &path)?, title }
        }
        "thinking" => {
            let text = members.text("thinking", &path)?;
            let seal = members.take("signature").and_then(Node::string).filter(|seal| !seal.is_empty());
            Block::Thinking { text, seal: seal.map(|seal| Seal::read(seal, Vendor::Anthropic)) }
        }
        "redacted_thinking" => {
            let mut seal = Seal::read(members.text("data", &path)?, Vendor::Anthropic);
            seal.redacted = true;
            Block::Thinking { text: "".into(), seal: Some(seal) }
        }
        "tool_use" => {
            let (id, name) = (members.text("id", &path)?, members.text("name", &path)?);
            let input_path = format!("{path}.input");
            let input = members.take("input").filter(|input| input.members().is_some());
            // The caller is the model itself, or a server tool, which ran at the provider.
            members.0.retain(|(key, value)| {
                key != "caller" || value.member("type").and_then(Node::string).as_deref() != Some("direct")
            });
            Block::ToolUse { id, name, input: want(input, &input_path, "an object")?.text().into() }
        }
        "tool_result" => {
            let id = members.text("tool_use_id", &path)?;
            let content = members.take("content");
            let is_error = members.take("is_error").and_then(Node::boolean).unwrap_or(false);
            let at = format!("{path}.content");
            let parts = content.map(|content| decode_content(content, &at, extra)).transpose()?.unwrap_or_default();
            Block::ToolResult { id, parts, is_error }
        }
        "search_result" => {
            // Words found by the client's own search: they cross as text, without what they could be cited by.
            let content = members.take("content");
            let at = format!("{path}.content");
            parts.extend(content.map(|content| decode_content(content, &at, extra)).transpose()?.unwrap_or_default());
            extra.extend(members.0.into_iter().map(|(key, _)| format!("{path}.{key}")));
            return Ok(());
        }
        // What tools that run at the provider did in an earlier turn: the answer that they led to follows as text.
        kind if kind == "server_tool_use" || kind.ends_with("_tool_result") || kind == "tool_reference" => {
            extra.push(path);
            return Ok(());
        }
        kind => {
            let message = format!("a block of type {kind:?} cannot be translated to the provider's format");
            return Err(InvalidRequest::new(path, message));
        }
    };
    extra.extend(members.0.into_iter().map(|(key, _)| format!("{path}.{key}")));
    parts.push(Part { block, cache, path });
    Ok(())
}

/// The member `source` of an image or a document.
fn decode_source<'a>(members: &mut Members<'a>, path: &str) -> Result<Source<'a>, InvalidRequest> {
    let path = format!("{path}.source");
    let source = want(members.take("source"), &path, "there")?;
    let text = |key: &str| want(source.member(key).and_then(Node::string), &format!("{path}.{key}"), "a string");
    match source.member("type").and_then(Node::string).as_deref() {
        Some("base64") => Ok(Source::Base64 { media_type: text("media_type")?, data: text("data")? }),
        Some("url") => Ok(Source::Url { url: text("url")?, media_type: None }),
        Some("text") => Ok(Source::Text(text("data")?)),
        Some("file") => Ok(Source::File { id: text("file_id")?, vendor: Vendor::Anthropic }),
        Some("content") => {
            let at = format!("{path}.content");
            let blocks = decode_content(want(source.member("content"), &at, "there")?, &at, &mut Vec::new())?;
            let mut texts = blocks.into_iter().map(|part| match part.block {
                Block::Text(text) => Ok(text),
                _ => Err(InvalidRequest::new(part.path, "a document can be translated only if it is all text")),
            });
            let first = texts.next().transpose()?.unwrap_or_default();
            texts.try_fold(first, |all, text| Ok(Cow::Owned(format!("{all}\n{}", text?)))).map(Source::Text)
        }
        _ => Err(InvalidRequest::new(format!("{path}.type"), "must be base64, url, text, content or file")),
    }
}
