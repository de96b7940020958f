//! The conversation as messages for the provider.

use std::borrow::Cow;

use serde::Serialize;

use super::{
    super::wire::reasoning::DetailWire,
    capability::{Capability, ModelFamily, Recall},
    ids,
    part::{ContentWire, PartWire, encode_cache, encode_part},
    tool::check_name,
};
use crate::{
    canonical::{Block, Losses, Message, Part, Role, Seal, Vendor},
    dialect::InvalidRequest,
};

/// The conversation. Results of tools become messages of their own, which must follow their calls at once; what is not
/// text in them goes into the message of the user that follows, since messages of tools are text only.
pub(super) fn encode_messages<'c>(
    messages: &'c [Message<'_>],
    capability: Capability,
    losses: &mut Losses,
) -> Result<Vec<MessageWire<'c>>, InvalidRequest> {
    let mut encoder = Encoder { capability, losses, out: Vec::with_capacity(messages.len()), moved: Vec::new() };
    for (index, message) in messages.iter().enumerate() {
        match message.role {
            Role::System => encoder.system(message)?,
            Role::User => encoder.user(message)?,
            Role::Assistant => encoder.assistant(message, index.saturating_add(1) == messages.len())?,
        }
    }
    encoder.flush();
    Ok(encoder.out)
}

struct Encoder<'c, 'l> {
    capability: Capability,
    losses: &'l mut Losses,
    out: Vec<MessageWire<'c>>,
    /// What was in results of tools and waits for a message of the user.
    moved: Vec<PartWire<'c>>,
}

