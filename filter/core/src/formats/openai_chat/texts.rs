//! Every text of a request.

use crate::{
    dialect::{Author, TextKind, Texts},
    json::{Envelope, Node},
};

/// `messages`; what else there is are settings and schemas
/// (<https://platform.openai.com/docs/api-reference/chat/create#chat_create-messages>).
pub(super) fn walk(envelope: &Envelope, texts: &mut Texts<'_, '_>) {
    for member in envelope.members() {
        if let ("messages", Some(messages)) = (member.key.as_str(), member.node(texts.body)) {
            texts.each(messages, message);
        }
    }
}

fn message<'t>(texts: &mut Texts<'_, 't>, message: Node<'t>) {
    let author = match message.member("role").and_then(Node::string).as_deref() {
        Some("system" | "developer") => Author::System,
        Some("assistant") => Author::Assistant,
        Some("tool" | "function") => Author::Tool,
        _ => Author::User,
    };
    message.each_member(&mut |key, value| match &*key {
        "role" | "name" | "tool_call_id" | "cache_control" | "annotations" | "audio" | "extra_content" => {}
        "content" => texts.each(value, |texts, value| part(texts, author, value)),
        "tool_calls" => texts.each(value, call),
        "function_call" => call_of(texts, value),
        // What servers of open models and OpenRouter have for what was thought.
        "reasoning_content" | "reasoning" => texts.show(author, TextKind::Reasoning, value),
        "reasoning_details" | "thinking_blocks" => texts.each(value, |texts, value| detail(texts, author, value)),
        _ => texts.words(author, value),
    });
}

/// A part of a content, or a content that is one text.
fn part<'t>(texts: &mut Texts<'_, 't>, author: Author, part: Node<'t>) {
    if part.is_string() {
        return texts.words(author, part);
    }
    part.each_member(&mut |key, value| match &*key {
        "type" | "cache_control" | "prompt_cache_breakpoint" => {}
        // Media, by bytes or by address.
        "image_url" | "input_audio" | "file" | "video_url" | "document_url" => {}
        // Mistral: https://docs.mistral.ai/capabilities/reasoning/
        "thinking" => texts.each(value, |texts, value| detail(texts, author, value)),
        _ => texts.words(author, value),
    });
}

/// A piece of what was thought.
fn detail<'t>(texts: &mut Texts<'_, 't>, author: Author, detail: Node<'t>) {
    if detail.is_string() {
        return texts.show(author, TextKind::Reasoning, detail);
    }
    detail.each_member(&mut |key, value| match &*key {
        "type" | "id" | "format" | "index" | "signature" | "data" => {}
        _ => texts.show(author, TextKind::Reasoning, value),
    });
}

fn call<'t>(texts: &mut Texts<'_, 't>, call: Node<'t>) {
    call.each_member(&mut |key, value| {
        if let "function" | "custom" = &*key {
            call_of(texts, value);
        }
    });
}

fn call_of<'t>(texts: &mut Texts<'_, 't>, function: Node<'t>) {
    function.each_member(&mut |key, value| {
        if let "arguments" | "input" = &*key {
            texts.show(Author::Assistant, TextKind::Arguments, value);
        }
    });
}
