//! Every text of a request.

use crate::{
    dialect::{Author, MAX_NESTED, TextKind, Texts},
    json::{Envelope, Node},
};

/// `system` and `messages` (<https://platform.claude.com/docs/en/api/messages/create>).
pub(super) fn walk(envelope: &Envelope, texts: &mut Texts<'_, '_>) {
    for member in envelope.members() {
        let Some(value) = member.node(texts.body) else { continue };
        match member.key.as_str() {
            "system" => content(texts, Author::System, value, 0),
            "messages" => texts.each(value, message),
            _ => {}
        }
    }
}

fn message<'t>(texts: &mut Texts<'_, 't>, message: Node<'t>) {
    let author = match message.member("role").and_then(Node::string).as_deref() {
        Some("assistant") => Author::Assistant,
        Some("system") => Author::System,
        _ => Author::User,
    };
    message.each_member(&mut |key, value| {
        if key == "content" {
            content(texts, author, value, 0);
        }
    });
}

/// A text, a block, or a list of blocks.
fn content<'t>(texts: &mut Texts<'_, 't>, author: Author, value: Node<'t>, depth: u8) {
    texts.each(value, |texts, value| block(texts, author, value, depth));
}

fn block<'t>(texts: &mut Texts<'_, 't>, author: Author, block: Node<'t>, depth: u8) {
    if block.is_string() || depth >= MAX_NESTED {
        return texts.words(author, block);
    }
    let deeper = depth.saturating_add(1);
    let kind = block.member("type").and_then(Node::string).unwrap_or_default();
    // Results of tools that ran at the provider stand in the assistant's turn.
    let author = if kind == "tool_result" || kind.ends_with("_tool_result") { Author::Tool } else { author };
    block.each_member(&mut |key, value| match &*key {
        "type" | "id" | "tool_use_id" | "tool_name" | "name" | "server_name" | "caller" | "cache_control"
        | "file_id" => {}
        // What an earlier answer cited stands in the document too; the rest is sealed, or an address.
        "citations" | "signature" | "data" | "encrypted_content" | "encrypted_index" | "url" => {}
        "thinking" => texts.show(author, TextKind::Reasoning, value),
        "input" => texts.show(author, TextKind::Arguments, value),
        "content" => content(texts, author, value, deeper),
        // Where a document comes from; to a result of a search it is a text.
        "source" if !value.is_string() => source(texts, author, value, deeper),
        _ => texts.words(author, value),
    });
}

/// What a document or an image is made of; media have no text.
fn source<'t>(texts: &mut Texts<'_, 't>, author: Author, source: Node<'t>, depth: u8) {
    match source.member("type").and_then(Node::string).as_deref() {
        Some("text") => source.member("data").into_iter().for_each(|data| texts.words(author, data)),
        Some("content") => source.member("content").into_iter().for_each(|value| content(texts, author, value, depth)),
        _ => {}
    }
}
