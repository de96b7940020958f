//! Which of its APIs a request means, and what every dialect can be asked for.

use axum::http::HeaderMap;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::send::{Answer, Framing};
use crate::{anthropic, bedrock, gemini, openai};

/// Whose errors and events a request is answered with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dialect {
    /// Chat, completions, embeddings, models.
    Openai,
    Responses,
    Anthropic,
    Gemini,
    Bedrock,
}

impl Dialect {
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        if bedrock::operation(path).is_some() {
            Self::Bedrock
        } else if gemini::operation(path).is_some() {
            Self::Gemini
        } else if path == "/v1/responses" {
            Self::Responses
        } else if path == "/v1/messages" || headers.contains_key("anthropic-version") {
            Self::Anthropic
        } else {
            Self::Openai
        }
    }

    /// The model that a request names, in its body or in its path.
    pub(crate) fn model(self, path: &str, body: &Value) -> String {
        let in_path = match self {
            Self::Gemini => gemini::operation(path).map(|operation| operation.model),
            Self::Bedrock => bedrock::operation(path).map(|operation| operation.model),
            Self::Openai | Self::Responses | Self::Anthropic => None,
        };
        in_path.unwrap_or_else(|| body["model"].as_str().unwrap_or_default().to_owned())
    }

    /// The text of the last turn of the user's that is more than results of tools.
    pub(crate) fn last_words(self, body: &Value) -> String {
        match self {
            Self::Openai | Self::Anthropic | Self::Bedrock if body["messages"].is_array() => {
                last_spoken(&body["messages"], "content").map(|turn| text(&turn["content"])).unwrap_or_default()
            }
            Self::Openai => text(&body["prompt"]),
            Self::Responses if body["input"].is_array() => {
                last_spoken(&body["input"], "content").map(|turn| text(&turn["content"])).unwrap_or_default()
            }
            Self::Responses => text(&body["input"]),
            Self::Gemini => {
                last_spoken(&body["contents"], "parts").map(|turn| text(&turn["parts"])).unwrap_or_default()
            }
            Self::Anthropic | Self::Bedrock => String::new(),
        }
    }

    /// What the provider says with this status.
    pub(crate) fn scripted_error(self, status: u16) -> Answer {
        match self {
            Self::Openai | Self::Responses => openai::scripted_error(status),
            Self::Anthropic => anthropic::scripted_error(status),
            Self::Gemini => gemini::error::scripted(status),
            Self::Bedrock => bedrock::error::scripted(status),
        }
    }

    /// An event of this JSON, as an error in the middle of a stream is sent.
    pub(crate) fn error_event(framing: Framing, error: &Value) -> Bytes {
        match framing {
            Framing::Binary => bedrock::error::exception(error),
            Framing::Array => Bytes::from(format!(",\r\n{error}]")),
            Framing::Whole | Framing::Events => {
                // Responses names every event by its type, Anthropic too; the others name none, and their errors have no type out here.
                let name = error["type"].as_str().map(|name| format!("event: {name}\n")).unwrap_or_default();
                Bytes::from(format!("{name}data: {error}\n\n"))
            }
        }
    }

    /// The error with which the provider itself breaks a stream off, after the events that went out.
    pub(crate) fn midway_error(self, sent: &[Bytes], failed: bool) -> Value {
        match self {
            Self::Openai => openai::midway_error(),
            Self::Responses => openai::responses::midway_error(sent, failed),
            Self::Anthropic => anthropic::midway_error(),
            Self::Gemini => gemini::error::midway(),
            Self::Bedrock => bedrock::error::midway(),
        }
    }
}

/// A segment of a path, its percent signs resolved.
pub(crate) fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The items of a list; none of anything else.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The text of a content: a string, or the text parts of a list. Thinking is not text.
pub(crate) fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let spoken = parts.iter().filter(|part| part["thought"] != true);
            spoken.filter_map(|part| part.as_str().or(part["text"].as_str())).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// The last turn of the user's that is more than results of tools.
pub(crate) fn last_spoken<'a>(turns: &'a Value, content: &str) -> Option<&'a Value> {
    let is_result = |part: &Value| {
        part["type"] == "tool_result" || part.get("toolResult").is_some() || part.get("functionResponse").is_some()
    };
    items(turns).iter().rev().find(|turn| {
        let by_user = turn["role"] == "user" || (turn["role"].is_null() && turn.get("parts").is_some());
        let parts = items(&turn[content]);
        by_user && (parts.is_empty() || !parts.iter().all(is_result))
    })
}
