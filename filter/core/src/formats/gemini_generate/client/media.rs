//! Bytes and files in a client's contents, decoded by their media type.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::fields::{fields, string};
use crate::{
    canonical::{Block, Source, Vendor},
    dialect::{InvalidRequest, want},
    formats::gemini_generate::wire::media_type::media_type_of,
    json::Node,
};

/// `inlineData`: bytes with their type.
pub(super) fn decode_inline<'a>(
    value: Node<'a>,
    path: &str,
    extra: &mut Vec<String>,
) -> Result<Block<'a>, InvalidRequest> {
    let (mut media_type, mut data, mut title) = (None, None, None);
    for (key, value) in fields(value, path)? {
        let path = format!("{path}.{key}");
        match &*key {
            "mimeType" => media_type = Some(string(value, &path)?),
            "data" => data = Some(string(value, &path)?),
            "displayName" => title = Some(string(value, &path)?),
            _ => extra.push(path),
        }
    }
    let media_type = want(media_type.filter(|kind| !kind.is_empty()), &format!("{path}.mimeType"), "a media type")?;
    let data = standard_base64(want(data, &format!("{path}.data"), "a string")?);
    let kind = Kind::of(&media_type);
    let source = match plain_text(&media_type, &data) {
        Some(text) => Source::Text(text.into()),
        None => Source::Base64 { media_type, data },
    };
    Ok(kind.block(source, title))
}

/// `fileData`: the address of a file, one that was uploaded to Google for one
/// (<https://ai.google.dev/gemini-api/docs/file-input-methods>).
pub(super) fn decode_file<'a>(
    value: Node<'a>,
    path: &str,
    extra: &mut Vec<String>,
) -> Result<Block<'a>, InvalidRequest> {
    let (mut media_type, mut uri, mut title) = (None, None, None);
    for (key, value) in fields(value, path)? {
        let path = format!("{path}.{key}");
        match &*key {
            "mimeType" => media_type = Some(string(value, &path)?).filter(|kind| !kind.is_empty()),
            "fileUri" => uri = Some(string(value, &path)?),
            "displayName" => title = Some(string(value, &path)?),
            _ => extra.push(path),
        }
    }
    let url = want(uri.filter(|uri| !uri.is_empty()), &format!("{path}.fileUri"), "an address")?;
    let kind = match media_type.as_deref().or_else(|| media_type_of(&url)) {
        Some(media_type) => Kind::of(media_type),
        None if is_youtube(&url) => Kind::Video,
        None => Kind::Document,
    };
    let source = match is_uploaded(&url) {
        true => Source::File { id: url, vendor: Vendor::Google },
        false => Source::Url { url, media_type },
    };
    Ok(kind.block(source, title))
}

/// What a media type is of.
enum Kind {
    Image,
    Audio,
    Video,
    Document,
}

impl Kind {
    fn of(media_type: &str) -> Self {
        match media_type.split('/').next() {
            Some("image") => Self::Image,
            Some("audio") => Self::Audio,
            Some("video") => Self::Video,
            _ => Self::Document,
        }
    }

    fn block<'a>(self, source: Source<'a>, title: Option<Cow<'a, str>>) -> Block<'a> {
        match self {
            Self::Image => Block::Image { source, detail: None },
            Self::Audio => Block::Audio(source),
            Self::Video => Block::Video(source),
            Self::Document => Block::Document { source, title },
        }
    }
}

/// Plain text arrives as bytes too, and most formats take documents of it as text.
fn plain_text(media_type: &str, data: &str) -> Option<String> {
    if media_type.split(';').next()?.trim() != "text/plain" {
        return None;
    }
    String::from_utf8(BASE64_STANDARD.decode(data).ok()?).ok()
}

/// Google's JSON takes either alphabet of base64, with and without padding, and Google's Python client writes the other one;
/// other formats want the usual one.
pub(super) fn standard_base64(data: Cow<'_, str>) -> Cow<'_, str> {
    let lacks = match data.len() % 4 {
        2 => "==",
        3 => "=",
        _ => "",
    };
    if lacks.is_empty() && !data.bytes().any(|byte| matches!(byte, b'-' | b'_')) {
        return data;
    }
    Cow::Owned(data.replace('-', "+").replace('_', "/") + lacks)
}

/// Whether the address is one that Google's own file store gives.
fn is_uploaded(url: &str) -> bool {
    url.strip_prefix("https://generativelanguage.googleapis.com/").is_some_and(|path| path.contains("/files/"))
        || url.starts_with("files/")
}

fn is_youtube(url: &str) -> bool {
    let host = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
    matches!(host, "youtu.be" | "youtube.com" | "www.youtube.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Block<'_> {
        decode_file(Node::parse(text.as_bytes()).unwrap(), "f", &mut Vec::new()).unwrap()
    }

    #[test]
    fn an_address_says_what_it_is_of_by_its_type_or_its_ending() {
        assert!(matches!(file(r#"{"fileUri":"gs://b/a.bin","mimeType":"image/png"}"#), Block::Image { .. }));
        assert!(matches!(file(r#"{"file_uri":"https://x/a.mp3?b=c"}"#), Block::Audio(_)));
        assert!(matches!(file(r#"{"fileUri":"https://www.youtube.com/watch?v=1"}"#), Block::Video(_)));
        assert!(matches!(file(r#"{"fileUri":"https://x/a"}"#), Block::Document { .. }));
    }

    #[test]
    fn a_file_that_was_uploaded_to_google_is_known_to_google_only() {
        let uri = "https://generativelanguage.googleapis.com/v1beta/files/abc";
        let text = format!(r#"{{"fileUri":"{uri}","mimeType":"application/pdf"}}"#);
        let source = Source::File { id: uri.into(), vendor: Vendor::Google };
        assert_eq!(file(&text), Block::Document { source, title: None });
    }

    #[test]
    fn both_alphabets_of_base64_become_the_usual_one() {
        assert_eq!(standard_base64("-_8".into()), "+/8=");
        assert_eq!(standard_base64("+/8=".into()), "+/8=");
    }
}
