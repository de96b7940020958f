//! The items of an answer, read.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    canonical::{BlockStart, Citation, Delta, Event, Seal, TokenLogprob, Vendor},
    dialect::Sink,
    formats::openai_responses::wire::seal,
    json::{Node, Text},
};

/// An item of an answer: <https://platform.openai.com/docs/api-reference/responses/object#responses-object-output>.
#[derive(Debug, Deserialize)]
pub(super) struct ItemWire<'e> {
    #[serde(borrow, default)]
    pub(super) r#type: Text<'e>,
    #[serde(borrow)]
    id: Option<Text<'e>>,
    #[serde(borrow)]
    call_id: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'e>>,
    #[serde(borrow)]
    arguments: Option<&'e RawValue>,
    #[serde(borrow)]
    input: Option<&'e RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<Vec<PartWire<'e>>>,
    #[serde(borrow)]
    summary: Option<Vec<PartWire<'e>>>,
    #[serde(borrow)]
    encrypted_content: Option<Text<'e>>,
    #[serde(borrow)]
    phase: Option<Text<'e>>,
}

/// A part of a message or of reasoning.
#[derive(Debug, Deserialize)]
pub(super) struct PartWire<'e> {
    #[serde(borrow, default)]
    pub(super) r#type: Text<'e>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) refusal: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) annotations: Option<Vec<AnnotationWire<'e>>>,
    #[serde(borrow)]
    pub(super) logprobs: Option<Vec<LogprobWire<'e>>>,
}

/// Where words of a text come from.
#[derive(Debug, Deserialize)]
pub(super) struct AnnotationWire<'e> {
    #[serde(borrow, default)]
    r#type: Text<'e>,
    #[serde(borrow)]
    url: Option<Text<'e>>,
    #[serde(borrow)]
    title: Option<Text<'e>>,
    #[serde(borrow)]
    filename: Option<Text<'e>>,
    start_index: Option<u64>,
    end_index: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogprobWire<'e> {
    #[serde(borrow)]
    token: Text<'e>,
    logprob: f64,
    #[serde(borrow)]
    top_logprobs: Option<Vec<TopWire<'e>>>,
}

#[derive(Debug, Deserialize)]
struct TopWire<'e> {
    #[serde(borrow, default)]
    token: Text<'e>,
    #[serde(default)]
    logprob: f64,
}

/// The kinds of items that an answer has a place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Reasoning,
    Call,
}

/// Where an item stands, for the id of a call that has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'e> {
    pub(super) response: &'e str,
    pub(super) index: u64,
}

