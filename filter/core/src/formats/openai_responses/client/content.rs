//! Contents of a client's items, decoded.

use std::borrow::Cow;

use super::fields::{Members, leave_rest, pick, text, text_if_any};
use crate::{
    canonical::{Block, CacheMark, Part, Source, Vendor},
    dialect::{InvalidRequest, want},
    json::Node,
};

/// The content of a message or of a tool's result: a text, or parts.
pub(super) fn decode_content<'a>(
    value: Node<'a>,
    path: &str,
    extra: &mut Vec<String>,
) -> Result<Vec<Part<'a>>, InvalidRequest> {
    if let Some(text) = value.string() {
        return Ok(vec![Part { block: Block::Text(text), cache: None, path: path.to_owned() }]);
    }
    let parts = want(value.elements(), path, "a string or a list of parts")?.into_iter().enumerate();
    parts.map(|(index, value)| decode_part(value, format!("{path}.{index}"), extra)).collect()
}

fn decode_part<'a>(value: Node<'a>, path: String, extra: &mut Vec<String>) -> Result<Part<'a>, InvalidRequest> {
    let members = want(value.members(), &path, "an object")?;
    let kind = text(&members, "type", &path)?;
    let (block, known): (_, &[&str]) = match &*kind {
        "input_text" | "text" => (Block::Text(text(&members, "text", &path)?), &["text"]),
        "output_text" => {
            // Where an earlier answer found its words is not said to the model again; how likely they were never was.
            let cites = pick(&members, "annotations").and_then(Node::elements).is_some_and(|all| !all.is_empty());
            extra.extend(cites.then(|| format!("{path}.annotations")));
            (Block::Text(text(&members, "text", &path)?), &["text", "annotations", "logprobs"])
        }
        "refusal" => (Block::Refusal(text(&members, "refusal", &path)?), &["refusal"]),
        "input_image" => (decode_image(&members, &path)?, &["image_url", "file_id", "detail"]),
        "input_file" => (decode_file(&members, &path)?, &["file_data", "file_url", "file_id", "filename"]),
        "input_audio" => (decode_audio(&members, &path)?, &["input_audio"]),
        _ => {
            let message = format!("a part of type {kind:?} cannot be translated");
            return Err(InvalidRequest::new(format!("{path}.type"), message));
        }
    };
    let rest: Vec<_> = members.iter().filter(|(key, _)| !known.contains(&&**key)).cloned().collect();
    leave_rest(&rest, &["type", "prompt_cache_breakpoint"], &path, extra);
    // <https://platform.openai.com/docs/guides/prompt-caching>: how long it lives is said for the whole request.
    let cache = pick(&members, "prompt_cache_breakpoint").map(|_| CacheMark::FiveMinutes);
    Ok(Part { block, cache, path })
}

fn decode_image<'a>(members: &Members<'a>, path: &str) -> Result<Block<'a>, InvalidRequest> {
    let detail = text_if_any(members, "detail", path)?.filter(|word| word != "auto");
    // Some clients wrap the address as chat completions do.
    let url = pick(members, "image_url").map(|url| url.member("url").unwrap_or(url));
    let source = match (url, text_if_any(members, "file_id", path)?) {
        (Some(url), _) => {
            let at = format!("{path}.image_url");
            decode_source(want(url.string(), &at, "a string")?, &at)?
        }
        (None, Some(id)) => Source::File { id, vendor: Vendor::Openai },
        (None, None) => return Err(InvalidRequest::new(path, "must have image_url or file_id")),
    };
    Ok(Block::Image { source, detail })
}

/// `detail` of a file is left over: it is about the pictures that OpenAI makes of its pages.
fn decode_file<'a>(members: &Members<'a>, path: &str) -> Result<Block<'a>, InvalidRequest> {
    let member = |key| text_if_any(members, key, path);
    let source = match (member("file_data")?, member("file_url")?, member("file_id")?) {
        (Some(data), _, _) => match decode_source(data, &format!("{path}.file_data"))? {
            source @ Source::Base64 { .. } => source,
            _ => return Err(InvalidRequest::new(format!("{path}.file_data"), "must be a data URL")),
        },
        (None, Some(url), _) => decode_source(url, &format!("{path}.file_url"))?,
        (None, None, Some(id)) => Source::File { id, vendor: Vendor::Openai },
        (None, None, None) => return Err(InvalidRequest::new(path, "must have file_data, file_url or file_id")),
    };
    Ok(Block::Document { source, title: member("filename")? })
}

fn decode_audio<'a>(members: &Members<'a>, path: &str) -> Result<Block<'a>, InvalidRequest> {
    let at = format!("{path}.input_audio");
    let inner = want(pick(members, "input_audio").and_then(Node::members), &at, "an object")?;
    let format = text(&inner, "format", &at)?;
    let media_type = if format == "mp3" { "audio/mpeg".into() } else { format!("audio/{format}").into() };
    Ok(Block::Audio(Source::Base64 { media_type, data: text(&inner, "data", &at)? }))
}

