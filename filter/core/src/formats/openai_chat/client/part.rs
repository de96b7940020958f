//! A message's content, decoded: a text or a list of parts.

use std::borrow::Cow;

use crate::{
    canonical::{Block, CacheMark, Part, Source, Vendor},
    dialect::{InvalidRequest, want},
    json::Node,
    vendors::claude::decode_cache,
};

/// A message's content: a text, or a list of parts
/// (<https://platform.openai.com/docs/api-reference/chat/create#chat_create-messages>).
pub(super) fn decode_content<'a>(
    value: Node<'a>,
    path: String,
    extra: &mut Vec<String>,
) -> Result<Vec<Part<'a>>, InvalidRequest> {
    if let Some(text) = value.string() {
        return Ok(vec![part(Block::Text(text), path)]);
    }
    let parts = want(value.elements(), &path, "a string or a list of parts")?.into_iter().enumerate();
    parts.map(|(index, value)| decode_part(value, format!("{path}.{index}"), extra)).collect()
}

/// The last member of that name. Contents are large, so members are looked for only once.
pub(super) fn pick<'a>(members: &[(Cow<'a, str>, Node<'a>)], key: &str) -> Option<Node<'a>> {
    members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
}

pub(super) fn part(block: Block<'_>, path: String) -> Part<'_> {
    Part { block, cache: None, path }
}

fn decode_part<'a>(value: Node<'a>, path: String, extra: &mut Vec<String>) -> Result<Part<'a>, InvalidRequest> {
    let members = want(value.members(), &path, "an object")?;
    let kind_path = format!("{path}.type");
    let kind = want(pick(&members, "type").and_then(Node::string), &kind_path, "a string")?;
    let inner_path = format!("{path}.{kind}");
    let inner = || want(pick(&members, &kind), &inner_path, "there");
    let block = match &*kind {
        "text" => Block::Text(want(inner()?.string(), &inner_path, "a string")?),
        "refusal" => Block::Refusal(want(inner()?.string(), &inner_path, "a string")?),
        "image_url" => decode_image(inner()?, &inner_path, extra)?,
        "file" => decode_file(inner()?, &inner_path, extra)?,
        "input_audio" => Block::Audio(decode_audio(inner()?, &inner_path)?),
        // OpenRouter, vLLM and llama.cpp.
        "video_url" => {
            let url_path = format!("{inner_path}.url");
            let url = inner()?.member("url").and_then(Node::string);
            Block::Video(decode_source(want(url, &url_path, "a string")?, &url_path)?)
        }
        // Mistral: <https://docs.mistral.ai/capabilities/document_ai/document_qna/>.
        "document_url" => {
            let source = decode_source(want(inner()?.string(), &inner_path, "a string")?, &inner_path)?;
            Block::Document { source, title: pick(&members, "document_name").and_then(Node::string) }
        }
        // Mistral: <https://docs.mistral.ai/capabilities/reasoning/>.
        "thinking" => Block::Thinking { text: decode_thinking(inner()?, &inner_path)?, seal: None },
        _ => return Err(InvalidRequest::new(kind_path, format!("a part of type {kind:?} cannot be translated"))),
    };
    let mut cache = None::<CacheMark>;
    for (key, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        match &*key {
            "type" => {}
            key if key == kind => {}
            "document_name" if kind == "document_url" => {}
            "closed" if kind == "thinking" => {}
            "cache_control" => cache = decode_cache(value, &format!("{path}.cache_control"))?,
            // OpenAI's own mark: <https://platform.openai.com/docs/guides/prompt-caching>.
            "prompt_cache_breakpoint" => cache = cache.or(Some(CacheMark::FiveMinutes)),
            key => extra.push(format!("{path}.{key}")),
        }
    }
    Ok(Part { block, cache, path })
}

