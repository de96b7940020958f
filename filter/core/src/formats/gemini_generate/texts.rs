//! Every text of a request.

use super::wire::spelling::camel;
use crate::{
    dialect::{Author, MAX_NESTED, TextKind, Texts},
    json::{Envelope, Node},
};

/// `systemInstruction` and `contents` (<https://ai.google.dev/api/generate-content#request-body>).
pub(super) fn walk(envelope: &Envelope, texts: &mut Texts<'_, '_>) {
    for member in envelope.members() {
        let Some(value) = member.node(texts.body) else { continue };
        match &*camel(member.key.as_str().into()) {
            "systemInstruction" => content(texts, Some(Author::System), value),
            "contents" => texts.each(value, |texts, value| content(texts, None, value)),
            _ => {}
        }
    }
}

/// A content, or one that is a text; by whom, where that is known.
fn content<'t>(texts: &mut Texts<'_, 't>, author: Option<Author>, content: Node<'t>) {
    let role = || content.member("role").and_then(Node::string);
    let author = author.unwrap_or_else(|| match role().as_deref() {
        Some("model") => Author::Assistant,
        Some("function" | "tool") => Author::Tool,
        _ => Author::User,
    });
    if content.is_string() {
        return texts.words(author, content);
    }
    content.each_member(&mut |key, value| {
        if key == "parts" {
            texts.each(value, |texts, value| part(texts, author, value, 0));
        }
    });
}

fn part<'t>(texts: &mut Texts<'_, 't>, author: Author, part: Node<'t>, depth: u8) {
    if part.is_string() || depth >= MAX_NESTED {
        return texts.words(author, part);
    }
    let is_thought = part.member("thought").and_then(Node::boolean) == Some(true);
    part.each_member(&mut |key, value| match &*camel(key) {
        "text" if is_thought => texts.show(author, TextKind::Reasoning, value),
        "text" => texts.words(author, value),
        "functionCall" | "toolCall" => inside(texts, author, value, TextKind::Arguments, depth),
        "functionResponse" | "toolResponse" => inside(texts, Author::Tool, value, TextKind::Words, depth),
        "executableCode" => {
            value.member("code").into_iter().for_each(|code| texts.show(author, TextKind::Arguments, code));
        }
        "codeExecutionResult" => {
            value.member("output").into_iter().for_each(|output| texts.words(Author::Tool, output));
        }
        // Media, seals, and settings of both.
        _ => {}
    });
}

/// What a call or a response holds.
fn inside<'t>(texts: &mut Texts<'_, 't>, author: Author, value: Node<'t>, kind: TextKind, depth: u8) {
    value.each_member(&mut |key, value| match &*key {
        "args" | "response" => texts.show(author, kind, value),
        "parts" => texts.each(value, |texts, value| part(texts, author, value, depth.saturating_add(1))),
        _ => {}
    });
}
