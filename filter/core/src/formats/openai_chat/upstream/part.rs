//! Contents of messages for the provider.

use std::borrow::Cow;

use serde::Serialize;

use super::capability::{Capability, ModelFamily};
use crate::{
    canonical::{Block, CacheMark, Losses, Part, Source, Vendor},
    dialect::InvalidRequest,
};

/// What a message says: a text, or a list of parts.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ContentWire<'c> {
    Text(Cow<'c, str>),
    Parts(Vec<PartWire<'c>>),
}

/// One part: <https://platform.openai.com/docs/api-reference/chat/create#chat_create-messages>.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PartWire<'c> {
    Text {
        text: Cow<'c, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheWire>,
    },
    ImageUrl {
        image_url: ImageWire<'c>,
    },
    File {
        file: FileWire<'c>,
    },
    InputAudio {
        input_audio: AudioWire<'c>,
    },
    /// OpenRouter (<https://openrouter.ai/docs/features/multimodal/videos>) and vLLM, not OpenAI.
    VideoUrl {
        video_url: VideoWire<'c>,
    },
    /// Mistral: <https://docs.mistral.ai/capabilities/reasoning/>.
    Thinking {
        thinking: Vec<PartWire<'c>>,
    },
}

#[derive(Serialize)]
pub(super) struct ImageWire<'c> {
    url: Cow<'c, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'c str>,
}

#[derive(Default, Serialize)]
pub(super) struct FileWire<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'c str>,
}

#[derive(Serialize)]
pub(super) struct AudioWire<'c> {
    data: &'c str,
    format: &'c str,
}

#[derive(Serialize)]
pub(super) struct VideoWire<'c> {
    url: Cow<'c, str>,
}

/// A cache mark as routers to Claude take it: <https://openrouter.ai/docs/features/prompt-caching>.
#[derive(Clone, Copy, Serialize)]
pub(super) struct CacheWire {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl<'c> PartWire<'c> {
    pub(super) fn text(text: impl Into<Cow<'c, str>>) -> Self {
        Self::Text { text: text.into(), cache_control: None }
    }
}

/// The cache mark of a part, where the model takes one.
pub(super) fn encode_cache(part: &Part<'_>, capability: Capability, losses: &mut Losses) -> Option<CacheWire> {
    let mark = part.cache?;
    if capability.family != ModelFamily::Claude || !matches!(part.block, Block::Text(_)) {
        losses.declare(format!("{}.cache_control", part.path), "the provider caches prompts by itself");
        return None;
    }
    let ttl = match mark {
        CacheMark::FiveMinutes => None,
        CacheMark::Hour => Some("1h"),
    };
    Some(CacheWire { r#type: "ephemeral", ttl })
}

/// A part of a user's message.
pub(super) fn encode_part<'c>(
    part: &'c Part<'_>,
    capability: Capability,
    losses: &mut Losses,
) -> Result<PartWire<'c>, InvalidRequest> {
    let refuse = |message: &str| Err(InvalidRequest::new(part.path.as_str(), message));
    let cache_control = encode_cache(part, capability, losses);
    match &part.block {
        Block::Text(text) | Block::Refusal(text) => Ok(PartWire::Text { text: text.as_ref().into(), cache_control }),
        Block::Image { source, detail } => {
            let url = match source {
                Source::Url { url, .. } if is_web(url) => Cow::Borrowed(&**url),
                Source::Base64 { media_type, data } => Cow::Owned(data_url(media_type, data)),
                Source::Url { .. } => return refuse("the provider fetches images from http and https addresses only"),
                Source::Text(_) => return refuse("an image cannot be text"),
                Source::File { .. } => {
                    return refuse("the provider takes images by address or as base64, not by a file's id");
                }
            };
            Ok(PartWire::ImageUrl { image_url: ImageWire { url, detail: detail.as_deref() } })
        }
        Block::Document { source, title } => encode_document(source, title.as_deref(), part, capability, losses),
        Block::Audio(Source::Base64 { media_type, data }) => match audio_format(media_type) {
            Some(format @ ("wav" | "mp3")) => Ok(PartWire::InputAudio { input_audio: AudioWire { data, format } }),
            Some(format) if !capability.is_openai() => {
                Ok(PartWire::InputAudio { input_audio: AudioWire { data, format } })
            }
            _ => refuse("the provider takes audio as wav or mp3 only"),
        },
        Block::Audio(_) => refuse("the provider takes audio as base64 only"),
        Block::Video(_) if capability.is_openai() => refuse("the provider takes no video"),
        Block::Video(Source::Url { url, .. }) => {
            Ok(PartWire::VideoUrl { video_url: VideoWire { url: (&**url).into() } })
        }
        Block::Video(Source::Base64 { media_type, data }) => {
            Ok(PartWire::VideoUrl { video_url: VideoWire { url: data_url(media_type, data).into() } })
        }
        Block::Video(_) => refuse("the provider takes videos by address or as base64 only"),
        Block::Thinking { .. } | Block::ToolUse { .. } => refuse("only the assistant can say this"),
        Block::ToolResult { .. } => refuse("only a user's message can have the result of a tool"),
    }
}

/// Files: <https://platform.openai.com/docs/guides/pdf-files?api-mode=chat>.
fn encode_document<'c>(
    source: &'c Source<'_>,
    title: Option<&'c str>,
    part: &Part<'_>,
    capability: Capability,
    losses: &mut Losses,
) -> Result<PartWire<'c>, InvalidRequest> {
    let title = title.filter(|title| !title.is_empty());
    let refuse = |message: &str| Err(InvalidRequest::new(part.path.as_str(), message));
    let file = match source {
        Source::Base64 { media_type, data } => {
            // OpenAI asks for a name, and goes by its ending.
            let fallback = if media_type == "application/pdf" { "document.pdf" } else { "document" };
            let file_data = Some(data_url(media_type, data).into());
            FileWire { filename: Some(title.unwrap_or(fallback)), file_data, file_id: None }
        }
        // OpenRouter takes addresses in the same place: <https://openrouter.ai/docs/features/multimodal/pdfs>.
        Source::Url { url, .. } if capability.routed => {
            let filename = Some(title.unwrap_or("document.pdf"));
            FileWire { filename, file_data: Some((&**url).into()), file_id: None }
        }
        Source::Url { .. } => return refuse("the provider fetches no documents; send the file as base64"),
        Source::Text(text) => {
            losses.approximate(part.path.as_str(), "a document of plain text becomes a text");
            return Ok(match title {
                Some(title) => PartWire::text(format!("{title}\n\n{text}")),
                None => PartWire::text(&**text),
            });
        }
        Source::File { id, vendor: Vendor::Openai } => FileWire { file_id: Some(id), ..FileWire::default() },
        Source::File { .. } => return refuse("the file's id is known to another vendor only; send the file as base64"),
    };
    Ok(PartWire::File { file })
}

fn is_web(url: &str) -> bool {
    url.split_once(':')
        .is_some_and(|(scheme, _)| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)))
}

fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}

/// `audio/wav` and its other names.
fn audio_format(media_type: &str) -> Option<&str> {
    let subtype = media_type.strip_prefix("audio/")?.split(';').next()?;
    Some(match subtype {
        "wav" | "x-wav" | "wave" | "vnd.wave" => "wav",
        "mp3" | "mpeg" | "mpga" => "mp3",
        other => other,
    })
}
