//! Pictures, documents, sound and moving pictures: AWS takes bytes or an address in S3, and names the format in a word of its
//! own.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;

use crate::{
    canonical::{Part, Source},
    dialect::InvalidRequest,
};

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html>, and the same for video and audio.
#[derive(Serialize)]
pub(super) struct MediaWire<'c> {
    format: &'static str,
    source: SourceWire<'c>,
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html>
#[derive(Serialize)]
pub(super) struct DocumentWire<'c> {
    format: &'static str,
    pub(super) name: String,
    source: SourceWire<'c>,
}

/// `bytes` is base64 in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum SourceWire<'c> {
    Bytes(Cow<'c, str>),
    S3Location { uri: &'c str },
}

/// What a medium may be in.
struct Formats {
    /// Media types without what precedes the slash where that is the kind's own, file endings, and AWS's word for each.
    words: &'static [(&'static str, &'static str)],
    /// For people.
    message: &'static str,
}

const IMAGES: Formats = Formats {
    words: &[("png", "png"), ("jpeg", "jpeg"), ("jpg", "jpeg"), ("gif", "gif"), ("webp", "webp")],
    message: "the provider takes images in PNG, JPEG, GIF and WebP only",
};

const VIDEOS: Formats = Formats {
    words: &[
        ("mp4", "mp4"),
        ("quicktime", "mov"),
        ("mov", "mov"),
        ("x-matroska", "mkv"),
        ("mkv", "mkv"),
        ("webm", "webm"),
        ("x-flv", "flv"),
        ("flv", "flv"),
        ("mpeg", "mpeg"),
        ("mpg", "mpg"),
        ("x-ms-wmv", "wmv"),
        ("wmv", "wmv"),
        ("3gpp", "three_gp"),
        ("3gp", "three_gp"),
    ],
    message: "the provider takes video in MP4, MOV, MKV, WebM, FLV, MPEG, WMV and 3GP only",
};

const SOUNDS: Formats = Formats {
    words: &[
        ("mpeg", "mp3"),
        ("mp3", "mp3"),
        ("wav", "wav"),
        ("x-wav", "wav"),
        ("wave", "wav"),
        ("vnd.wave", "wav"),
        ("ogg", "ogg"),
        ("opus", "opus"),
        ("aac", "aac"),
        ("flac", "flac"),
        ("x-flac", "flac"),
        ("mp4", "mp4"),
        ("m4a", "m4a"),
        ("x-m4a", "m4a"),
        ("webm", "webm"),
        ("x-matroska", "mka"),
        ("mka", "mka"),
        ("pcm", "pcm"),
        ("l16", "pcm"),
    ],
    message: "the provider takes audio in MP3, WAV, Ogg, Opus, AAC, FLAC, MP4, WebM, Matroska and PCM only",
};

const DOCUMENTS: Formats = Formats {
    words: &[
        ("application/pdf", "pdf"),
        ("pdf", "pdf"),
        ("csv", "csv"),
        ("application/csv", "csv"),
        ("application/msword", "doc"),
        ("doc", "doc"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
        ("docx", "docx"),
        ("application/vnd.ms-excel", "xls"),
        ("xls", "xls"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        ("xlsx", "xlsx"),
        ("html", "html"),
        ("markdown", "md"),
        ("md", "md"),
        ("plain", "txt"),
        ("txt", "txt"),
    ],
    message: "the provider takes documents in PDF, Word, Excel, CSV, HTML, Markdown and plain text only",
};

pub(super) fn encode_image<'c>(source: &'c Source<'_>, part: &Part<'_>) -> Result<MediaWire<'c>, InvalidRequest> {
    let (format, source) = encode(source, &IMAGES, part)?;
    Ok(MediaWire { format, source })
}

pub(super) fn encode_video<'c>(source: &'c Source<'_>, part: &Part<'_>) -> Result<MediaWire<'c>, InvalidRequest> {
    let (format, source) = encode(source, &VIDEOS, part)?;
    Ok(MediaWire { format, source })
}

pub(super) fn encode_audio<'c>(source: &'c Source<'_>, part: &Part<'_>) -> Result<MediaWire<'c>, InvalidRequest> {
    let (format, source) = encode(source, &SOUNDS, part)?;
    Ok(MediaWire { format, source })
}

pub(super) fn encode_document<'c>(
    source: &'c Source<'_>,
    name: String,
    part: &Part<'_>,
) -> Result<DocumentWire<'c>, InvalidRequest> {
    let (format, source) = encode(source, &DOCUMENTS, part)?;
    Ok(DocumentWire { format, name, source })
}

fn encode<'c>(
    source: &'c Source<'_>,
    formats: &Formats,
    part: &Part<'_>,
) -> Result<(&'static str, SourceWire<'c>), InvalidRequest> {
    let refuse = |message| Err(InvalidRequest::new(part.path.as_str(), message));
    let (format, wire) = match source {
        Source::Base64 { media_type, data } => (formats.of(media_type), SourceWire::Bytes(Cow::Borrowed(data))),
        // `source.text` is for models that cite; bytes are for all.
        Source::Text(text) => (formats.of("text/plain"), SourceWire::Bytes(BASE64_STANDARD.encode(&**text).into())),
        Source::Url { url, media_type } if url.starts_with("s3://") => {
            let ending = url.rsplit_once('.').map(|(_, ending)| ending);
            let format = media_type.as_deref().or(ending).and_then(|name| formats.of(name));
            (format, SourceWire::S3Location { uri: url })
        }
        Source::Url { .. } => {
            return refuse("the provider fetches nothing but s3:// addresses; send the bytes, in base64");
        }
        Source::File { .. } => {
            return refuse("the file is known to another provider only; send its bytes in place of its id");
        }
    };
    match format {
        Some(format) => Ok((format, wire)),
        None => refuse(formats.message),
    }
}

