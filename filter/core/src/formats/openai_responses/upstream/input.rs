//! The conversation as items for the provider.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;

use super::ids::encode_id;
use crate::{
    canonical::{Block, Losses, Message, Part, Role, Source, Vendor},
    dialect::InvalidRequest,
    formats::openai_responses::wire::seal,
};

/// An item of `input`: <https://platform.openai.com/docs/api-reference/responses/create#responses_create-input>.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ItemWire<'c> {
    Message {
        role: &'static str,
        content: Content<'c>,
    },
    Reasoning {
        id: &'c str,
        summary: Vec<Readable<'c>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Readable<'c>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<&'c str>,
    },
    FunctionCall {
        call_id: Cow<'c, str>,
        name: &'c str,
        arguments: &'c str,
    },
    FunctionCallOutput {
        call_id: Cow<'c, str>,
        output: Content<'c>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'c> {
    Text(&'c str),
    Parts(Vec<PartWire<'c>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the words of the API")]
pub(super) enum PartWire<'c> {
    InputText {
        text: &'c str,
    },
    InputImage {
        #[serde(skip_serializing_if = "Option::is_none")]
        image_url: Option<Cow<'c, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'c str>,
        detail: &'c str,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'c str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'c str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'c str>,
    },
}

/// A text of reasoning: `summary_text` or `reasoning_text`.
#[derive(Serialize)]
pub(super) struct Readable<'c> {
    r#type: &'static str,
    text: &'c str,
}

/// The conversation as items, in its order. Instructions stay where they are.
pub(super) fn encode_input<'c>(
    messages: &'c [Message<'_>],
    losses: &mut Losses,
) -> Result<Vec<ItemWire<'c>>, InvalidRequest> {
    let mut items = Vec::with_capacity(messages.len());
    for message in messages {
        match message.role {
            Role::System => encode_words(message, "system", &mut items, losses)?,
            Role::User => encode_words(message, "user", &mut items, losses)?,
            Role::Assistant => encode_turn(message, &mut items, losses)?,
        }
    }
    if let Some(last) = messages.last().filter(|last| last.role == Role::Assistant) {
        losses.approximate(last.path.as_str(), "the provider answers after it and does not go on from it");
    }
    Ok(items)
}

/// A message with what it says in one item, and each result of a tool in one of its own.
fn encode_words<'c>(
    message: &'c Message<'_>,
    role: &'static str,
    items: &mut Vec<ItemWire<'c>>,
    losses: &mut Losses,
) -> Result<(), InvalidRequest> {
    let mut said = Vec::new();
    let flush = |said: &mut Vec<&'c Part<'_>>, items: &mut Vec<ItemWire<'c>>, losses: &mut Losses| {
        if !said.is_empty() {
            items.push(ItemWire::Message { role, content: encode_content(said, losses)? });
            said.clear();
        }
        Ok(())
    };
    for part in &message.parts {
        match &part.block {
            Block::ToolResult { id, parts, is_error } => {
                flush(&mut said, items, losses)?;
                if *is_error {
                    let reason = "the provider's format does not tell failures of tools from their results";
                    losses.declare(format!("{}.is_error", part.path), reason);
                }
                note_cache(part, losses);
                let parts: Vec<_> = parts.iter().collect();
                items.push(ItemWire::FunctionCallOutput {
                    call_id: encode_id(id),
                    output: encode_content(&parts, losses)?,
                });
            }
            Block::ToolUse { .. } | Block::Thinking { .. } => {
                return Err(InvalidRequest::new(part.path.as_str(), "only the assistant can say this"));
            }
            _ => said.push(part),
        }
    }
    // An empty message is one all the same: the API takes it.
    if message.parts.is_empty() {
        items.push(ItemWire::Message { role, content: Content::Text("") });
    }
    flush(&mut said, items, losses)
}

