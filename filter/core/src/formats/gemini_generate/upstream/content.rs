//! The conversation as contents for the provider.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::value::RawValue;

use super::capability::Capability;
use crate::{
    canonical::{Block, Losses, Message, Part, Role, Source, Vendor},
    dialect::InvalidRequest,
    formats::gemini_generate::wire::{
        media_type::media_type_of,
        part::{BlobWire, CallWire, ContentWire, FileWire, PartWire, ResponseWire, arguments},
    },
};

/// The conversation in Google's terms.
pub(super) struct Contents<'c> {
    /// The parts of `systemInstruction`.
    pub(super) system: Vec<PartWire<'c>>,
    /// Never empty.
    pub(super) contents: Vec<ContentWire<'c>>,
}

/// Leading system messages become `systemInstruction`; there is no role for later ones, so they become words of the user.
/// Consecutive contents of the user are taken as they are, those of the model become one, since all calls of a turn stand in
/// one. The responses to them must be one content too, right after it
/// (<https://ai.google.dev/gemini-api/docs/function-calling>): they are joined in the order of the calls, by which they meet where
/// ids do not cross, and what the client said beside them follows in a content of its own.
pub(super) fn encode_contents<'c>(
    messages: &'c [Message<'_>],
    capability: Capability,
    losses: &mut Losses,
) -> Result<Contents<'c>, InvalidRequest> {
    let mut encoder = Encoder {
        capability,
        calls: BTreeMap::new(),
        out: Contents { system: Vec::new(), contents: Vec::new() },
        count: 0,
        unanswered: 0,
        answers: Vec::new(),
        beside: Vec::new(),
        losses,
    };
    for message in messages {
        encoder.message(message)?;
    }
    encoder.end_answers();
    match encoder.out.contents.is_empty() {
        true => Err(InvalidRequest::new("messages", "must have a message besides instructions and empty ones")),
        false => Ok(encoder.out),
    }
}

struct Encoder<'e, 'c> {
    capability: Capability,
    /// The calls by their ids: a response names the function.
    calls: BTreeMap<&'c str, Called<'c>>,
    out: Contents<'c>,
    /// How many calls there were.
    count: usize,
    /// How many calls of the model's last turn have no response yet.
    unanswered: usize,
    /// The responses to them so far, with the numbers of their calls.
    answers: Vec<(usize, PartWire<'c>)>,
    /// What stood beside these responses and must wait for their end.
    beside: Vec<PartWire<'c>>,
    losses: &'e mut Losses,
}

/// A call of an earlier turn.
#[derive(Clone, Copy)]
struct Called<'c> {
    name: &'c str,
    /// The how manieth call of the conversation it is.
    number: usize,
}

