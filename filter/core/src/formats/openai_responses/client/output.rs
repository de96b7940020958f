//! The items of an answer, as the client reads them.

use serde::{Serialize, Serializer, ser::SerializeSeq};

use crate::canonical::{BlockStart, Citation, FinishReason, Losses, Seal, TokenLogprob, Vendor};

/// An item of an answer: <https://platform.openai.com/docs/api-reference/responses/object#responses-object-output>.
#[derive(Debug)]
pub(super) struct Item {
    /// `msg_…`, `rs_…` or `fc_…`.
    pub(super) id: String,
    /// How far it is.
    pub(super) status: Status,
    pub(super) content: Content,
}

/// How far an item is, in the API's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
}

#[derive(Debug)]
pub(super) enum Content {
    /// Reasoning is shown as a summary: that is what clients of this format expect to be readable.
    Reasoning {
        summary: String,
        encrypted: Option<String>,
    },
    Message(Vec<Part>),
    Call {
        call_id: String,
        name: String,
        arguments: String,
    },
}

/// A part of a message.
#[derive(Debug)]
pub(super) enum Part {
    Text(TextPart),
    Refusal(String),
}

#[derive(Debug, Default)]
pub(super) struct TextPart {
    pub(super) text: String,
    /// How many characters `text` has.
    pub(super) characters: u64,
    pub(super) annotations: Vec<Annotation>,
    /// Annotations of all of the text, which is not complete yet.
    pub(super) pending: Vec<Annotation>,
    pub(super) logprobs: Vec<TokenLogprob>,
}

/// Where words of a text come from.
#[derive(Debug, Serialize)]
pub(super) struct Annotation {
    r#type: &'static str,
    start_index: u64,
    end_index: u64,
    url: String,
    title: String,
}

impl Item {
    /// The item that a block begins, `index` being its place in the answer to this exchange.
    pub(super) fn new(start: &BlockStart<'_>, exchange: &str, index: usize) -> Self {
        let (prefix, content) = match start {
            BlockStart::Text | BlockStart::Refusal => ("msg", Content::Message(Vec::new())),
            BlockStart::Thinking => ("rs", Content::Reasoning { summary: String::new(), encrypted: None }),
            BlockStart::ToolUse { id, name } => {
                let (call_id, name) = (id.clone().into_owned(), name.clone().into_owned());
                ("fc", Content::Call { call_id, name, arguments: String::new() })
            }
        };
        Self { id: format!("{prefix}_{exchange}_{index}"), status: Status::InProgress, content }
    }

    /// Whether a block that begins so belongs to this item: texts and refusals in a row are parts of one message.
    pub(super) fn takes(&self, start: &BlockStart<'_>) -> bool {
        matches!((&self.content, start), (Content::Message(_), BlockStart::Text | BlockStart::Refusal))
    }

    /// Begins the part of a message that a block begins.
    pub(super) fn begin_part(&mut self, start: &BlockStart<'_>) {
        if let Content::Message(parts) = &mut self.content {
            parts.push(match start {
                BlockStart::Refusal => Part::Refusal(String::new()),
                _ => Part::Text(TextPart::default()),
            });
        }
    }

    /// Keeps the seal of reasoning for the client to send back. OpenAI's own is wrapped like another's: the id of its item is
    /// a part of it, and this item has an id of ours.
    pub(super) fn seal(&mut self, seal: &Seal<'_>) {
        let Content::Reasoning { encrypted, .. } = &mut self.content else { return };
        let as_foreign = if seal.vendor == Vendor::Openai { Vendor::Google } else { Vendor::Openai };
        *encrypted = Some(seal.carried_by(as_foreign).into_owned());
    }
}

/// Why the answer ended, as the API sees it: a model that refuses in words of its own has said what it had to say.
pub(super) fn ending(reason: FinishReason, output: &[Item]) -> FinishReason {
    let refuses = |item: &Item| match &item.content {
        Content::Message(parts) => parts.iter().any(|part| matches!(part, Part::Refusal(_))),
        Content::Reasoning { .. } | Content::Call { .. } => false,
    };
    match reason {
        FinishReason::Refusal if output.iter().any(refuses) => FinishReason::Stop,
        reason => reason,
    }
}

