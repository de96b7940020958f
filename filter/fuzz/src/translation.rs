//! Every translation between formats.

use serde::de::IgnoredAny;
use tollgate_core::{
    framing::{eventstream, sse},
    json::Envelope,
    translate::{
        Framing, Observed, Passed, Relay, ResponseError, ResponseKind, Translation, UpstreamBody, encode_request,
        translate_error,
    },
    words::Format,
};

use crate::split::{choices, split};

/// By place in an input's first bytes: new ones go last, so that old failures keep their meaning.
pub(crate) const FORMATS: [Format; 7] = [
    Format::OpenaiChat,
    Format::AnthropicMessages,
    Format::OpenaiResponses,
    Format::OpenaiCompletions,
    Format::GeminiGenerate,
    Format::BedrockConverse,
    Format::OpenaiEmbeddings,
];

/// The third byte of an input, bit by bit.
pub(crate) const STREAM_WANTED: u8 = 1;
pub(crate) const USAGE_WANTED: u8 = 2;
pub(crate) const STREAM_SENT: u8 = 4;
pub(crate) const FRAMES_AS_THEY_ARE: u8 = 8;
pub(crate) const ARRAY_WANTED: u8 = 16;

/// What may be made of an input of so many bytes. Each small event becomes one with ids and names, at most a few hundred bytes.
fn bound(length: usize) -> usize {
    length.saturating_mul(256).saturating_add(64 << 10)
}

/// Requests of every client format for every upstream format.
pub(crate) fn request(data: &[u8]) {
    let Some((choice, body)) = choices(data) else { return };
    let (Some(translation), Ok(envelope)) = (translation(choice), Envelope::scan(body)) else { return };
    read(translation.client, body, &envelope);
    let encoded = encode_request(&translation, body, &envelope);
    assert_eq!(encode_request(&translation, body, &envelope), encoded, "the same request came out in two ways");
    match encoded {
        Ok(request) => {
            let shown = request.losses.to_string();
            assert!(shown.len() <= bound(body.len()), "the losses grew out of proportion");
            if let UpstreamBody::Replaced(bytes) = request.body {
                assert!(is_json(&bytes), "no JSON: {}", String::from_utf8_lossy(&bytes));
                assert!(bytes.len() <= bound(body.len()), "the request grew out of proportion");
            }
        }
        Err(error) => assert!(error.to_string().len() <= bound(body.len()), "the error grew out of proportion"),
    }
}

/// What is read of a request, and changed in it, without decoding it.
fn read(client: Format, body: &[u8], envelope: &Envelope) {
    const MOST: u64 = 10;
    let mut end = 0;
    client.texts(body, envelope, &mut |text| {
        assert!(text.at.start >= end, "a text was shown twice, or out of order");
        assert_eq!(
            body.get(text.at.clone()),
            Some(text.node.text().as_bytes()),
            "a text is not where it is said to be"
        );
        end = text.at.end;
    });
    let cap = client.output_cap(body, envelope);
    let clamped = client.clamp("claude-sonnet-4-5", MOST, body, envelope);
    match clamped.map(|edits| (edits.is_empty(), envelope.splice(body, &edits))) {
        Ok((true, same)) => assert!(same == body && cap.is_ok_and(|cap| cap.is_some_and(|cap| cap <= MOST))),
        Ok((false, lower)) => {
            let envelope = Envelope::scan(&lower).expect("a clamp leaves an object");
            assert_eq!(client.output_cap(&lower, &envelope), Ok(Some(MOST)), "{}", String::from_utf8_lossy(&lower));
        }
        Err(_) => assert!(cap.is_err(), "a cap that can be read can be lowered"),
    }
}

