//! The one spelling of a request that both sides hash.

use std::{borrow::Cow, collections::BTreeMap};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode, utf8_percent_encode};

use super::{CONTENT_SHA256, SigningRequest};

/// All but the unreserved characters of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same inside a path, whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The canonical request, and the names of its signed headers. `added` are the headers that signing adds.
pub(super) fn request(request: &SigningRequest<'_>, added: &[(&str, String)]) -> (String, String) {
    let path = normal_path(request.path);
    // Every service but S3 encodes the path once more: the `%3A` of a model's name is signed as `%253A`.
    let path = utf8_percent_encode(&path, RESERVED_IN_PATH);
    let headers = headers(request.headers, added);
    let names = headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let hash = added.iter().find(|(name, _)| *name == CONTENT_SHA256).map_or("", |(_, hash)| hash);
    let query = query(request.query);
    (format!("{}\n{path}\n{query}\n{lines}\n{names}\n{hash}", request.method), names)
}

/// The path without empty segments and dot segments (RFC 3986 §5.2.4).
fn normal_path(path: &str) -> Cow<'_, str> {
    if path.starts_with('/') && !path.contains("//") && !path.contains("/.") {
        return path.into();
    }
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let ends_in_folder = matches!(path.rsplit('/').next(), Some("" | "." | ".."));
    let end = if ends_in_folder && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/")).into()
}

/// Each pair decoded and encoded in the one way, in order.
fn query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode_again(name), encode_again(value))
        })
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn encode_again(text: &str) -> String {
    // In a query a plus is a space.
    let spaced = text.replace('+', " ");
    let decoded: Vec<u8> = percent_decode(spaced.as_bytes()).collect();
    percent_encode(&decoded, RESERVED).to_string()
}

/// Values by lower-case name, in the order of names; those of one name joined by commas. What signing adds replaces.
fn headers(given: &[(&str, &str)], added: &[(&str, String)]) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in given {
        let value = collapse(value);
        headers
            .entry(name.to_ascii_lowercase())
            .and_modify(|before| {
                before.push(',');
                before.push_str(&value);
            })
            .or_insert(value);
    }
    headers.extend(added.iter().map(|(name, value)| ((*name).to_owned(), collapse(value))));
    headers
}

/// Without spaces at the ends, and one space for several in a row.
fn collapse(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