/// The assistant's words, reasoning and calls, each in an item of its own. Words go as plain text: the form that repeats an
/// answer wants the id that OpenAI gave it.
fn encode_turn<'c>(
    message: &'c Message<'_>,
    items: &mut Vec<ItemWire<'c>>,
    losses: &mut Losses,
) -> Result<(), InvalidRequest> {
    let role = "assistant";
    let mut rest = message.parts.iter();
    while let Some(part) = rest.next() {
        note_cache(part, losses);
        match &part.block {
            Block::Text(text) if text.is_empty() => {}
            Block::Text(text) => items.push(ItemWire::Message { role, content: Content::Text(text) }),
            Block::Refusal(text) => {
                losses.approximate(part.path.as_str(), "refusals of earlier turns are plain words to the provider");
                items.push(ItemWire::Message { role, content: Content::Text(text) });
            }
            Block::Thinking { text, seal } => {
                let own = seal.as_ref().filter(|seal| seal.vendor == Vendor::Openai);
                match own.and_then(|seal| seal::split(&seal.data)) {
                    Some(_) if !has_sequel(rest.clone()) => {
                        let reason = "the provider takes reasoning back only together with what came of it";
                        losses.declare(part.path.as_str(), reason);
                    }
                    Some((id, encrypted)) => items.push(encode_reasoning(id, encrypted, text)),
                    None => {
                        let reason = "the provider takes reasoning back only with its own encrypted content";
                        losses.declare(part.path.as_str(), reason);
                    }
                }
            }
            Block::ToolUse { id, name, input } => {
                let arguments = if input.trim().is_empty() { "{}" } else { input };
                items.push(ItemWire::FunctionCall { call_id: encode_id(id), name, arguments });
            }
            Block::ToolResult { .. } => {
                return Err(InvalidRequest::new(part.path.as_str(), "results of tools belong to the user"));
            }
            Block::Image { .. } | Block::Document { .. } | Block::Audio(_) | Block::Video(_) => {
                let message = "the provider takes only texts and calls from the assistant";
                return Err(InvalidRequest::new(part.path.as_str(), message));
            }
        }
    }
    Ok(())
}

/// Whether words or a call follow before any other reasoning of the provider's own. A reasoning item is refused "without its
/// required following item": that of a turn which was cut off, or came before a search that is not a part of the
/// conversation any more.
fn has_sequel(rest: std::slice::Iter<'_, Part<'_>>) -> bool {
    for part in rest {
        match &part.block {
            Block::Text(text) if text.is_empty() => {}
            Block::Thinking { seal: Some(seal), .. }
                if seal.vendor == Vendor::Openai && seal::split(&seal.data).is_some() =>
            {
                return false;
            }
            Block::Thinking { .. } => {}
            _ => return true,
        }
    }
    false
}

/// Without encrypted content the provider is one that takes the text itself back.
fn encode_reasoning<'c>(id: &'c str, encrypted: &'c str, text: &'c str) -> ItemWire<'c> {
    let readable = |r#type| Vec::from_iter((!text.is_empty()).then_some(Readable { r#type, text }));
    let (summary, content) = match encrypted.is_empty() {
        true => (Vec::new(), readable("reasoning_text")),
        false => (readable("summary_text"), Vec::new()),
    };
    ItemWire::Reasoning { id, summary, content, encrypted_content: (!encrypted.is_empty()).then_some(encrypted) }
}

/// A single text is given as one.
fn encode_content<'c>(parts: &[&'c Part<'_>], losses: &mut Losses) -> Result<Content<'c>, InvalidRequest> {
    for part in parts {
        note_cache(part, losses);
    }
    match parts {
        [] => Ok(Content::Text("")),
        [Part { block: Block::Text(text), .. }] => Ok(Content::Text(text)),
        _ => parts.iter().map(|part| encode_part(part, losses)).collect::<Result<_, _>>().map(Content::Parts),
    }
}