/// Answers of every upstream format for every client format, whole and streamed on either side.
pub(crate) fn relay(data: &[u8]) {
    let Some(([client, upstream, flags, how], body)) = choices(data) else { return };
    let Some(translation) = translation([client, upstream, flags]) else { return };
    let kind = if flags & STREAM_SENT == 0 { ResponseKind::Whole } else { ResponseKind::Stream };
    let frames = translation.upstream == Format::BedrockConverse && kind == ResponseKind::Stream;
    let body = if frames && flags & FRAMES_AS_THEY_ARE == 0 { frames_of(body) } else { body.to_vec() };

    let whole = pass(&translation, kind, vec![&body]);
    assert_eq!(pass(&translation, kind, split(&body, how)), whole, "the split mattered");
    let (out, end, _) = whole;
    assert!(out.len() <= bound(body.len()), "the answer grew out of proportion");
    if translation.client == translation.upstream {
        let all = translation.include_usage || kind == ResponseKind::Whole;
        assert!(!all || out == body, "the identity lane changed bytes");
        return;
    }
    match (translation.stream, end) {
        (true, Ok(())) if translation.framing == Framing::JsonArray => {
            assert!(out.is_empty() || is_json(&out), "no array: {}", String::from_utf8_lossy(&out));
        }
        (true, Ok(())) => assert_good_events(&out),
        (true, Err(error)) => panic!("a stream that has begun must end in an event, not in: {error}"),
        (false, Ok(())) => assert!(is_json(&out), "no JSON: {}", String::from_utf8_lossy(&out)),
        (false, Err(_)) => assert!(out.is_empty(), "part of an answer, and then an error"),
    }
}

/// Errors of every upstream format for every client format.
pub(crate) fn error(data: &[u8]) {
    let Some(([client, upstream, status, _], body)) = choices(data) else { return };
    let Some(translation) = translation([client, upstream, 0]) else { return };
    let status = 400 + u16::from(status % 200);
    let translated = translate_error(translation.client, translation.upstream, status, body);
    assert!(is_json(&translated), "no JSON: {}", String::from_utf8_lossy(&translated));
    assert!(translated.len() <= bound(body.len()), "the error grew out of proportion");
}

/// The translation that an input asks for; `None` when its formats do not meet.
fn translation([client, upstream, flags]: [u8; 3]) -> Option<Translation<'static>> {
    let [client, upstream] = [client, upstream].map(|byte| FORMATS[usize::from(byte) % FORMATS.len()]);
    // No other format has streams that are arrays.
    let array = client == Format::GeminiGenerate && flags & ARRAY_WANTED != 0;
    (client == upstream || client.translates_to(upstream)).then_some(Translation {
        client,
        upstream,
        model: "claude-sonnet-4-5",
        default_max_tokens: 4096,
        stream: flags & STREAM_WANTED != 0,
        include_usage: flags & USAGE_WANTED != 0,
        framing: if array { Framing::JsonArray } else { Framing::Sse },
        exchange: "0123456789abcdef0123456789abcdef",
        created_s: 1_700_000_000,
    })
}

type Outcome = (Vec<u8>, Result<(), ResponseError>, Observed);

fn pass(translation: &Translation<'_>, kind: ResponseKind, pieces: Vec<&[u8]>) -> Outcome {
    let mut relay = Relay::new(translation, kind);
    let mut out = Vec::new();
    for piece in pieces {
        match relay.push(piece) {
            Passed::AsReceived => out.extend_from_slice(piece),
            Passed::Replaced(bytes) => out.extend(bytes),
        }
    }
    let end = relay.finish().map(|rest| out.extend(rest));
    (out, end, relay.observed().clone())
}

/// A line is a message: the type of its event, a space, its payload.
fn frames_of(lines: &[u8]) -> Vec<u8> {
    let frame = |line: &[u8]| {
        let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (name, payload) = line.split_at(space);
        let name = String::from_utf8_lossy(name);
        let (kind, header) = match name.ends_with("Exception") {
            true => ("exception", ":exception-type"),
            false => ("event", ":event-type"),
        };
        eventstream::encode(&[(":message-type", kind), (header, &name)], payload.trim_ascii_start())
    };
    lines.split(|byte| *byte == b'\n').filter_map(frame).flatten().collect()
}

/// Whole events, each of them JSON or OpenAI's end mark.
fn assert_good_events(out: &[u8]) {
    assert!(out.is_empty() || out.ends_with(b"\n\n"), "the stream ends inside an event");
    let mut decoder = sse::Decoder::default();
    decoder.push(out);
    decoder.finish();
    while let Some(block) = decoder.next() {
        let block = block.expect("a translated event is within the bound");
        if let Some(data) = block.data {
            assert!(&*data == b"[DONE]" || is_json(&data), "no JSON: {}", String::from_utf8_lossy(&data));
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}
