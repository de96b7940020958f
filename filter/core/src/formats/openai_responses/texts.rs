//! Every text of a request.

use crate::{
    dialect::{Author, TextKind, Texts},
    json::{Envelope, Node},
};

/// `instructions`, `input`, and the variables of a stored prompt
/// (<https://platform.openai.com/docs/api-reference/responses/create>).
pub(super) fn walk(envelope: &Envelope, texts: &mut Texts<'_, '_>) {
    for member in envelope.members() {
        let Some(value) = member.node(texts.body) else { continue };
        match member.key.as_str() {
            "instructions" => texts.words(Author::System, value),
            "input" => texts.each(value, item),
            "prompt" => variables(texts, value),
            _ => {}
        }
    }
}

fn variables<'t>(texts: &mut Texts<'_, 't>, prompt: Node<'t>) {
    let Some(variables) = prompt.member("variables") else { return };
    variables.each_member(&mut |_, value| part(texts, Author::User, value));
}

/// An item, or an input that is one text. Those that are not messages are the model's, unless they are results.
fn item<'t>(texts: &mut Texts<'_, 't>, item: Node<'t>) {
    let word = |name| item.member(name).and_then(Node::string);
    let author = match (word("role").as_deref(), word("type").as_deref()) {
        (Some("system" | "developer"), _) => Author::System,
        (Some("assistant"), _) => Author::Assistant,
        (Some(_), _) | (None, None) => Author::User,
        (None, Some(kind)) if kind.ends_with("_output") || kind.ends_with("_response") => Author::Tool,
        (None, Some(_)) => Author::Assistant,
    };
    if item.is_string() {
        return texts.words(author, item);
    }
    let is_reasoning = word("type").is_some_and(|kind| kind == "reasoning");
    item.each_member(&mut |key, value| match &*key {
        "content" if is_reasoning => texts.each(value, |texts, value| thought(texts, author, value)),
        "content" => texts.each(value, |texts, value| part(texts, author, value)),
        "summary" => texts.each(value, |texts, value| thought(texts, author, value)),
        // What a tool gave, also where the provider ran it; an image that it made is bytes.
        "output" | "outputs" | "results" => texts.each(value, |texts, value| part(texts, Author::Tool, value)),
        "action" | "operation" => action(texts, value),
        "arguments" | "input" | "code" | "queries" => {
            texts.show(author, TextKind::Arguments, value);
        }
        // Why an item is as it is.
        "error" | "reason" => texts.words(author, value),
        // Ids, states, names, schemas and seals.
        _ => {}
    });
}

/// What the model had a tool of the provider do; where it looked is not its words.
fn action<'t>(texts: &mut Texts<'_, 't>, action: Node<'t>) {
    action.each_member(&mut |key, value| match &*key {
        "type" | "sources" => {}
        _ => texts.show(Author::Assistant, TextKind::Arguments, value),
    });
}

/// A part of a content or of a result, or one that is a text.
fn part<'t>(texts: &mut Texts<'_, 't>, author: Author, part: Node<'t>) {
    if part.is_string() {
        return texts.words(author, part);
    }
    part.each_member(&mut |key, value| match &*key {
        "type"
        | "id"
        | "file_id"
        | "image_url"
        | "file_url"
        | "url"
        | "file_data"
        | "filename"
        | "detail"
        | "input_audio"
        | "prompt_cache_breakpoint"
        | "annotations"
        | "logprobs" => {}
        _ => texts.words(author, value),
    });
}

fn thought<'t>(texts: &mut Texts<'_, 't>, author: Author, thought: Node<'t>) {
    if let Some(text) = thought.member("text") {
        texts.show(author, TextKind::Reasoning, text);
    }
}
