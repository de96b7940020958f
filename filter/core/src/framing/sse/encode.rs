//! JSON in, an event out.

use serde::Serialize;

/// Appends one event with JSON as its data; an empty name is left out.
///
/// JSON that was carried over from somewhere else may be broken into lines, and a line of data ends at its break
/// (<https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>). Breaks stand only between the tokens
/// of JSON, so a space does in their place.
pub fn write_json(name: &str, data: &impl Serialize, out: &mut Vec<u8>) {
    if !name.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    let start = out.len();
    // What is written has string keys only, and a vector takes every byte.
    let _ = serde_json::to_writer(&mut *out, data);
    let written = out.get_mut(start..).unwrap_or_default();
    if memchr::memchr2(b'\n', b'\r', written).is_some() {
        for byte in written.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn written(name: &str, json: &str) -> String {
        let mut out = Vec::new();
        write_json(name, &serde_json::from_str::<&RawValue>(json).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_is_one_line_of_data_whatever_its_json_looks_like() {
        assert_eq!(written("ping", "{}"), "event: ping\ndata: {}\n\n");
        assert_eq!(written("", "{\r\n  \"a\": \"x\\n\"\n}"), "data: {    \"a\": \"x\\n\" }\n\n");
    }
}