fn encode_part<'c>(part: &'c Part<'_>, losses: &mut Losses) -> Result<PartWire<'c>, InvalidRequest> {
    let refuse = |message: &str| Err(InvalidRequest::new(part.path.as_str(), message));
    match &part.block {
        Block::Text(text) | Block::Refusal(text) => Ok(PartWire::InputText { text }),
        Block::Image { source, detail } => {
            let detail = detail.as_deref().unwrap_or("auto");
            let by_url = |url| Ok(PartWire::InputImage { image_url: Some(url), file_id: None, detail });
            match source {
                Source::Url { url, .. } if is_http(url) => by_url(Cow::Borrowed(&**url)),
                Source::Base64 { media_type, data } => by_url(data_url(media_type, data).into()),
                Source::File { id, vendor: Vendor::Openai } => {
                    Ok(PartWire::InputImage { image_url: None, file_id: Some(id), detail })
                }
                Source::Text(_) => refuse("a text is no picture"),
                Source::Url { .. } | Source::File { .. } => refuse(UNREACHABLE),
            }
        }
        Block::Document { source, title } => match source {
            Source::Url { url, .. } if is_http(url) => {
                if title.is_some() {
                    losses.declare(format!("{}.title", part.path), "a document by its address has no name of its own");
                }
                Ok(PartWire::InputFile { filename: None, file_data: None, file_url: Some(url), file_id: None })
            }
            Source::Base64 { media_type, data } => {
                let filename = Some(filename(title.as_deref(), media_type));
                let file_data = Some(data_url(media_type, data));
                Ok(PartWire::InputFile { filename, file_data, file_url: None, file_id: None })
            }
            Source::Text(text) => {
                let filename = Some(filename(title.as_deref(), "text/plain"));
                let file_data = Some(data_url("text/plain", &BASE64_STANDARD.encode(&**text)));
                Ok(PartWire::InputFile { filename, file_data, file_url: None, file_id: None })
            }
            Source::File { id, vendor: Vendor::Openai } => {
                Ok(PartWire::InputFile { filename: None, file_data: None, file_url: None, file_id: Some(id) })
            }
            Source::Url { .. } | Source::File { .. } => refuse(UNREACHABLE),
        },
        // The content of a message is texts, images and files (`InputContent` of OpenAI's specification).
        Block::Audio(_) => refuse("the provider's format takes no audio"),
        Block::Video(_) => refuse("the provider's format takes no video"),
        Block::Thinking { .. } | Block::ToolUse { .. } | Block::ToolResult { .. } => refuse("cannot be a part of this"),
    }
}

const UNREACHABLE: &str = "the provider cannot fetch it; send its bytes or an http address";

fn is_http(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}

/// Bytes must have a name.
fn filename<'c>(title: Option<&'c str>, media_type: &str) -> &'c str {
    title.filter(|title| !title.is_empty()).unwrap_or(match media_type {
        "application/pdf" => "document.pdf",
        _ => "document.txt",
    })
}

