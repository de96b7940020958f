//! The system prompt and the messages, which must take turns.

use std::borrow::Cow;

use serde::Serialize;

use super::content::{Content, Encoder};
use crate::{
    canonical::{Message, Role},
    dialect::InvalidRequest,
};

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html>
#[derive(Serialize)]
pub(super) struct MessageWire<'c> {
    role: &'static str,
    content: Vec<Content<'c>>,
}

/// The system prompt and the messages.
///
/// Leading system messages become `system`. Few models take others in between, so later ones become words of the user, which
/// is declared. Users and assistants must take turns, so consecutive messages of one role become one, as results of
/// parallel calls have to, and what a user says beside results stands behind them.
pub(super) fn encode_messages<'c>(
    chat: &'c [Message<'_>],
    encoder: &mut Encoder<'_>,
) -> Result<(Vec<Content<'c>>, Vec<MessageWire<'c>>), InvalidRequest> {
    let mut system = Vec::new();
    let mut messages: Vec<MessageWire<'c>> = Vec::new();
    for message in chat {
        if message.role == Role::System && messages.is_empty() {
            encoder.add_system(&message.parts, &mut system);
            continue;
        }
        if message.role == Role::System {
            let reason = "instructions after the first turn become words of the user";
            encoder.losses.approximate(message.path.as_str(), reason);
        }
        if message.has_results_behind_words() {
            encoder.losses.approximate(message.path.as_str(), "results of tools go before other words of the user");
        }
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        let mut content = Vec::with_capacity(message.parts.len());
        encoder.add_parts(message.role, &message.parts, &mut content)?;
        if content.is_empty() {
            encoder.losses.declare(message.path.as_str(), "the provider takes no message without content");
            continue;
        }
        match messages.last_mut() {
            Some(last) if last.role == role => last.content.extend(content),
            _ => messages.push(MessageWire { role, content }),
        }
    }
    if messages.is_empty() {
        let message = "must have a message besides instructions and empty ones";
        return Err(InvalidRequest::new("messages", message));
    }
    if encoder.family.is_claude()
        && let (Some(last), Some(said)) = (messages.last_mut(), chat.last())
        && last.role == "assistant"
        && let Some(Content::Text(text)) = last.content.last_mut()
        && text.ends_with(char::is_whitespace)
    {
        *text = Cow::Owned(text.trim_end().to_owned());
        encoder.losses.approximate(said.path.as_str(), "the model goes on from no text that ends in white space");
    }
    for message in &mut messages {
        put_results_first(&mut message.content);
        introduce_documents(&mut message.content);
    }
    Ok((system, messages))
}

/// Claude wants the results of its calls before all else
/// (<https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls>). A cache point stays behind its block.
fn put_results_first(content: &mut Vec<Content<'_>>) {
    let is_result = |block: &Content<'_>| matches!(block, Content::ToolResult { .. });
    let (mut results, mut others) = (Vec::new(), Vec::new());
    let mut after_result = false;
    for block in std::mem::take(content) {
        after_result = is_result(&block) || (after_result && matches!(block, Content::CachePoint(_)));
        let place = if after_result { &mut results } else { &mut others };
        place.push(block);
    }
    results.append(&mut others);
    *content = results;
}

/// A message with a document must have a text too (the description of `content` on the page above): where it has none, the
/// document's own name stands before it.
fn introduce_documents(content: &mut Vec<Content<'_>>) {
    let is_text = |block: &Content<'_>| matches!(block, Content::Text(text) if !text.trim().is_empty());
    if content.iter().any(is_text) {
        return;
    }
    let first = content.iter().enumerate().find_map(|(at, block)| match block {
        Content::Document(document) => Some((at, document.name.clone())),
        _ => None,
    });
    if let Some((at, name)) = first {
        content.insert(at, Content::Text(Cow::Owned(name)));
    }
}