/// A `data:` URL (<https://www.rfc-editor.org/rfc/rfc2397>) or an address. OpenAI fetches http only; other schemes are
/// known to other providers.
fn decode_source<'a>(url: Cow<'a, str>, path: &str) -> Result<Source<'a>, InvalidRequest> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(InvalidRequest::new(path, "must be an address or a data URL"));
    };
    if !scheme.eq_ignore_ascii_case("data") {
        return match rest.starts_with("//") {
            true => Ok(Source::Url { url, media_type: None }),
            false => Err(InvalidRequest::new(path, "must be an address or a data URL")),
        };
    }
    let split = |rest: &str| {
        let (head, data) = rest.split_once(',')?;
        // Parameters such as a character set do not belong to the type.
        let media_type = head.strip_suffix(";base64")?.split(';').next()?;
        (!media_type.is_empty()).then_some((url.len().checked_sub(data.len())?, media_type.to_owned()))
    };
    let (data_at, media_type) = want(split(rest), path, "a data URL with a media type and base64 data")?;
    let data = match url {
        Cow::Borrowed(url) => Cow::Borrowed(url.get(data_at..).unwrap_or_default()),
        Cow::Owned(mut url) => Cow::Owned(url.split_off(data_at)),
    };
    Ok(Source::Base64 { media_type: media_type.into(), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(part: &str) -> Result<(Part<'_>, Vec<String>), String> {
        let mut extra = Vec::new();
        let part = decode_part(Node::parse(part.as_bytes()).unwrap(), "p".to_owned(), &mut extra);
        part.map(|part| (part, extra)).map_err(|refusal| refusal.to_string())
    }

    fn block(part: &str) -> Block<'_> {
        decode(part).unwrap().0.block
    }

    #[test]
    fn images_come_by_address_by_bytes_and_by_id() {
        let url = |url: &'static str| Source::Url { url: url.into(), media_type: None };
        assert_eq!(
            block(r#"{"type":"input_image","image_url":"https://a/b.png","detail":"auto"}"#),
            Block::Image { source: url("https://a/b.png"), detail: None },
        );
        assert_eq!(
            block(r#"{"type":"input_image","image_url":"data:image/png;base64,iVBO","detail":"high"}"#),
            Block::Image {
                source: Source::Base64 { media_type: "image/png".into(), data: "iVBO".into() },
                detail: Some("high".into()),
            },
        );
        assert_eq!(
            block(r#"{"type":"input_image","file_id":"file-1","image_url":null}"#),
            Block::Image { source: Source::File { id: "file-1".into(), vendor: Vendor::Openai }, detail: None },
        );
        assert_eq!(
            block(r#"{"type":"input_image","image_url":{"url":"gs://b/o"}}"#),
            Block::Image { source: url("gs://b/o"), detail: None },
        );
    }

    #[test]
    fn files_come_by_bytes_by_address_and_by_id() {
        let pdf = Source::Base64 { media_type: "application/pdf".into(), data: "JVBE".into() };
        assert_eq!(
            block(r#"{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}"#),
            Block::Document { source: pdf, title: Some("a.pdf".into()) },
        );
        assert_eq!(
            block(r#"{"type":"input_file","file_url":"https://a/b.pdf"}"#),
            Block::Document { source: Source::Url { url: "https://a/b.pdf".into(), media_type: None }, title: None },
        );
        let refusal = decode(r#"{"type":"input_file","file_data":"JVBE"}"#).unwrap_err();
        assert_eq!(refusal, "p.file_data: must be an address or a data URL");
        assert_eq!(decode(r#"{"type":"input_file"}"#).unwrap_err(), "p: must have file_data, file_url or file_id");
    }

    #[test]
    fn sound_has_its_media_type() {
        let sound = |media_type: &'static str| {
            Block::Audio(Source::Base64 { media_type: media_type.into(), data: "UklG".into() })
        };
        assert_eq!(block(r#"{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}"#), sound("audio/wav"));
        assert_eq!(
            block(r#"{"type":"input_audio","input_audio":{"data":"UklG","format":"mp3"}}"#),
            sound("audio/mpeg")
        );
    }

    #[test]
    fn what_has_no_place_is_left_over() {
        let (part, extra) = decode(
            r#"{"type":"output_text","text":"x","annotations":[{"type":"url_citation"}],"logprobs":[],"new":1,"old":null}"#,
        )
        .unwrap();
        assert_eq!(
            (part.block, extra),
            (Block::Text("x".into()), vec!["p.annotations".to_owned(), "p.new".to_owned()])
        );
        assert_eq!(
            decode(r#"{"type":"hologram"}"#).unwrap_err(),
            "p.type: a part of type \"hologram\" cannot be translated"
        );
    }

    #[test]
    fn a_breakpoint_of_the_prompt_cache_is_a_mark() {
        let (part, extra) =
            decode(r#"{"type":"input_text","text":"x","prompt_cache_breakpoint":{"mode":"explicit"}}"#).unwrap();
        assert_eq!((part.cache, extra), (Some(CacheMark::FiveMinutes), Vec::new()));
    }
}
