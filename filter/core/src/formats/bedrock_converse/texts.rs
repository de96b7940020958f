//! Every text of a request.

use crate::{
    dialect::{Author, MAX_NESTED, TextKind, Texts},
    json::{Envelope, Node},
};

/// `system`, `messages` and the variables of a stored prompt
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
pub(super) fn walk(envelope: &Envelope, texts: &mut Texts<'_, '_>) {
    for member in envelope.members() {
        let Some(value) = member.node(texts.body) else { continue };
        match member.key.as_str() {
            "system" => texts.each(value, |texts, value| block(texts, Author::System, value, 0)),
            "messages" => texts.each(value, message),
            "promptVariables" => texts.words(Author::User, value),
            _ => {}
        }
    }
}

fn message<'t>(texts: &mut Texts<'_, 't>, message: Node<'t>) {
    let is_assistant = message.member("role").and_then(Node::string).as_deref() == Some("assistant");
    let author = if is_assistant { Author::Assistant } else { Author::User };
    message.each_member(&mut |key, value| {
        if key == "content" {
            texts.each(value, |texts, value| block(texts, author, value, 0));
        }
    });
}

/// A block is an object with one member, which says what it is
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>).
fn block<'t>(texts: &mut Texts<'_, 't>, author: Author, value: Node<'t>, depth: u8) {
    if depth >= MAX_NESTED {
        return texts.words(author, value);
    }
    let deeper = depth.saturating_add(1);
    value.each_member(&mut |kind, value| {
        let mut see = |name: &str, one: &mut dyn FnMut(&mut Texts<'_, 't>, Node<'t>)| {
            value.member(name).into_iter().for_each(|value| one(texts, value));
        };
        match &*kind {
            "text" | "json" => texts.words(author, value),
            "reasoningContent" => see("reasoningText", &mut |texts, value| {
                value.member("text").into_iter().for_each(|text| texts.show(author, TextKind::Reasoning, text));
            }),
            "toolUse" => see("input", &mut |texts, value| texts.show(author, TextKind::Arguments, value)),
            "toolResult" => see("content", &mut |texts, value| {
                texts.each(value, |texts, value| block(texts, Author::Tool, value, deeper));
            }),
            "searchResult" | "citationsContent" => value
                .each_member(&mut |key, value| match &*key {
                    "content" => texts.each(value, |texts, value| block(texts, author, value, deeper)),
                    "title" => texts.words(author, value),
                    _ => {}
                })
                .unwrap_or_default(),
            // A text that a guardrail of AWS looks at.
            "guardContent" => see("text", &mut |texts, value| {
                value.member("text").into_iter().for_each(|text| texts.words(author, text));
            }),
            "document" => document(texts, author, value, deeper),
            // Media and cache points.
            _ => {}
        }
    });
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html>
fn document<'t>(texts: &mut Texts<'_, 't>, author: Author, document: Node<'t>, depth: u8) {
    document.each_member(&mut |key, value| match &*key {
        "context" => texts.words(author, value),
        "source" => {
            value.each_member(&mut |key, value| match &*key {
                "text" => texts.words(author, value),
                "content" => texts.each(value, |texts, value| block(texts, author, value, depth)),
                _ => {}
            });
        }
        _ => {}
    });
}