impl<'c> Encoder<'c, '_> {
    fn system(&mut self, message: &'c Message<'_>) -> Result<(), InvalidRequest> {
        self.flush();
        let text_only = |part: &&Part<'_>| !matches!(part.block, Block::Text(_) | Block::Refusal(_));
        if let Some(part) = message.parts.iter().find(text_only) {
            return Err(InvalidRequest::new(part.path.as_str(), "the provider's instructions are text only"));
        }
        let content = self.content(message.parts.iter())?;
        self.out.push(MessageWire { content: Some(content), ..MessageWire::of("system") });
        Ok(())
    }

    fn user(&mut self, message: &'c Message<'_>) -> Result<(), InvalidRequest> {
        let is_result = |part: &Part<'_>| matches!(part.block, Block::ToolResult { .. });
        if message.has_results_behind_words() {
            self.losses.approximate(message.path.as_str(), "results of tools go before other words of the user");
        }
        for part in &message.parts {
            if let Block::ToolResult { id, parts, is_error } = &part.block {
                self.result(id, parts, *is_error, part)?;
            }
        }
        if !message.parts.is_empty() && message.parts.iter().all(is_result) {
            return Ok(());
        }
        let mut moved = std::mem::take(&mut self.moved);
        let others = message.parts.iter().filter(|part| !is_result(part));
        let content = match (moved.is_empty(), self.content(others)?) {
            (true, content) => content,
            (false, ContentWire::Text(text)) => {
                moved.push(PartWire::text(text));
                ContentWire::Parts(moved)
            }
            (false, ContentWire::Parts(parts)) => {
                moved.extend(parts);
                ContentWire::Parts(moved)
            }
        };
        self.say(content, &message.path);
        Ok(())
    }

    /// The user speaks. Mistral wants the assistant between the results of tools and the user, and answers otherwise
    /// "Unexpected role 'user' after role 'tool'".
    fn say(&mut self, content: ContentWire<'c>, path: &str) {
        let follows_result = self.out.last().is_some_and(|last| last.role == "tool");
        if follows_result && self.capability.family == ModelFamily::Mistral {
            let reason = "the provider wants words of the assistant between results of tools and the user";
            self.losses.approximate(path, reason);
            let content = Some(ContentWire::Text("Understood.".into()));
            self.out.push(MessageWire { content, ..MessageWire::of("assistant") });
        }
        self.out.push(MessageWire { content: Some(content), ..MessageWire::of("user") });
    }

    fn result(
        &mut self,
        id: &'c str,
        parts: &'c [Part<'_>],
        is_error: bool,
        of: &Part<'_>,
    ) -> Result<(), InvalidRequest> {
        if is_error {
            self.losses.declare(format!("{}.is_error", of.path), "the provider's format has no mark of failed tools");
        }
        encode_cache(of, self.capability, self.losses);
        let is_text = |part: &&Part<'_>| matches!(part.block, Block::Text(_) | Block::Refusal(_));
        let content = self.content(parts.iter().filter(is_text))?;
        let mut media = parts.iter().filter(|part| !is_text(part)).peekable();
        if media.peek().is_some() {
            self.moved.push(PartWire::text(format!("From the result of {id}:")));
        }
        for part in media {
            self.losses.approximate(part.path.as_str(), "results of tools are text only, so it follows as the user's");
            self.moved.push(encode_part(part, self.capability, self.losses)?);
        }
        let tool_call_id = Some(self.id(id));
        self.out.push(MessageWire { content: Some(content), tool_call_id, ..MessageWire::of("tool") });
        Ok(())
    }

    fn assistant(&mut self, message: &'c Message<'_>, is_last: bool) -> Result<(), InvalidRequest> {
        self.flush();
        let mut wire = MessageWire::of("assistant");
        let mut texts: Vec<&'c Part<'_>> = Vec::new();
        let mut recalled = Recalled::default();
        for part in &message.parts {
            match &part.block {
                Block::Text(_) => texts.push(part),
                // Who only follow OpenAI do not all know the member.
                Block::Refusal(_) if !self.capability.is_openai() => texts.push(part),
                Block::Refusal(text) => wire.refusal.get_or_insert_default().to_mut().push_str(text),
                Block::Thinking { text, seal } => self.recall(text, seal.as_ref(), part, &mut recalled),
                Block::ToolUse { id, name, input } => {
                    check_name(name, &part.path, self.capability)?;
                    encode_cache(part, self.capability, self.losses);
                    let arguments = if input.trim().is_empty() { "{}" } else { input };
                    wire.tool_calls.push(CallWire {
                        id: self.id(id),
                        r#type: "function",
                        function: FunctionWire { name, arguments },
                        extra_content: recalled.thought_signature.take().map(ExtraWire::of),
                    });
                }
                Block::Image { .. } | Block::Document { .. } | Block::Audio(_) | Block::Video(_) => {
                    let message = "the provider takes only words and calls from the assistant";
                    return Err(InvalidRequest::new(part.path.as_str(), message));
                }
                Block::ToolResult { .. } => {
                    let message = "only a user's message can have the result of a tool";
                    return Err(InvalidRequest::new(part.path.as_str(), message));
                }
            }
        }
        self.note_order(message);
        wire.content = match (texts.is_empty(), recalled.chunks.is_empty()) {
            (true, true) if !wire.tool_calls.is_empty() || wire.refusal.is_some() => None,
            (_, true) => Some(self.joined(&texts)),
            (_, false) => {
                let texts = texts.iter().map(|part| encode_part(part, self.capability, self.losses));
                recalled.chunks.extend(texts.collect::<Result<Vec<_>, _>>()?);
                Some(ContentWire::Parts(recalled.chunks))
            }
        };
        match self.capability.recall() {
            Recall::Content => wire.reasoning_content = recalled.text,
            Recall::Plain => wire.reasoning = recalled.text,
            _ => {}
        }
        wire.reasoning_details = recalled.details;
        if is_last && wire.tool_calls.is_empty() {
            if self.capability.family == ModelFamily::Mistral {
                wire.prefix = Some(true);
            } else if self.capability.family != ModelFamily::Claude {
                let reason = "the provider may answer a last message of the assistant rather than go on from it";
                self.losses.approximate(message.path.as_str(), reason);
            }
        }
        self.out.push(wire);
        Ok(())
    }

    /// Reasoning of an earlier turn.
    fn recall(&mut self, text: &'c str, seal: Option<&'c Seal<'_>>, part: &'c Part<'_>, recalled: &mut Recalled<'c>) {
        let path = part.path.as_str();
        match (self.capability.recall(), seal) {
            (Recall::None, _) => self.losses.declare(path, "the provider's chats take no reasoning back"),
            (Recall::Details(vendor), Some(seal)) if seal.vendor == vendor => {
                let index = u32::try_from(recalled.pieces).unwrap_or(u32::MAX);
                recalled.pieces = recalled.pieces.saturating_add(1);
                recalled.details.extend(DetailWire::whole(text, Some(seal), index));
            }
            (Recall::ThoughtSignature, Some(seal)) if seal.vendor == Vendor::Google => {
                if !text.is_empty() {
                    self.losses.approximate(path, "only the seal of the reasoning goes back");
                }
                recalled.thought_signature = Some(&seal.data);
            }
            (Recall::Details(_) | Recall::ThoughtSignature, _) => {
                self.losses.declare(path, "the provider takes reasoning back only with its own seal");
            }
            (Recall::Content | Recall::Plain | Recall::Chunks, Some(_)) if text.is_empty() => {
                self.losses.declare(path, "the seal of another vendor means nothing to the provider");
            }
            (recall @ (Recall::Content | Recall::Plain | Recall::Chunks), seal) => {
                if seal.is_some() {
                    self.losses.approximate(path, "the seal of another vendor means nothing to the provider");
                }
                match recall {
                    Recall::Chunks => recalled.chunks.push(PartWire::Thinking { thinking: vec![PartWire::text(text)] }),
                    _ => match &mut recalled.text {
                        Some(all) => all.to_mut().push_str(text),
                        None => recalled.text = Some(text.into()),
                    },
                }
            }
        }
    }

    /// A message says its words, then its calls.
    fn note_order(&mut self, message: &Message<'_>) {
        let called = message.parts.iter().position(|part| matches!(part.block, Block::ToolUse { .. }));
        let spoke = message.parts.iter().rposition(|part| matches!(part.block, Block::Text(_)));
        if let (Some(called), Some(spoke)) = (called, spoke)
            && called < spoke
        {
            self.losses.approximate(message.path.as_str(), "words of the assistant go before its calls");
        }
    }

    /// The texts of the assistant, which are one text however they were cut.
    fn joined(&mut self, texts: &[&'c Part<'_>]) -> ContentWire<'c> {
        let caches: Vec<_> = texts.iter().map(|part| encode_cache(part, self.capability, self.losses)).collect();
        let words = texts.iter().map(|part| match &part.block {
            Block::Text(text) | Block::Refusal(text) => &**text,
            _ => "",
        });
        if caches.iter().any(Option::is_some) {
            let parts =
                words.zip(caches).map(|(text, cache_control)| PartWire::Text { text: text.into(), cache_control });
            return ContentWire::Parts(parts.collect());
        }
        let mut all = Cow::Borrowed("");
        for text in words {
            all += text;
        }
        ContentWire::Text(all)
    }

    /// One text without a mark as such, anything else as a list.
    fn content(&mut self, parts: impl Iterator<Item = &'c Part<'c>>) -> Result<ContentWire<'c>, InvalidRequest> {
        let mut wires = Vec::new();
        for part in parts {
            wires.push(encode_part(part, self.capability, self.losses)?);
        }
        Ok(match wires.pop() {
            None => ContentWire::Text("".into()),
            Some(PartWire::Text { text, cache_control: None }) if wires.is_empty() => ContentWire::Text(text),
            Some(last) => {
                wires.push(last);
                ContentWire::Parts(wires)
            }
        })
    }

    fn flush(&mut self) {
        if !self.moved.is_empty() {
            let content = ContentWire::Parts(std::mem::take(&mut self.moved));
            self.say(content, "messages");
        }
    }

    fn id(&self, id: &'c str) -> Cow<'c, str> {
        match self.capability.family {
            ModelFamily::Mistral => ids::mistral(id),
            _ if self.capability.is_openai() => ids::short(id),
            _ => id.into(),
        }
    }
}