fn note_cache(part: &Part<'_>, losses: &mut Losses) {
    if part.cache.is_some() {
        losses.approximate(format!("{}.cache_control", part.path), "the provider caches prompts by itself");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{CacheMark, Seal};

    fn part(block: Block<'static>) -> Part<'static> {
        Part { block, cache: None, path: "m.0".to_owned() }
    }

    fn encode(role: Role, parts: Vec<Part<'static>>) -> Result<(String, Losses), InvalidRequest> {
        let messages = [Message { role, parts, path: "m".to_owned() }];
        let mut losses = Losses::default();
        let items = encode_input(&messages, &mut losses)?;
        Ok((serde_json::to_string(&items).unwrap(), losses))
    }

    #[test]
    fn a_turn_of_the_assistant_becomes_items_in_its_order() {
        let seal = Seal { vendor: Vendor::Openai, redacted: false, data: "rs_1|gAAA".into() };
        let open = Seal { vendor: Vendor::Openai, redacted: false, data: "rs_2|".into() };
        let foreign = Seal { vendor: Vendor::Anthropic, redacted: false, data: "EqQB".into() };
        let (items, losses) = encode(
            Role::Assistant,
            vec![
                part(Block::Thinking { text: "Hm.".into(), seal: Some(seal) }),
                part(Block::Text("Wait.".into())),
                part(Block::Thinking { text: "Hm?".into(), seal: Some(open) }),
                part(Block::Thinking { text: "Ah.".into(), seal: Some(foreign) }),
                part(Block::Text("Looking.".into())),
                part(Block::ToolUse { id: "c1".into(), name: "f".into(), input: "".into() }),
            ],
        )
        .unwrap();
        assert_eq!(
            items,
            concat!(
                r#"[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"gAAA"},"#,
                r#"{"type":"message","role":"assistant","content":"Wait."},"#,
                r#"{"type":"reasoning","id":"rs_2","summary":[],"content":[{"type":"reasoning_text","text":"Hm?"}]},"#,
                r#"{"type":"message","role":"assistant","content":"Looking."},"#,
                r#"{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}]"#,
            ),
        );
        let paths: Vec<_> = losses.iter().map(|loss| loss.path.as_str()).collect();
        assert_eq!(paths, ["m.0", "m"]);
    }

    #[test]
    fn reasoning_that_led_to_nothing_stays_behind() {
        let thinking = |data: &'static str| {
            let seal = Seal { vendor: Vendor::Openai, redacted: true, data: data.into() };
            part(Block::Thinking { text: "".into(), seal: Some(seal) })
        };
        let (items, losses) = encode(
            Role::Assistant,
            vec![thinking("rs_1|a"), thinking("rs_2|b"), part(Block::Text("Found.".into())), thinking("rs_3|c")],
        )
        .unwrap();
        let ids = ["rs_1", "rs_2", "rs_3"].map(|id| items.contains(id));
        assert_eq!(ids, [false, true, false]);
        assert!(losses.iter().any(|loss| loss.path == "m.0"));
    }

    #[test]
    fn results_come_before_or_after_words_as_they_stood() {
        let image = Block::Image {
            source: Source::Base64 { media_type: "image/png".into(), data: "iVBO".into() },
            detail: None,
        };
        let result = Block::ToolResult {
            id: "c1".into(),
            parts: vec![part(Block::Text("a plot".into())), part(image)],
            is_error: true,
        };
        let (items, losses) = encode(Role::User, vec![part(result), part(Block::Text("And?".into()))]).unwrap();
        assert_eq!(
            items,
            concat!(
                r#"[{"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"a plot"},"#,
                r#"{"type":"input_image","image_url":"data:image/png;base64,iVBO","detail":"auto"}]},"#,
                r#"{"type":"message","role":"user","content":"And?"}]"#,
            ),
        );
        assert_eq!(
            losses.to_string(),
            "m.0.is_error (the provider's format does not tell failures of tools from their results)"
        );
    }

    #[test]
    fn documents_have_names_and_marks_are_noted() {
        let text = Block::Document { source: Source::Text("hi".into()), title: None };
        let mut marked = part(text);
        marked.cache = Some(CacheMark::Hour);
        let (items, losses) = encode(Role::User, vec![marked, part(Block::Text("x".into()))]).unwrap();
        let file = r#"{"type":"input_file","filename":"document.txt","file_data":"data:text/plain;base64,aGk="}"#;
        assert!(items.contains(file), "{items}");
        assert_eq!(losses.iter().next().unwrap().path, "m.0.cache_control");
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let file = |vendor| Block::Document { source: Source::File { id: "f".into(), vendor }, title: None };
        assert!(encode(Role::User, vec![part(file(Vendor::Openai))]).is_ok());
        for block in [
            file(Vendor::Anthropic),
            Block::Audio(Source::Base64 { media_type: "audio/wav".into(), data: "UklG".into() }),
            Block::Image { source: Source::Url { url: "gs://b/o".into(), media_type: None }, detail: None },
        ] {
            assert_eq!(encode(Role::User, vec![part(block)]).unwrap_err().param.as_deref(), Some("m.0"));
        }
    }
}