fn decode_image<'a>(value: Node<'a>, path: &str, extra: &mut Vec<String>) -> Result<Block<'a>, InvalidRequest> {
    // Mistral's clients give the address alone.
    if let Some(url) = value.string() {
        return Ok(Block::Image { source: decode_source(url, path)?, detail: None });
    }
    let members = want(value.members(), path, "an object")?;
    let mut detail = None;
    for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        match &**key {
            "url" => {}
            "detail" => detail = Some(want(value.string(), &format!("{path}.detail"), "a string")?),
            key => extra.push(format!("{path}.{key}")),
        }
    }
    let path = format!("{path}.url");
    let source = decode_source(want(pick(&members, "url").and_then(Node::string), &path, "a string")?, &path)?;
    // `auto` is the default.
    Ok(Block::Image { source, detail: detail.filter(|detail| detail != "auto") })
}

/// <https://platform.openai.com/docs/guides/pdf-files?api-mode=chat>; an address in `file_data` is OpenRouter's
/// (<https://openrouter.ai/docs/features/multimodal/pdfs>).
fn decode_file<'a>(value: Node<'a>, path: &str, extra: &mut Vec<String>) -> Result<Block<'a>, InvalidRequest> {
    let (mut source, mut title) = (None, None);
    for (key, value) in want(value.members(), path, "an object")?.into_iter().filter(|(_, value)| !value.is_null()) {
        let at = format!("{path}.{key}");
        match &*key {
            "file_data" => source = Some(decode_source(want(value.string(), &at, "a string")?, &at)?),
            "file_id" => {
                let id = want(value.string(), &at, "a string")?;
                source = source.or(Some(Source::File { id, vendor: Vendor::Openai }));
            }
            "filename" => title = Some(want(value.string(), &at, "a string")?),
            _ => extra.push(at),
        }
    }
    let source = source.ok_or_else(|| InvalidRequest::new(path, "must have file_data or file_id"))?;
    Ok(Block::Document { source, title })
}

/// <https://platform.openai.com/docs/guides/audio>; a text in place of the object is Mistral's
/// (<https://docs.mistral.ai/capabilities/audio/>).
fn decode_audio<'a>(value: Node<'a>, path: &str) -> Result<Source<'a>, InvalidRequest> {
    if let Some(text) = value.string() {
        return match text.contains(':') {
            true => decode_source(text, path),
            // Mistral does not say what it is, and finds out.
            false => Ok(Source::Base64 { media_type: "audio/mpeg".into(), data: text }),
        };
    }
    let member = |key: &str| want(value.member(key).and_then(Node::string), &format!("{path}.{key}"), "a string");
    let media_type = match &*member("format")? {
        "mp3" => "audio/mpeg".into(),
        format => format!("audio/{format}").into(),
    };
    Ok(Source::Base64 { media_type, data: member("data")? })
}

fn decode_thinking<'a>(value: Node<'a>, path: &str) -> Result<Cow<'a, str>, InvalidRequest> {
    if let Some(text) = value.string() {
        return Ok(text);
    }
    let mut all = String::new();
    for (index, chunk) in want(value.elements(), path, "a list")?.into_iter().enumerate() {
        all += &want(chunk.member("text").and_then(Node::string), &format!("{path}.{index}.text"), "a string")?;
    }
    Ok(all.into())
}

/// A `data:` URL (<https://www.rfc-editor.org/rfc/rfc2397>) or an address.
fn decode_source<'a>(url: Cow<'a, str>, path: &str) -> Result<Source<'a>, InvalidRequest> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https") => Ok(Source::Url { url, media_type: None }),
        Some("data") => {
            let split = |url: &str| {
                let (head, data) = url.split_once(',')?;
                let media_type = head.split_once(':')?.1.strip_suffix(";base64")?;
                // Parameters such as a character set do not belong to the type.
                let media_type = media_type.split(';').next()?;
                (!media_type.is_empty()).then_some((url.len().checked_sub(data.len())?, media_type.to_owned()))
            };
            let (data_at, media_type) = want(split(&url), path, "a data URL with a media type and base64 data")?;
            let data = match url {
                Cow::Borrowed(url) => Cow::Borrowed(url.get(data_at..).unwrap_or_default()),
                Cow::Owned(mut url) => Cow::Owned(url.split_off(data_at)),
            };
            Ok(Source::Base64 { media_type: media_type.into(), data })
        }
        _ => Err(InvalidRequest::new(path, "must be an http, https or data URL")),
    }
}