impl<'c> Encoder<'_, 'c> {
    fn message(&mut self, message: &'c Message<'_>) -> Result<(), InvalidRequest> {
        if message.role == Role::System && self.out.contents.is_empty() {
            for part in &message.parts {
                self.declare_cache(part);
                match &part.block {
                    Block::Text(text) | Block::Refusal(text) if text.is_empty() => {}
                    Block::Text(text) | Block::Refusal(text) => self.out.system.push(PartWire::text(&**text)),
                    _ => self.losses.declare(part.path.as_str(), "the provider's system prompt is text only"),
                }
            }
            return Ok(());
        }
        if message.role == Role::System {
            let reason = "instructions after the first turn become words of the user";
            self.losses.approximate(message.path.as_str(), reason);
        }
        if message.has_results_behind_words() {
            self.losses.approximate(message.path.as_str(), "results of tools go before other words of the user");
        }
        let said = match message.role {
            Role::Assistant => self.model_message(&message.parts)?,
            Role::System | Role::User => self.user_message(&message.parts)?,
        };
        if !said {
            self.losses.declare(message.path.as_str(), "the provider takes no message without content");
        }
        Ok(())
    }

    /// Says what the user says. Answers whether that is anything.
    fn user_message(&mut self, parts: &'c [Part<'_>]) -> Result<bool, InvalidRequest> {
        let is_result = |part: &&Part<'_>| matches!(part.block, Block::ToolResult { .. });
        let mut said = false;
        for part in parts.iter().filter(is_result) {
            self.result(part)?;
            said = true;
        }
        let mut others = Vec::new();
        for part in parts.iter().filter(|part| !is_result(part)) {
            self.declare_cache(part);
            others.extend(self.user_part(part)?);
        }
        said |= !others.is_empty();
        if self.unanswered > 0 && !self.answers.is_empty() {
            self.beside.extend(others);
        } else if !others.is_empty() {
            self.end_answers();
            self.push("user", others);
        }
        Ok(said)
    }

    /// Says what the model said, in its last content if that is the last of all. Answers whether that is anything.
    fn model_message(&mut self, parts: &'c [Part<'_>]) -> Result<bool, InvalidRequest> {
        self.end_answers();
        if self.out.contents.last().is_none_or(|last| last.role != Some("model")) {
            self.unanswered = 0;
        }
        let encoded = self.model_parts(parts)?;
        let said = !encoded.is_empty();
        match self.out.contents.last_mut().filter(|last| last.role == Some("model")) {
            Some(last) => last.parts.extend(encoded),
            None => self.push("model", encoded),
        }
        Ok(said)
    }

    fn push(&mut self, role: &'static str, parts: Vec<PartWire<'c>>) {
        if !parts.is_empty() {
            self.out.contents.push(ContentWire { parts, role: Some(role) });
        }
    }

    fn end_answers(&mut self) {
        let mut answers = std::mem::take(&mut self.answers);
        answers.sort_by_key(|(number, _)| *number);
        self.push("user", answers.into_iter().map(|(_, answer)| answer).collect());
        let beside = std::mem::take(&mut self.beside);
        self.push("user", beside);
    }

    /// Thinking goes back with Google's own seal, which stands on the part after it.
    fn model_parts(&mut self, parts: &'c [Part<'_>]) -> Result<Vec<PartWire<'c>>, InvalidRequest> {
        let mut out = Vec::with_capacity(parts.len());
        let mut seal: Option<Cow<'c, str>> = None;
        for part in parts {
            self.declare_cache(part);
            match &part.block {
                Block::Thinking { text, seal: Some(own) } if own.vendor == Vendor::Google => {
                    if let Some(seal) = seal.take() {
                        out.push(PartWire::text("").sealed(Some(seal)));
                    }
                    if !text.is_empty() {
                        out.push(PartWire::thought(&**text));
                    }
                    seal = Some(Cow::Borrowed(&*own.data));
                }
                Block::Thinking { .. } => {
                    let reason = "the provider takes thinking back only with its own signature";
                    self.losses.declare(part.path.as_str(), reason);
                }
                Block::ToolUse { id, name, input } => {
                    self.count = self.count.saturating_add(1);
                    self.calls.insert(id, Called { name, number: self.count });
                    let args = arguments(input).ok_or_else(|| {
                        let message = "the arguments of a call must be the JSON text of an object";
                        InvalidRequest::new(part.path.as_str(), message)
                    })?;
                    // Calls beside the first of a turn carry none.
                    if seal.is_none() && self.capability.third && self.unanswered == 0 {
                        let reason = "the model wants its own signature on the call; a stand-in takes its place";
                        self.losses.approximate(part.path.as_str(), reason);
                        seal = Some(STAND_IN.into());
                    }
                    self.unanswered = self.unanswered.saturating_add(1);
                    let call = CallWire { id: own_id(id), name, args };
                    out.push(PartWire { function_call: Some(call), ..PartWire::default() }.sealed(seal.take()));
                }
                Block::ToolResult { .. } => {
                    return Err(InvalidRequest::new(part.path.as_str(), "the result of a tool is the user's to give"));
                }
                _ => {
                    out.extend(self.user_part(part)?.map(|encoded| encoded.sealed(seal.take())));
                }
            }
        }
        if let Some(seal) = seal {
            out.push(PartWire::text("").sealed(Some(seal)));
        }
        Ok(out)
    }

    /// Text and media; `None` for an empty text, which Google refuses and which says nothing.
    fn user_part(&mut self, part: &'c Part<'_>) -> Result<Option<PartWire<'c>>, InvalidRequest> {
        let source = match &part.block {
            Block::Text(text) => return Ok((!text.is_empty()).then(|| PartWire::text(&**text))),
            Block::Refusal(text) => {
                self.losses.approximate(part.path.as_str(), "a refusal becomes words of the model");
                return Ok((!text.is_empty()).then(|| PartWire::text(&**text)));
            }
            Block::Image { source, detail } => {
                if detail.as_deref().is_some_and(|detail| detail != "auto") {
                    self.losses.declare(format!("{}.detail", part.path), "the provider has one way to look at images");
                }
                source
            }
            Block::Document { source, title } => {
                if title.as_deref().is_some_and(|title| !title.is_empty()) {
                    self.losses.declare(format!("{}.title", part.path), "the provider's documents have no titles");
                }
                source
            }
            Block::Audio(source) | Block::Video(source) => source,
            Block::Thinking { .. } | Block::ToolUse { .. } | Block::ToolResult { .. } => {
                return Err(InvalidRequest::new(part.path.as_str(), "cannot stand here"));
            }
        };
        encode_source(source, part).map(Some)
    }

    fn result(&mut self, part: &'c Part<'_>) -> Result<(), InvalidRequest> {
        let Block::ToolResult { id, parts, is_error } = &part.block else { return Ok(()) };
        self.declare_cache(part);
        let Called { name, number } = self.calls.get(&**id).copied().ok_or_else(|| {
            InvalidRequest::new(part.path.as_str(), "is the result of a call that no earlier message has")
        })?;
        let mut texts: Vec<&'c str> = Vec::new();
        let mut media = Vec::new();
        for part in parts {
            self.declare_cache(part);
            match &part.block {
                Block::Text(text) | Block::Refusal(text) => texts.push(text),
                _ => media.extend(self.user_part(part)?),
            }
        }
        let inside = self.capability.third && media.iter().all(|part| part.inline_data.is_some());
        let (inner, outer) = if inside { (media, Vec::new()) } else { (Vec::new(), media) };
        if !outer.is_empty() {
            self.losses.approximate(part.path.as_str(), "media in the result become words of the user");
            self.beside.extend(outer);
        }
        let response = encode_response(&texts, *is_error, part)?;
        let response = ResponseWire { id: own_id(id), name, response, parts: inner };
        let encoded = PartWire { function_response: Some(response), ..PartWire::default() };
        self.unanswered = self.unanswered.saturating_sub(1);
        self.answers.push((number, encoded));
        Ok(())
    }

    fn declare_cache(&mut self, part: &Part<'_>) {
        if part.cache.is_some() {
            self.losses.approximate(part.path.as_str(), "the provider caches prompts without being told");
        }
    }
}

