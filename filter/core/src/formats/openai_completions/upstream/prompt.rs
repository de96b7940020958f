//! A conversation as one prompt.

use std::borrow::Cow;

use crate::{
    canonical::{Block, Losses, Message, Part, Role},
    dialect::InvalidRequest,
};

/// A conversation as one text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prompt<'c> {
    pub(super) text: Cow<'c, str>,
    /// What the model would write where the next turn of the user begins; `None` where there are no turns.
    pub(super) next_turn: Option<&'static str>,
}

/// One message of the user is the prompt as it is. Anything else becomes a transcript:
///
/// ```text
/// System: You are kind.
///
/// User: Hi
///
/// Assistant:
/// ```
///
/// The model goes on after the last label, so the answer to a transcript begins with a space more often than not. A last
/// message of the assistant has no label after it: the model goes on from its words.
pub(super) fn encode_prompt<'c>(
    messages: &'c [Message<'_>],
    losses: &mut Losses,
) -> Result<Prompt<'c>, InvalidRequest> {
    if let [Message { role: Role::User, parts, .. }] = messages
        && let [Part { block: Block::Text(text), cache, path }] = &**parts
    {
        if cache.is_some() {
            losses.declare(format!("{path}.cache_control"), NO_CACHE);
        }
        return Ok(Prompt { text: (&**text).into(), next_turn: None });
    }
    let mut text = String::new();
    for message in messages {
        let words = words_of(message, losses)?;
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(label(message.role));
        if !words.is_empty() {
            text.push(' ');
            text.push_str(&words);
        }
    }
    if let Some(first) = messages.first() {
        losses.approximate(first.path.as_str(), "the provider takes one text, so who speaks becomes a part of it");
    }
    if messages.last().is_none_or(|last| last.role != Role::Assistant) {
        text.push_str("\n\n");
        text.push_str(label(Role::Assistant));
    }
    Ok(Prompt { text: text.into(), next_turn: Some(NEXT_TURN) })
}

fn label(role: Role) -> &'static str {
    match role {
        Role::System => "System:",
        Role::User => "User:",
        Role::Assistant => "Assistant:",
    }
}

/// The user's label at the beginning of a line.
pub(super) const NEXT_TURN: &str = "\nUser:";

const NO_CACHE: &str = "the provider caches prompts by itself";

/// The texts of a message, each on its own line.
fn words_of<'c>(message: &'c Message<'_>, losses: &mut Losses) -> Result<Cow<'c, str>, InvalidRequest> {
    let mut all: Option<Cow<'c, str>> = None;
    for part in &message.parts {
        let text = match &part.block {
            Block::Text(text) | Block::Refusal(text) => text,
            Block::Thinking { .. } => {
                losses.declare(part.path.as_str(), "the provider takes no reasoning back");
                continue;
            }
            Block::Image { .. } | Block::Document { .. } | Block::Audio(_) | Block::Video(_) => {
                return Err(InvalidRequest::new(part.path.as_str(), "the provider takes text only"));
            }
            Block::ToolUse { .. } | Block::ToolResult { .. } => {
                let message = "the provider knows no tools; send their results as text of the user";
                return Err(InvalidRequest::new(part.path.as_str(), message));
            }
        };
        if part.cache.is_some() {
            losses.declare(format!("{}.cache_control", part.path), NO_CACHE);
        }
        match &mut all {
            Some(all) => {
                let all = all.to_mut();
                all.push('\n');
                all.push_str(text);
            }
            None => all = Some((&**text).into()),
        }
    }
    Ok(all.unwrap_or_default())
}