/// Reasoning on its way back, in the shape that the provider takes.
#[derive(Default)]
struct Recalled<'c> {
    text: Option<Cow<'c, str>>,
    details: Vec<DetailWire<'c>>,
    pieces: usize,
    chunks: Vec<PartWire<'c>>,
    thought_signature: Option<&'c str>,
}

/// One message: <https://platform.openai.com/docs/api-reference/chat/create#chat_create-messages>.
#[derive(Serialize)]
pub(super) struct MessageWire<'c> {
    role: &'static str,
    content: Option<ContentWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<DetailWire<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'c, str>>,
    /// Mistral: go on from this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<bool>,
}

impl MessageWire<'_> {
    fn of(role: &'static str) -> Self {
        Self {
            role,
            content: None,
            refusal: None,
            reasoning_content: None,
            reasoning: None,
            reasoning_details: Vec::new(),
            tool_calls: Vec::new(),
            tool_call_id: None,
            prefix: None,
        }
    }
}

#[derive(Serialize)]
struct CallWire<'c> {
    id: Cow<'c, str>,
    r#type: &'static str,
    function: FunctionWire<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraWire<'c>>,
}

#[derive(Serialize)]
struct FunctionWire<'c> {
    name: &'c str,
    arguments: &'c str,
}

#[derive(Serialize)]
struct ExtraWire<'c> {
    google: GoogleWire<'c>,
}

#[derive(Serialize)]
struct GoogleWire<'c> {
    thought_signature: &'c str,
}

impl<'c> ExtraWire<'c> {
    fn of(thought_signature: &'c str) -> Self {
        Self { google: GoogleWire { thought_signature } }
    }
}
