//! Content blocks for the provider, as far as the model's family takes them.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    capability::{Caching, ModelFamily},
    ids::encode_id,
    media::{self, DocumentNames, DocumentWire, MediaWire},
};
use crate::{
    canonical::{Block, CacheMark, Losses, Part, Role, Seal, Vendor},
    dialect::{InvalidRequest, raw_arguments},
};

/// One content block of a message, of a system prompt or of a tool's result: a union, told by the name of its only member
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>).
#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Content<'c> {
    Text(Cow<'c, str>),
    Image(MediaWire<'c>),
    Document(DocumentWire<'c>),
    Video(MediaWire<'c>),
    Audio(MediaWire<'c>),
    ToolUse {
        tool_use_id: Cow<'c, str>,
        name: Cow<'c, str>,
        input: &'c RawValue,
    },
    ToolResult {
        tool_use_id: Cow<'c, str>,
        content: Vec<Content<'c>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
    },
    /// In a tool's result only.
    Json(Empty),
    #[serde(rename = "reasoningContent")]
    Reasoning(ReasoningWire<'c>),
    CachePoint(CachePoint),
}

/// `{}`
#[derive(Serialize)]
pub(super) struct Empty {}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningContentBlock.html>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ReasoningWire<'c> {
    ReasoningText {
        text: &'c str,
        signature: &'c str,
    },
    /// Bytes, which are base64 in JSON: those of the text that Anthropic's own API has.
    RedactedContent(String),
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CachePointBlock.html>
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct CachePoint {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

/// Encodes content. Names of documents are used once in a request, so it goes through all of it.
pub(super) struct Encoder<'l> {
    pub(super) family: ModelFamily,
    caching: Caching,
    document_names: DocumentNames,
    pub(super) losses: &'l mut Losses,
}

impl<'l> Encoder<'l> {
    pub(super) fn new(family: ModelFamily, losses: &'l mut Losses) -> Self {
        Self { family, caching: family.caching(), document_names: DocumentNames::default(), losses }
    }

    /// The parts of a system prompt, which is text.
    pub(super) fn add_system<'c>(&mut self, parts: &'c [Part<'_>], content: &mut Vec<Content<'c>>) {
        for part in parts {
            match &part.block {
                Block::Text(text) | Block::Refusal(text) => content.extend(self.encode_text(text, part)),
                _ => self.losses.declare(part.path.as_str(), "the provider's system prompt is text only"),
            }
            self.add_cache_point(part, content);
        }
    }

    /// The parts of a message.
    pub(super) fn add_parts<'c>(
        &mut self,
        role: Role,
        parts: &'c [Part<'_>],
        content: &mut Vec<Content<'c>>,
    ) -> Result<(), InvalidRequest> {
        for part in parts {
            content.extend(self.encode(role, part)?);
            self.add_cache_point(part, content);
        }
        Ok(())
    }

    fn encode<'c>(&mut self, role: Role, part: &'c Part<'_>) -> Result<Option<Content<'c>>, InvalidRequest> {
        let content = match &part.block {
            Block::Text(text) => return Ok(self.encode_text(text, part)),
            Block::Refusal(text) => {
                self.losses.approximate(part.path.as_str(), "a refusal becomes plain words of the assistant");
                return Ok(self.encode_text(text, part));
            }
            Block::Thinking { text, seal } => return Ok(self.encode_thinking(text, seal.as_ref(), part)),
            Block::ToolUse { id, name, input } => Content::ToolUse {
                tool_use_id: encode_id(id),
                name: encode_id(name),
                input: raw_arguments(input, &part.path)?,
            },
            Block::ToolResult { id, parts, is_error } => Content::ToolResult {
                tool_use_id: encode_id(id),
                content: self.encode_result(parts, part)?,
                status: is_error.then_some("error"),
            },
            Block::Image { .. } | Block::Document { .. } | Block::Audio(_) | Block::Video(_) => {
                if role == Role::Assistant {
                    return Err(InvalidRequest::new(part.path.as_str(), "the provider takes media of the user only"));
                }
                self.encode_medium(part)?
            }
        };
        Ok(Some(content))
    }

    fn encode_medium<'c>(&mut self, part: &'c Part<'_>) -> Result<Content<'c>, InvalidRequest> {
        match &part.block {
            Block::Image { source, detail } => {
                if detail.as_deref().is_some_and(|detail| detail != "auto") {
                    self.losses.declare(format!("{}.detail", part.path), "the provider has one way to look at images");
                }
                Ok(Content::Image(media::encode_image(source, part)?))
            }
            Block::Document { source, title } => {
                let title = title.as_deref().unwrap_or_default();
                let name = self.document_names.name(title);
                if !title.is_empty() && name != title {
                    let reason = "the provider takes plain names, each once, for documents";
                    self.losses.approximate(part.path.as_str(), reason);
                }
                Ok(Content::Document(media::encode_document(source, name, part)?))
            }
            Block::Video(source) => Ok(Content::Video(media::encode_video(source, part)?)),
            Block::Audio(source) => Ok(Content::Audio(media::encode_audio(source, part)?)),
            _ => Err(InvalidRequest::new(part.path.as_str(), "the provider takes no such content here")),
        }
    }

    fn encode_thinking<'c>(
        &mut self,
        text: &'c str,
        seal: Option<&'c Seal<'_>>,
        part: &Part<'_>,
    ) -> Option<Content<'c>> {
        match seal {
            Some(Seal { vendor: Vendor::Anthropic, redacted: false, data }) if self.family.takes_seals() => {
                Some(Content::Reasoning(ReasoningWire::ReasoningText { text, signature: data }))
            }
            Some(Seal { vendor: Vendor::Anthropic, redacted: true, data }) if self.family.takes_seals() => {
                Some(Content::Reasoning(ReasoningWire::RedactedContent(BASE64_STANDARD.encode(data.as_bytes()))))
            }
            _ => {
                self.losses.declare(part.path.as_str(), "the provider takes thinking back only with its own signature");
                None
            }
        }
    }

    /// A text block; `None` for an empty text, which AWS refuses and which says nothing, and for white space, which it
    /// refuses too ("text content blocks must contain non-whitespace text").
    fn encode_text<'c>(&mut self, text: &'c str, part: &Part<'_>) -> Option<Content<'c>> {
        let is_blank = text.trim().is_empty();
        if is_blank && !text.is_empty() {
            self.losses.declare(part.path.as_str(), "the provider refuses texts of white space");
        }
        (!is_blank).then_some(Content::Text(Cow::Borrowed(text)))
    }

    /// What a tool answered: texts, images, documents, video
    /// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolResultContentBlock.html>).
    fn encode_result<'c>(
        &mut self,
        parts: &'c [Part<'_>],
        result: &Part<'_>,
    ) -> Result<Vec<Content<'c>>, InvalidRequest> {
        let mut content = Vec::with_capacity(parts.len());
        for part in parts {
            match &part.block {
                Block::Text(text) | Block::Refusal(text) => content.extend(self.encode_text(text, part)),
                Block::Image { .. } | Block::Document { .. } | Block::Video(_) => {
                    content.push(self.encode_medium(part)?)
                }
                Block::Audio(_) | Block::Thinking { .. } | Block::ToolUse { .. } | Block::ToolResult { .. } => {
                    let message = "the provider takes text, images, documents and video of a tool only";
                    return Err(InvalidRequest::new(part.path.as_str(), message));
                }
            }
            if part.cache.is_some() && result.cache.is_none() {
                let reason = "the provider marks a tool's result as a whole; mark that";
                self.losses.declare(format!("{}.cache_control", part.path), reason);
            }
        }
        if content.is_empty() {
            self.losses.approximate(result.path.as_str(), "an empty result becomes an empty object");
            content.push(Content::Json(Empty {}));
        }
        Ok(content)
    }

    /// The cache point after a marked part. AWS refuses one directly after a document or a video, as pydantic-ai found out
    /// (its recorded traffic puts a line end between them).
    fn add_cache_point<'c>(&mut self, part: &Part<'_>, content: &mut Vec<Content<'c>>) {
        let Some(point) = cache_point(part.cache, self.caching.messages, self.caching, &part.path, self.losses) else {
            return;
        };
        match content.last() {
            Some(Content::Document(_) | Content::Video(_)) => content.push(Content::Text("\n".into())),
            Some(Content::CachePoint(_)) => return,
            Some(_) => {}
            None => {
                let reason = "there is nothing before the mark that could be cached";
                return self.losses.declare(format!("{}.cache_control", part.path), reason);
            }
        }
        content.push(Content::CachePoint(point));
    }

    /// The cache point after a marked tool.
    pub(super) fn tool_cache_point(&mut self, mark: Option<CacheMark>, path: &str) -> Option<CachePoint> {
        cache_point(mark, self.caching.tools, self.caching, path, self.losses)
    }
}

fn cache_point(
    mark: Option<CacheMark>,
    here: bool,
    caching: Caching,
    path: &str,
    losses: &mut Losses,
) -> Option<CachePoint> {
    let mark = mark?;
    if !here {
        losses.declare(format!("{path}.cache_control"), "the model takes no cache points here");
        return None;
    }
    let ttl = match mark {
        CacheMark::FiveMinutes => None,
        CacheMark::Hour if caching.hour => Some("1h"),
        CacheMark::Hour => {
            losses.approximate(format!("{path}.cache_control"), "the model caches for five minutes only");
            None
        }
    };
    Some(CachePoint { r#type: "default", ttl })
}