/// What may stand in for a seal that a conversation from elsewhere does not have
/// (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
const STAND_IN: &str = "skip_thought_signature_validator";

/// The id of a call where it is one that Google gave: eight letters and digits. Vertex gives none and its stable version refuses
/// the member (<https://github.com/langchain-ai/langchainjs/issues/10266>); responses meet their calls by order all the same.
fn own_id(id: &str) -> Option<&str> {
    Some(id).filter(|id| id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A function's response is an object: the text itself where it is one, else under the names that the reference of
/// `FunctionResponse` suggests.
fn encode_response<'c>(
    texts: &[&'c str],
    is_error: bool,
    part: &Part<'_>,
) -> Result<Cow<'c, RawValue>, InvalidRequest> {
    if let ([text], false) = (texts, is_error)
        && text.trim_start().starts_with('{')
        && let Ok(object) = serde_json::from_str::<&RawValue>(text)
    {
        return Ok(Cow::Borrowed(object));
    }
    let member = if is_error { "error" } else { "output" };
    let text = serde_json::to_string(&texts.join("\n")).unwrap_or_default();
    let object = RawValue::from_string(format!("{{\"{member}\":{text}}}"));
    object.map(Cow::Owned).map_err(|error| InvalidRequest::new(part.path.as_str(), error.to_string()))
}

/// Google fetches public addresses and those of its own store
/// (<https://ai.google.dev/gemini-api/docs/file-input-methods>).
fn encode_source<'c>(source: &'c Source<'_>, part: &Part<'_>) -> Result<PartWire<'c>, InvalidRequest> {
    let file =
        |mime_type, file_uri| PartWire { file_data: Some(FileWire { mime_type, file_uri }), ..PartWire::default() };
    let inline = |mime_type, data| PartWire { inline_data: Some(BlobWire { mime_type, data }), ..PartWire::default() };
    match source {
        Source::Base64 { media_type, data } => Ok(inline(media_type, Cow::Borrowed(data))),
        Source::Text(text) => Ok(inline("text/plain", BASE64_STANDARD.encode(text.as_bytes()).into())),
        Source::Url { url, media_type } => {
            let scheme = url.split_once("://").map(|(scheme, _)| scheme).unwrap_or_default();
            match scheme {
                "https" | "http" | "gs" => Ok(file(media_type.as_deref().or_else(|| media_type_of(url)), url)),
                _ => Err(InvalidRequest::new(
                    part.path.as_str(),
                    "the provider fetches https, http and gs addresses only; send the bytes in place of the address",
                )),
            }
        }
        Source::File { id, vendor: Vendor::Google } => Ok(file(None, id)),
        Source::File { .. } => Err(InvalidRequest::new(
            part.path.as_str(),
            "the file is known to another provider only; send its bytes in place of its id",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Seal;

    fn part(block: Block<'_>) -> Part<'_> {
        Part { block, cache: None, path: "p".to_owned() }
    }

    fn message<'a>(role: Role, blocks: impl IntoIterator<Item = Block<'a>>) -> Message<'a> {
        Message { role, parts: blocks.into_iter().map(part).collect(), path: "m".to_owned() }
    }

    fn call<'a>(id: &'a str) -> Block<'a> {
        Block::ToolUse { id: id.into(), name: "f".into(), input: "{}".into() }
    }

    fn result<'a>(id: &'a str, parts: Vec<Part<'a>>, is_error: bool) -> Block<'a> {
        Block::ToolResult { id: id.into(), parts, is_error }
    }

    fn text(text: &str) -> Block<'_> {
        Block::Text(text.into())
    }

    fn sealed(vendor: Vendor) -> Block<'static> {
        Block::Thinking { text: "t".into(), seal: Some(Seal { vendor, redacted: false, data: "s".into() }) }
    }

    fn image() -> Block<'static> {
        Block::Image { source: Source::Base64 { media_type: "image/png".into(), data: "AA==".into() }, detail: None }
    }

    fn encoded(model: &str, messages: &[Message<'_>]) -> (String, Vec<String>) {
        let mut losses = Losses::default();
        let contents = encode_contents(messages, Capability::of(model), &mut losses).unwrap();
        let losses = losses.iter().map(|loss| loss.reason.to_owned()).collect();
        (serde_json::to_string(&contents.contents).unwrap(), losses)
    }

    #[test]
    fn results_of_one_turn_are_one_content_and_what_stood_beside_them_follows() {
        let messages = [
            message(Role::Assistant, [call("a"), call("b")]),
            message(Role::User, [result("a", vec![part(text("x")), part(image())], false)]),
            message(Role::User, [result("b", vec![part(text("y"))], true), text("Go on")]),
        ];
        let (contents, losses) = encoded("gemini-2.5-flash", &messages);
        assert_eq!(
            contents,
            r#"[{"parts":[{"functionCall":{"name":"f","args":{}}},{"functionCall":{"name":"f","args":{}}}],"role":"model"},{"parts":[{"functionResponse":{"name":"f","response":{"output":"x"}}},{"functionResponse":{"name":"f","response":{"error":"y"}}}],"role":"user"},{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}],"role":"user"},{"parts":[{"text":"Go on"}],"role":"user"}]"#
        );
        assert_eq!(losses, ["media in the result become words of the user"]);
    }

    #[test]
    fn responses_follow_the_order_of_their_calls_whatever_stands_between_them() {
        let messages = [
            message(Role::Assistant, [text("I look.")]),
            message(Role::Assistant, [call("a")]),
            message(Role::Assistant, [call("b")]),
            message(Role::User, [result("b", vec![part(text("y"))], false), text("Wait")]),
            message(Role::System, [text("Be brief")]),
            message(Role::User, [result("a", vec![part(text("x"))], false)]),
            message(Role::User, [text("Go on")]),
        ];
        let (contents, losses) = encoded("gemini-3-flash-preview", &messages);
        assert_eq!(
            contents,
            r#"[{"parts":[{"text":"I look."},{"functionCall":{"name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"name":"f","args":{}}}],"role":"model"},{"parts":[{"functionResponse":{"name":"f","response":{"output":"x"}}},{"functionResponse":{"name":"f","response":{"output":"y"}}}],"role":"user"},{"parts":[{"text":"Wait"},{"text":"Be brief"}],"role":"user"},{"parts":[{"text":"Go on"}],"role":"user"}]"#
        );
        assert_eq!(losses.len(), 2);
    }

    #[test]
    fn later_models_take_pictures_inside_a_result() {
        let messages =
            [message(Role::Assistant, [call("a")]), message(Role::User, [result("a", vec![part(image())], false)])];
        let (contents, _) = encoded("gemini-3-flash-preview", &messages);
        assert!(
            contents.contains(r#"{"functionResponse":{"name":"f","response":{"output":""},"parts":[{"inlineData":"#),
            "{contents}"
        );
    }

    #[test]
    fn the_seal_of_google_goes_to_the_next_part_and_other_thinking_stays_behind() {
        let messages = [message(
            Role::Assistant,
            [
                sealed(Vendor::Google),
                text(""),
                call("aB3dE6gH"),
                sealed(Vendor::Anthropic),
                text("x"),
                sealed(Vendor::Google),
            ],
        )];
        let (contents, losses) = encoded("gemini-3-flash-preview", &messages);
        assert_eq!(
            contents,
            r#"[{"parts":[{"text":"t","thought":true},{"functionCall":{"id":"aB3dE6gH","name":"f","args":{}},"thoughtSignature":"s"},{"text":"x"},{"text":"t","thought":true},{"text":"","thoughtSignature":"s"}],"role":"model"}]"#
        );
        assert_eq!(losses, ["the provider takes thinking back only with its own signature"]);
    }

    #[test]
    fn only_later_models_want_a_stand_in_and_only_on_the_first_call() {
        let messages = [message(Role::Assistant, [call("a"), call("b")])];
        let (contents, losses) = encoded("gemini-3-pro-preview", &messages);
        assert_eq!(contents.matches("skip_thought_signature_validator").count(), 1);
        assert_eq!(losses.len(), 1);
        let (contents, losses) = encoded("gemini-2.5-pro", &messages);
        assert!(!contents.contains("thoughtSignature") && losses.is_empty());
    }

    #[test]
    fn a_result_that_is_an_object_is_the_response_itself() {
        let of = |body: &str, is_error: bool| {
            let messages = [
                message(Role::Assistant, [call("a")]),
                message(Role::User, [result("a", vec![part(text(body))], is_error)]),
            ];
            encoded("gemini-2.5-pro", &messages).0
        };
        assert!(of(r#" {"a": 1}"#, false).contains(r#""response":{"a": 1}}"#));
        assert!(of(r#"{"a": 1}"#, true).contains(r#""response":{"error":"{\"a\": 1}"}}"#));
        assert!(of("{not json", false).contains(r#""response":{"output":"{not json"}}"#));
        assert!(of("[1]", false).contains(r#""response":{"output":"[1]"}}"#));
    }

    #[test]
    fn what_google_cannot_take_is_refused_with_its_place() {
        let url = |url: &'static str| Block::Audio(Source::Url { url: url.into(), media_type: None });
        let file = Source::File { id: "file-1".into(), vendor: Vendor::Openai };
        for block in [
            url("s3://bucket/a.mp3"),
            Block::Document { source: file, title: None },
            result("unknown", Vec::new(), false),
        ] {
            let messages = [message(Role::User, [text("x"), block])];
            let refusal = encode_contents(&messages, Capability::of("gemini-2.5-pro"), &mut Losses::default());
            assert_eq!(refusal.err().and_then(|refusal| refusal.param).as_deref(), Some("p"));
        }
        let alone = [message(Role::System, [text("Be brief.")])];
        assert!(encode_contents(&alone, Capability::of("gemini-2.5-pro"), &mut Losses::default()).is_err());
    }
}