impl<'e> ItemWire<'e> {
    /// `None` for items of OpenAI's own tools, and for kinds that came after this was written.
    pub(super) fn kind(&self) -> Option<Kind> {
        match &*self.r#type.0 {
            "message" => Some(Kind::Message),
            "reasoning" => Some(Kind::Reasoning),
            "function_call" | "custom_tool_call" => Some(Kind::Call),
            _ => None,
        }
    }

    /// Whether the model refuses in it, in words of its own.
    pub(super) fn refuses(&self) -> bool {
        self.content.iter().flatten().any(|part| part.r#type.0 == "refusal")
    }

    /// Declares an item without a place.
    pub(super) fn lose(&self, sink: Sink<'_>) {
        let reason = "the client's format has no place for items of this kind";
        sink(Event::Lost { path: format!("output.{}", self.r#type.0).into(), reason });
    }

    /// Declares what an item with a place has beside it: which part of a long turn a message is, for OpenAI's models only,
    /// and that a tool is a custom one.
    pub(super) fn lose_rest(&self, sink: Sink<'_>) {
        if self.input.is_some() {
            let reason = "the client's format knows tools with arguments only";
            sink(Event::Lost { path: format!("output.{}", self.r#type.0).into(), reason });
        }
        if self.phase.is_some() {
            sink(Event::Lost { path: "output.phase".into(), reason: "the client's format has no phases of messages" });
        }
    }

    /// All events of the item.
    pub(super) fn give(self, place: Place<'_>, sink: Sink<'_>) {
        self.lose_rest(sink);
        match self.kind() {
            None => self.lose(sink),
            Some(Kind::Message) => {
                for part in self.content.unwrap_or_default() {
                    part.give(sink);
                }
            }
            Some(Kind::Reasoning) => {
                let (text, seal) = (self.readable(), self.seal(place));
                if text.is_empty() && seal.is_none() {
                    return;
                }
                sink(Event::BlockStart(BlockStart::Thinking));
                give_text(sink, Delta::Thinking, text);
                if let Some(seal) = seal {
                    sink(Event::BlockDelta(Delta::Seal(seal)));
                }
                sink(Event::BlockStop);
            }
            Some(Kind::Call) => {
                sink(Event::BlockStart(self.call(place)));
                sink(Event::BlockDelta(Delta::Input(self.input())));
                sink(Event::BlockStop);
            }
        }
    }

    /// The beginning of a call.
    pub(super) fn call(&self, Place { response, index }: Place<'_>) -> BlockStart<'e> {
        let stated = [&self.call_id, &self.id].into_iter().flatten().find(|id| !id.0.is_empty());
        let id = stated.map_or_else(|| format!("call_{response}_{index}").into(), |id| id.0.clone());
        BlockStart::ToolUse { id, name: self.name.clone().unwrap_or_default().0 }
    }

    /// The arguments of a call; an object stands for its text, and nothing for an empty one. The text of a custom tool's
    /// call becomes the one argument of a function, as it does in requests.
    pub(super) fn input(&self) -> Cow<'e, str> {
        if let Some(input) = self.input {
            return format!("{{\"input\":{}}}", input.get()).into();
        }
        let text = self.arguments.and_then(|raw| {
            let node = Node::parse(raw.get().as_bytes()).ok().filter(|node| !node.is_null())?;
            Some(node.string().unwrap_or(Cow::Borrowed(raw.get())))
        });
        text.filter(|text| !text.is_empty()).unwrap_or("{}".into())
    }

    /// What may be read of reasoning: itself where the provider shows it, or its summary.
    pub(super) fn readable(&self) -> Cow<'e, str> {
        let texts = |parts: &Option<Vec<PartWire<'e>>>| -> Vec<Cow<'e, str>> {
            let texts = parts.iter().flatten().filter_map(|part| part.text.as_ref());
            texts.map(|text| text.0.clone()).filter(|text| !text.is_empty()).collect()
        };
        let mut shown = texts(&self.content);
        if shown.is_empty() {
            shown = texts(&self.summary);
        }
        match <[_; 1]>::try_from(shown) {
            Ok([only]) => only,
            Err(shown) => shown.join("\n\n").into(),
        }
    }

    /// What brings the reasoning back on the next turn. A provider that shows the reasoning and encrypts nothing wants the
    /// text itself, with the item's id.
    pub(super) fn seal(&self, Place { index, .. }: Place<'_>) -> Option<Seal<'static>> {
        let encrypted = self.encrypted_content.as_ref().map_or("", |content| &*content.0);
        let shows = self.content.iter().flatten().any(|part| part.text.as_ref().is_some_and(|text| !text.0.is_empty()));
        if encrypted.is_empty() && !shows {
            return None;
        }
        let stated = self.id.as_ref().map(|id| id.0.clone()).filter(|id| !id.is_empty() && !id.contains('|'));
        let id = stated.unwrap_or_else(|| format!("rs_{index}").into());
        let redacted = self.readable().is_empty();
        Some(Seal { vendor: Vendor::Openai, redacted, data: seal::join(&id, encrypted).into() })
    }
}

impl PartWire<'_> {
    /// All events of the part of a message.
    pub(super) fn give(self, sink: Sink<'_>) {
        match &*self.r#type.0 {
            "output_text" | "text" => {
                sink(Event::BlockStart(BlockStart::Text));
                give_text(sink, Delta::Text, self.text.unwrap_or_default().0);
                give_logprobs(sink, self.logprobs);
                for annotation in self.annotations.unwrap_or_default() {
                    annotation.give(sink);
                }
                sink(Event::BlockStop);
            }
            "refusal" => {
                sink(Event::BlockStart(BlockStart::Refusal));
                give_text(sink, Delta::Text, self.refusal.unwrap_or_default().0);
                sink(Event::BlockStop);
            }
            kind => {
                let reason = "the client's format has no place for parts of this kind";
                sink(Event::Lost { path: format!("output.content.{kind}").into(), reason });
            }
        }
    }
}

impl AnnotationWire<'_> {
    /// The citation that it is; a file is cited by its name.
    pub(super) fn give(self, sink: Sink<'_>) {
        let text = |text: Option<Text<'_>>| text.map(|text| Cow::Owned(text.0.into_owned()));
        let citation = Citation {
            url: text(self.url),
            title: text(self.title.or(self.filename)),
            cited_text: None,
            span: self.start_index.zip(self.end_index),
        };
        match citation.url.is_some() || citation.title.is_some() {
            true => sink(Event::BlockDelta(Delta::Citation(citation))),
            false => {
                let path = format!("output.content.annotations.{}", self.r#type.0).into();
                sink(Event::Lost { path, reason: "the annotation names no address and no file" });
            }
        }
    }
}

/// A delta, unless it says nothing.
pub(super) fn give_text<'e>(sink: Sink<'_>, kind: fn(Cow<'e, str>) -> Delta<'e>, text: Cow<'e, str>) {
    if !text.is_empty() {
        sink(Event::BlockDelta(kind(text)));
    }
}

/// The tokens of the text just given; whether there were any.
pub(super) fn give_logprobs(sink: Sink<'_>, tokens: Option<Vec<LogprobWire<'_>>>) -> bool {
    let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) else { return false };
    let tokens = tokens.into_iter().map(|LogprobWire { token, logprob, top_logprobs }| TokenLogprob {
        token: token.0.into_owned(),
        logprob,
        top: top_logprobs.into_iter().flatten().map(|top| (top.token.0.into_owned(), top.logprob)).collect(),
    });
    sink(Event::BlockDelta(Delta::Logprobs(tokens.collect())));
    true
}
