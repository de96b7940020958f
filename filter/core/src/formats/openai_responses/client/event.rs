//! The events of a stream, each with its number.

use serde::Serialize;

use super::{
    object::Object,
    output::{Annotation, Item, Logprobs, Part, SummaryWire},
};
use crate::framing::sse::write_json;

/// Numbers events and writes them as server-sent ones.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The number of the next event.
    sequence: u64,
}

impl Writer {
    /// Appends an event.
    pub(super) fn write(&mut self, name: &'static str, body: &impl Serialize, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct Wire<'e, B> {
            r#type: &'static str,
            sequence_number: u64,
            #[serde(flatten)]
            body: &'e B,
        }

        write_json(name, &Wire { r#type: name, sequence_number: self.sequence, body }, out);
        self.sequence = self.sequence.saturating_add(1);
    }
}

/// The response as it stands.
#[derive(Serialize)]
pub(super) struct ResponseEvent<'e> {
    pub(super) response: &'e Object<'e>,
}

/// An item begins or is complete.
#[derive(Serialize)]
pub(super) struct ItemEvent<'e> {
    pub(super) output_index: usize,
    pub(super) item: &'e Item,
}

/// Where in the answer something happens.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Place<'e> {
    pub(super) item_id: &'e str,
    pub(super) output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary_index: Option<usize>,
}

impl<'e> Place<'e> {
    /// In the item itself.
    pub(super) fn of(item: &'e Item, output_index: usize) -> Self {
        Self { item_id: &item.id, output_index, content_index: None, summary_index: None }
    }

    /// In a part of a message.
    pub(super) fn in_part(self, index: usize) -> Self {
        Self { content_index: Some(index), ..self }
    }

    /// In the only part of a summary.
    pub(super) fn in_summary(self) -> Self {
        Self { summary_index: Some(0), ..self }
    }
}

/// A part of a message begins or is complete.
#[derive(Serialize)]
pub(super) struct PartEvent<'e> {
    #[serde(flatten)]
    pub(super) place: Place<'e>,
    pub(super) part: &'e Part,
}

/// A part of a summary begins or is complete.
#[derive(Serialize)]
pub(super) struct SummaryEvent<'e> {
    #[serde(flatten)]
    pub(super) place: Place<'e>,
    pub(super) part: SummaryWire<'e>,
}

/// Some more of a text, a refusal, a summary or arguments.
#[derive(Serialize)]
pub(super) struct DeltaEvent<'e> {
    #[serde(flatten)]
    pub(super) place: Place<'e>,
    pub(super) delta: &'e str,
    /// There for texts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<Logprobs<'e>>,
}

/// All of a text, a refusal, a summary or arguments.
#[derive(Serialize)]
pub(super) struct DoneEvent<'e> {
    #[serde(flatten)]
    pub(super) place: Place<'e>,
    #[serde(flatten)]
    pub(super) whole: Whole<'e>,
}

/// What is complete, by the name that it has there.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Whole<'e> {
    Text { text: &'e str, logprobs: Logprobs<'e> },
    Refusal { refusal: &'e str },
    Summary { text: &'e str },
    Arguments { arguments: &'e str },
}

/// Where words of a text come from.
#[derive(Serialize)]
pub(super) struct AnnotationEvent<'e> {
    #[serde(flatten)]
    pub(super) place: Place<'e>,
    pub(super) annotation_index: usize,
    pub(super) annotation: &'e Annotation,
}

/// The answer breaks. The reference has `code`, `message` and `param` beside the type; OpenAI sends them in an object
/// `error`, and its clients look for that. Both are here.
#[derive(Serialize)]
pub(super) struct ErrorEvent<'e> {
    pub(super) code: Option<&'e str>,
    pub(super) message: &'e str,
    pub(super) param: Option<&'e str>,
    pub(super) error: ErrorWire<'e>,
}

/// See [`ErrorEvent::error`].
#[derive(Serialize)]
pub(super) struct ErrorWire<'e> {
    pub(super) r#type: &'e str,
    pub(super) code: Option<&'e str>,
    pub(super) message: &'e str,
    pub(super) param: Option<&'e str>,
}