impl TextPart {
    pub(super) fn push(&mut self, more: &str) {
        self.text.push_str(more);
        let added = u64::try_from(more.chars().count()).unwrap_or(u64::MAX);
        self.characters = self.characters.saturating_add(added);
    }

    /// The text is complete: what stands behind all of it has its place now.
    pub(super) fn place_pending(&mut self) -> Vec<Annotation> {
        let pending = std::mem::take(&mut self.pending);
        pending.into_iter().map(|one| Annotation { end_index: self.characters, ..one }).collect()
    }
}

impl Annotation {
    /// A citation of the web; of a document there is nothing that its annotation could name, since it wants a file's id.
    /// One that is not told its place stands behind all `characters` of the text.
    pub(super) fn new(citation: &Citation<'_>, characters: u64, losses: &mut Losses) -> Option<Self> {
        let Some(url) = &citation.url else {
            losses.declare("citations", "the client's format cites addresses and stored files only");
            return None;
        };
        if citation.cited_text.is_some() {
            losses.declare("citations.cited_text", "the client's format has no place for the words of a source");
        }
        let (start_index, end_index) = citation.span.unwrap_or((0, characters));
        let title = citation.title.as_ref().unwrap_or(url).clone().into_owned();
        Some(Self { r#type: "url_citation", start_index, end_index, url: url.clone().into_owned(), title })
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, status, content } = self;
        let wire = match content {
            Content::Reasoning { summary, encrypted } => {
                let summary = (!summary.is_empty()).then_some(SummaryWire::new(summary));
                ItemWire::Reasoning { id, summary: Vec::from_iter(summary), encrypted_content: encrypted.as_deref() }
            }
            Content::Message(parts) => ItemWire::Message { id, status: *status, role: "assistant", content: parts },
            Content::Call { call_id, name, arguments } => {
                ItemWire::FunctionCall { id, status: *status, call_id, name, arguments }
            }
        };
        wire.serialize(serializer)
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = match self {
            Self::Text(TextPart { text, annotations, logprobs, pending: _, characters: _ }) => {
                PartWire::OutputText { text, annotations, logprobs: Logprobs(logprobs) }
            }
            Self::Refusal(refusal) => PartWire::Refusal { refusal },
        };
        wire.serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ItemWire<'e> {
    Reasoning { id: &'e str, summary: Vec<SummaryWire<'e>>, encrypted_content: Option<&'e str> },
    Message { id: &'e str, status: Status, role: &'static str, content: &'e [Part] },
    FunctionCall { id: &'e str, status: Status, call_id: &'e str, name: &'e str, arguments: &'e str },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PartWire<'e> {
    OutputText { text: &'e str, annotations: &'e [Annotation], logprobs: Logprobs<'e> },
    Refusal { refusal: &'e str },
}

/// One part of a summary.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct SummaryWire<'e> {
    r#type: &'static str,
    text: &'e str,
}

impl<'e> SummaryWire<'e> {
    pub(super) fn new(text: &'e str) -> Self {
        Self { r#type: "summary_text", text }
    }
}

/// Tokens as the API writes them: `bytes` are those of the token's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logprobs<'e>(pub(super) &'e [TokenLogprob]);

impl Serialize for Logprobs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'e> {
            token: &'e str,
            logprob: f64,
            bytes: &'e [u8],
            top_logprobs: Vec<TopWire<'e>>,
        }

        #[derive(Serialize)]
        struct TopWire<'e> {
            token: &'e str,
            logprob: f64,
            bytes: &'e [u8],
        }

        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for TokenLogprob { token, logprob, top } in self.0 {
            let top = top.iter().map(|(token, logprob)| TopWire { token, logprob: *logprob, bytes: token.as_bytes() });
            list.serialize_element(&Wire {
                token,
                logprob: *logprob,
                bytes: token.as_bytes(),
                top_logprobs: top.collect(),
            })?;
        }
        list.end()
    }
}