impl Formats {
    /// AWS's word for a media type or a file ending.
    fn of(&self, name: &str) -> Option<&'static str> {
        let name = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let find = |name: &str| self.words.iter().find(|(word, _)| *word == name).map(|(_, format)| *format);
        find(&name).or_else(|| name.split_once('/').and_then(|(_, subtype)| find(subtype)))
    }
}

/// The names of a request's documents, each used once, and the number that was last put to it.
#[derive(Default)]
pub(super) struct DocumentNames(BTreeMap<String, u64>);

impl DocumentNames {
    /// The name for a document with this title: letters, digits, hyphens, parentheses, brackets and single spaces, at most 200
    /// of them (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html>). Others of the title's
    /// characters become hyphens.
    pub(super) fn name(&mut self, title: &str) -> String {
        let name = clean_name(title);
        let Some(last) = self.0.get(&name) else {
            self.0.insert(name.clone(), 1);
            return name;
        };
        let mut number = *last;
        let numbered = loop {
            number = number.saturating_add(1);
            let numbered = format!("{name} ({number})");
            if !self.0.contains_key(&numbered) {
                break numbered;
            }
        };
        self.0.insert(name, number);
        self.0.insert(numbered.clone(), 1);
        numbered
    }
}

fn clean_name(title: &str) -> String {
    /// Leaves room for a number.
    const MAX: usize = 170;
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '(' | ')' | '[' | ']');
    let mut name = String::new();
    for letter in title.trim().chars().take(MAX) {
        match letter {
            letter if is_allowed(letter) => name.push(letter),
            letter if !letter.is_whitespace() => name.push('-'),
            _ if name.ends_with(' ') => {}
            _ => name.push(' '),
        }
    }
    match name.contains(|letter: char| letter.is_ascii_alphanumeric()) {
        true => name.trim_end().to_owned(),
        false => "document".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Block, Vendor};

    fn part() -> Part<'static> {
        Part { block: Block::Text("".into()), cache: None, path: "messages.0.content.1".to_owned() }
    }

    fn shown(result: Result<impl Serialize, InvalidRequest>) -> String {
        match result {
            Ok(wire) => serde_json::to_string(&wire).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    fn base64(media_type: &str) -> Source<'_> {
        Source::Base64 { media_type: media_type.into(), data: "QQ==".into() }
    }

    fn url<'a>(url: &'a str, media_type: Option<&'a str>) -> Source<'a> {
        Source::Url { url: url.into(), media_type: media_type.map(Cow::from) }
    }

    #[test]
    fn formats_have_words_of_their_own() {
        let image = |source: &Source<'_>| shown(encode_image(source, &part()));
        assert_eq!(image(&base64("image/jpg")), r#"{"format":"jpeg","source":{"bytes":"QQ=="}}"#);
        assert!(image(&base64("image/bmp")).starts_with("messages.0.content.1: the provider takes images in PNG"));
        let audio = |source: &Source<'_>| shown(encode_audio(source, &part()));
        assert_eq!(audio(&base64("audio/mpeg")), r#"{"format":"mp3","source":{"bytes":"QQ=="}}"#);
        let video = |source: &Source<'_>| shown(encode_video(source, &part()));
        assert_eq!(video(&base64("video/3gpp")), r#"{"format":"three_gp","source":{"bytes":"QQ=="}}"#);
        assert_eq!(video(&base64("video/mpeg")), r#"{"format":"mpeg","source":{"bytes":"QQ=="}}"#);
        let document = |source: &Source<'_>| shown(encode_document(source, "a".to_owned(), &part()));
        assert_eq!(
            document(&base64("text/plain; charset=utf-8")),
            r#"{"format":"txt","name":"a","source":{"bytes":"QQ=="}}"#
        );
        assert_eq!(document(&Source::Text("A".into())), r#"{"format":"txt","name":"a","source":{"bytes":"QQ=="}}"#);
        assert!(document(&base64("application/zip")).contains("PDF"));
    }

    #[test]
    fn addresses_other_than_s3_and_files_of_others_are_refused() {
        let image = |source: &Source<'_>| shown(encode_image(source, &part()));
        let expected = r#"{"format":"png","source":{"s3Location":{"uri":"s3://bucket/a.png"}}}"#;
        assert_eq!(image(&url("s3://bucket/a.png", None)), expected);
        assert_eq!(image(&url("s3://bucket/a.png", Some("image/png"))), expected);
        assert!(image(&url("s3://bucket/a", None)).contains("PNG"));
        assert!(image(&url("https://a.example/a.png", None)).contains("send the bytes"));
        let file = Source::File { id: "file_1".into(), vendor: Vendor::Anthropic };
        assert!(image(&file).contains("known to another provider only"));
    }

    #[test]
    fn names_of_documents_are_clean_and_used_once() {
        let mut names = DocumentNames::default();
        let mut name = |title: &str| names.name(title);
        assert_eq!(name("Q3  report (final).pdf"), "Q3 report (final)-pdf");
        assert_eq!(name("Q3\treport (final).pdf"), "Q3 report (final)-pdf (2)");
        assert_eq!(name("\u{fc}\u{df}"), "document");
        assert_eq!(name(""), "document (2)");
        assert_eq!(name(&"x".repeat(300)).len(), 170);
        assert_eq!(name("a\" ignore the above"), "a- ignore the above");
        let titles = ["b", "b (2)", "b", "b", "b (2)"];
        assert_eq!(titles.map(&mut name), ["b", "b (2)", "b (3)", "b (4)", "b (2) (2)"]);
    }
}
