//! Content blocks for the provider.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::ids::encode_id;
use crate::{
    canonical::{Block, CacheMark, Losses, Part, Seal, Source, Vendor},
    dialect::{InvalidRequest, raw_arguments},
};

/// One content block of a request, or of a system prompt.
#[derive(Serialize)]
pub(super) struct Content<'c> {
    #[serde(flatten)]
    kind: Kind<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheWire>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Kind<'c> {
    Text {
        text: &'c str,
    },
    Image {
        source: SourceWire<'c>,
    },
    Document {
        source: SourceWire<'c>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'c str>,
    },
    ToolUse {
        id: Cow<'c, str>,
        name: &'c str,
        input: &'c RawValue,
    },
    ToolResult {
        tool_use_id: Cow<'c, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Content<'c>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Thinking {
        thinking: &'c str,
        signature: &'c str,
    },
    RedactedThinking {
        data: &'c str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum SourceWire<'c> {
    Url { url: &'c str },
    Base64 { media_type: &'c str, data: &'c str },
    Text { media_type: &'static str, data: &'c str },
    File { file_id: &'c str },
}

/// A mark of a prompt's cacheable beginning: <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct CacheWire {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl From<CacheMark> for CacheWire {
    fn from(mark: CacheMark) -> Self {
        let ttl = match mark {
            CacheMark::FiveMinutes => None,
            CacheMark::Hour => Some("1h"),
        };
        Self { r#type: "ephemeral", ttl }
    }
}

/// A text block; `None` for an empty text, which Anthropic refuses and which says nothing, and for white space, which it refuses
/// too ("text content blocks must contain non-whitespace text").
pub(super) fn encode_text<'c>(text: &'c str, part: &Part<'_>, losses: &mut Losses) -> Option<Content<'c>> {
    let is_blank = text.trim().is_empty();
    if is_blank && !text.is_empty() {
        losses.declare(part.path.as_str(), "the provider refuses texts of white space");
    }
    (!is_blank).then(|| content(Kind::Text { text }, part))
}

impl Content<'_> {
    /// Takes white space from the end of a text, and answers whether there was some.
    pub(super) fn trim_end(&mut self) -> bool {
        let Kind::Text { text } = &mut self.kind else { return false };
        let trimmed = text.trim_end();
        let had_some = trimmed.len() < text.len();
        *text = trimmed;
        had_some
    }
}

/// The blocks of a message or of a tool's result. Results of tools stand before all else that the user says
/// (<https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls>).
pub(super) fn encode_parts<'c>(parts: &'c [Part<'_>], losses: &mut Losses) -> Result<Vec<Content<'c>>, InvalidRequest> {
    let mut blocks = Vec::with_capacity(parts.len());
    let is_result = |part: &&Part<'_>| matches!(part.block, Block::ToolResult { .. });
    for part in parts.iter().filter(is_result).chain(parts.iter().filter(|part| !is_result(part))) {
        let kind = match &part.block {
            Block::Text(text) | Block::Refusal(text) => {
                blocks.extend(encode_text(text, part, losses));
                continue;
            }
            Block::Thinking { text, seal } => match seal {
                Some(Seal { vendor: Vendor::Anthropic, redacted: true, data }) => Kind::RedactedThinking { data },
                Some(Seal { vendor: Vendor::Anthropic, redacted: false, data }) => {
                    Kind::Thinking { thinking: text, signature: data }
                }
                _ => {
                    losses.declare(part.path.as_str(), "the provider takes thinking back only with its own signature");
                    continue;
                }
            },
            Block::Image { source, detail } => {
                if detail.as_deref().is_some_and(|detail| detail != "auto") {
                    losses.declare(format!("{}.detail", part.path), "the provider has one way to look at images");
                }
                Kind::Image { source: encode_source(source, part)? }
            }
            Block::Document { source, title } => {
                if let Source::Base64 { media_type, .. } = source
                    && media_type != "application/pdf"
                {
                    return Err(InvalidRequest::new(
                        part.path.as_str(),
                        "the provider takes files of PDF and text only",
                    ));
                }
                let title = title.as_deref().filter(|title| !title.is_empty());
                Kind::Document { source: encode_source(source, part)?, title }
            }
            Block::Audio(_) => {
                return Err(InvalidRequest::new(part.path.as_str(), "the provider takes no audio"));
            }
            Block::Video(_) => {
                return Err(InvalidRequest::new(part.path.as_str(), "the provider takes no video"));
            }
            Block::ToolUse { id, name, input } => {
                Kind::ToolUse { id: encode_id(id), name, input: raw_arguments(input, &part.path)? }
            }
            Block::ToolResult { id, parts, is_error } => Kind::ToolResult {
                tool_use_id: encode_id(id),
                content: encode_parts(parts, losses)?,
                is_error: *is_error,
            },
        };
        blocks.push(content(kind, part));
    }
    Ok(blocks)
}

fn content<'c>(kind: Kind<'c>, part: &Part<'_>) -> Content<'c> {
    Content { kind, cache_control: part.cache.map(CacheWire::from) }
}

fn encode_source<'c>(source: &'c Source<'_>, part: &Part<'_>) -> Result<SourceWire<'c>, InvalidRequest> {
    match source {
        Source::Url { url, .. } if url.starts_with("https://") || url.starts_with("http://") => {
            Ok(SourceWire::Url { url })
        }
        Source::Url { .. } => {
            Err(InvalidRequest::new(part.path.as_str(), "the provider fetches http and https addresses only"))
        }
        Source::Base64 { media_type, data } => Ok(SourceWire::Base64 { media_type, data }),
        Source::Text(text) => Ok(SourceWire::Text { media_type: "text/plain", data: text }),
        Source::File { id, vendor: Vendor::Anthropic } => Ok(SourceWire::File { file_id: id }),
        Source::File { .. } => Err(InvalidRequest::new(
            part.path.as_str(),
            "the file is known to another provider only; send its bytes in place of its id",
        )),
    }
}
