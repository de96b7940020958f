//! Inputs to begin from: the golden fixtures and, where it is present, the recorded traffic.

use std::{env, fs, path::Path};

use serde_json::Value;
use tollgate_core::words::Format;

use crate::translation::{ARRAY_WANTED, FORMATS, STREAM_SENT, STREAM_WANTED, USAGE_WANTED};

/// The most that a seed may have, in bytes: damage to a long one seldom hits what matters.
const MAX_SEED: usize = 16 << 10;

/// The most recordings of one format. They are much alike.
const MAX_RECORDINGS: usize = 40;

/// What one format's traffic looks like.
struct Sample {
    format: Format,
    streamed: bool,
    body: Vec<u8>,
}

/// With a choice of split: event streams.
pub(crate) fn streams() -> Vec<Vec<u8>> {
    answer_samples()
        .into_iter()
        .filter(|sample| sample.streamed)
        .map(|sample| [b"\x07\0", &*sample.body].concat())
        .collect()
}

/// With a choice of split: arrays.
pub(crate) fn arrays() -> Vec<Vec<u8>> {
    let bodies: Vec<_> =
        answer_samples().into_iter().filter(|sample| !sample.streamed).map(|sample| sample.body).collect();
    let pair = |two: &[Vec<u8>]| [b"\x07[", &*two.join(&b"\n,\n"[..]), b"]\n"].concat();
    bodies.chunks(2).map(pair).collect()
}

/// Single texts. Where choices come first, white space is as good as any.
pub(crate) fn texts() -> Vec<Vec<u8>> {
    let samples = request_samples().into_iter().chain(answer_samples()).filter(|sample| !sample.streamed);
    samples.map(|sample| [b"  ", &*sample.body].concat()).collect()
}

/// Requests for every format that they can be put into.
pub(crate) fn requests() -> Vec<Vec<u8>> {
    let each = |sample: Sample| {
        let pairs = FORMATS.into_iter().filter(move |upstream| meets(sample.format, *upstream));
        let body = sample.body;
        pairs.map(move |upstream| [&[place(sample.format), place(upstream), STREAM_WANTED][..], &body].concat())
    };
    request_samples().into_iter().flat_map(each).collect()
}

/// Answers for every format that they can be put into, as a client that streams wants them and as one that does not.
pub(crate) fn answers() -> Vec<Vec<u8>> {
    let each = |sample: Sample| {
        let sent = if sample.streamed { STREAM_SENT } else { 0 };
        let clients = FORMATS.into_iter().filter(move |client| meets(*client, sample.format));
        let kinds = clients.flat_map(move |client| {
            [0, STREAM_WANTED | USAGE_WANTED, STREAM_WANTED | ARRAY_WANTED].map(|wanted| (client, wanted | sent))
        });
        let body = sample.body;
        kinds.map(move |(client, flags)| [&[place(client), place(sample.format), flags, 7][..], &body].concat())
    };
    answer_samples().into_iter().flat_map(each).collect()
}

fn meets(client: Format, upstream: Format) -> bool {
    client == upstream || client.translates_to(upstream)
}

fn place(format: Format) -> u8 {
    let place = FORMATS.iter().position(|other| *other == format).unwrap_or_default();
    u8::try_from(place).unwrap_or_default()
}

fn request_samples() -> Vec<Sample> {
    let golden = fixtures().into_iter().filter_map(|(format, name, bytes)| {
        let value: Value = serde_json::from_slice(&bytes).ok().filter(|_| name.ends_with(".json"))?;
        let body = value.get("body")?.to_string().into_bytes();
        Some(Sample { format, streamed: false, body })
    });
    golden.chain(recordings(|case| sample(&case["request"]["body"], None))).filter(is_short).collect()
}

fn answer_samples() -> Vec<Sample> {
    let golden = fixtures().into_iter().filter_map(|(format, name, bytes)| {
        let (streamed, body) = if name.ends_with(".frames.json") {
            (true, lines_of(&serde_json::from_slice(&bytes).ok()?))
        } else {
            (name.ends_with(".sse"), bytes)
        };
        Some(Sample { format, streamed, body })
    });
    let recorded = recordings(|case| {
        let response = &case["response"];
        sample(&response["body"], response["sse_text"].as_str().map(str::to_owned))
            .or_else(|| Some((true, lines_of(&response["events"]))))
    });
    golden.chain(recorded).filter(is_short).collect()
}

fn is_short(sample: &Sample) -> bool {
    (1..=MAX_SEED).contains(&sample.body.len())
}

fn sample(body: &Value, stream: Option<String>) -> Option<(bool, Vec<u8>)> {
    let whole = || body.is_object().then(|| (false, body.to_string().into_bytes()));
    stream.map(|text| (true, text.into_bytes())).or_else(whole)
}

/// A list of AWS's events as the lines that the `relay` target makes frames of: `{"event", "data"}` or `{"<type>": payload}`.
fn lines_of(events: &Value) -> Vec<u8> {
    let line = |event: &Value| match event["event"].as_str().or(event["exception"].as_str()) {
        Some(name) => Some(format!("{name} {}\n", event["data"])),
        None => event.as_object()?.iter().next().map(|(name, payload)| format!("{name} {payload}\n")),
    };
    events.as_array().into_iter().flatten().filter_map(line).collect::<String>().into_bytes()
}

/// The golden fixtures by format: every file below its folder that is no snapshot.
fn fixtures() -> Vec<(Format, String, Vec<u8>)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/golden");
    let of = |format: Format| {
        let mut files = Vec::new();
        collect(&golden.join(format.name()), &mut files);
        files.sort();
        files.into_iter().map(move |(name, bytes)| (format, name, bytes))
    };
    FORMATS.into_iter().flat_map(of).collect()
}

fn collect(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if let (false, Ok(bytes)) = (path.extension().is_some_and(|end| end == "snap"), fs::read(&path)) {
            files.push((path.display().to_string(), bytes));
        }
    }
}

/// What `take` finds in the recordings of `../shared/corpus` beside the repository, or in `$TOLLGATE_CORPUS`.
fn recordings(take: impl Fn(&Value) -> Option<(bool, Vec<u8>)>) -> Vec<Sample> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = env::var("TOLLGATE_CORPUS").map_or(beside, Into::into);
    let index = fs::read_to_string(root.join("index.jsonl")).unwrap_or_default();
    let mut samples = Vec::<Sample>::new();
    for row in index.lines().filter_map(|row| serde_json::from_str::<Value>(row).ok()) {
        let format = match row["format"].as_str() {
            Some("chat") => Format::OpenaiChat,
            Some("anthropic") => Format::AnthropicMessages,
            Some("responses") => Format::OpenaiResponses,
            Some("completions") => Format::OpenaiCompletions,
            Some("gemini") => Format::GeminiGenerate,
            Some("bedrock") => Format::BedrockConverse,
            _ => continue,
        };
        // Cases are much larger than what is taken of them.
        let small = row["bytes"].as_u64().is_some_and(|bytes| bytes < 64 << 10);
        if !small || samples.iter().filter(|sample| sample.format == format).count() >= MAX_RECORDINGS {
            continue;
        }
        let file = root.join(row["file"].as_str().unwrap_or_default());
        let case = fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some((streamed, body)) = case.as_ref().and_then(&take) {
            samples.push(Sample { format, streamed, body });
        }
    }
    samples
}
