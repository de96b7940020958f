//! The response object, as it stands in answers and in the events that frame a stream.

use serde::Serialize;

use super::output::Item;
use crate::{
    canonical::{FinishReason, Usage},
    dialect::Translation,
    formats::openai_responses::usage::{EncodedUsage, encode_usage},
};

/// What all objects of one response have in common.
#[derive(Clone, Debug)]
pub(super) struct Head {
    exchange: String,
    created_s: u64,
    model: String,
}

/// Whether a response goes on, and how it ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome<'e> {
    InProgress,
    Ended(FinishReason),
    Failed { code: &'static str, message: &'e str },
}

impl Head {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        let (exchange, model) = (translation.exchange.to_owned(), translation.model.to_owned());
        Self { exchange, created_s: translation.created_s, model }
    }

    /// What ids of items are made from.
    pub(super) fn exchange(&self) -> &str {
        &self.exchange
    }

    /// Takes the model's name from the answer, where it gives one.
    pub(super) fn answered_by(&mut self, model: &str) {
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
    }

    /// The response as it stands.
    pub(super) fn object<'e>(&'e self, output: &'e [Item], outcome: Outcome<'e>, usage: Option<&Usage>) -> Object<'e> {
        let (status, reason) = match outcome {
            Outcome::InProgress => ("in_progress", None),
            Outcome::Failed { .. } => ("failed", None),
            Outcome::Ended(reason) => match incompleteness(reason) {
                Some(reason) => ("incomplete", Some(reason)),
                None => ("completed", None),
            },
        };
        let error = match outcome {
            Outcome::Failed { code, message } => Some(ErrorWire { code, message }),
            Outcome::InProgress | Outcome::Ended(_) => None,
        };
        Object {
            id: format!("resp_{}", self.exchange),
            object: "response",
            created_at: self.created_s,
            status,
            background: false,
            error,
            incomplete_details: reason.map(|reason| Details { reason }),
            instructions: None,
            max_output_tokens: None,
            max_tool_calls: None,
            metadata: Nothing {},
            model: &self.model,
            output,
            parallel_tool_calls: true,
            previous_response_id: None,
            prompt_cache_key: None,
            reasoning: Reasoning { effort: None, summary: None },
            safety_identifier: None,
            service_tier: None,
            temperature: None,
            text: Text { format: Format { r#type: "text" } },
            tool_choice: "auto",
            tools: [],
            top_logprobs: 0,
            top_p: None,
            truncation: "disabled",
            usage: usage.map(encode_usage),
            user: None,
        }
    }
}

/// Why an answer is not complete, in the two words that the API has.
pub(super) fn incompleteness(reason: FinishReason) -> Option<&'static str> {
    match reason {
        FinishReason::Length | FinishReason::ContextFull => Some("max_output_tokens"),
        FinishReason::Refusal | FinishReason::Filter => Some("content_filter"),
        FinishReason::Stop
        | FinishReason::StopSequence
        | FinishReason::ToolUse
        | FinishReason::Paused
        | FinishReason::Malformed => None,
    }
}

/// The response object (<https://platform.openai.com/docs/api-reference/responses/object>). What it repeats of the request is
/// not known here: it has the values that the official clients take for absent.
#[derive(Debug, Serialize)]
pub(super) struct Object<'e> {
    id: String,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    background: bool,
    error: Option<ErrorWire<'e>>,
    incomplete_details: Option<Details>,
    instructions: Option<()>,
    max_output_tokens: Option<()>,
    max_tool_calls: Option<()>,
    metadata: Nothing,
    model: &'e str,
    output: &'e [Item],
    parallel_tool_calls: bool,
    previous_response_id: Option<()>,
    prompt_cache_key: Option<()>,
    reasoning: Reasoning,
    safety_identifier: Option<()>,
    service_tier: Option<()>,
    temperature: Option<()>,
    text: Text,
    tool_choice: &'static str,
    tools: [(); 0],
    top_logprobs: u8,
    top_p: Option<()>,
    truncation: &'static str,
    usage: Option<EncodedUsage>,
    user: Option<()>,
}

#[derive(Debug, Serialize)]
struct ErrorWire<'e> {
    code: &'static str,
    message: &'e str,
}

#[derive(Debug, Serialize)]
struct Details {
    reason: &'static str,
}

#[derive(Debug, Serialize)]
struct Nothing {}

#[derive(Debug, Serialize)]
struct Reasoning {
    effort: Option<()>,
    summary: Option<()>,
}

#[derive(Debug, Serialize)]
struct Text {
    format: Format,
}

#[derive(Debug, Serialize)]
struct Format {
    r#type: &'static str,
}
