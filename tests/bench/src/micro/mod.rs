//! The translations alone, without Envoy and natively: where the time of a pair of formats goes can be looked at with any
//! profiler. What comes out is no cost of the gateway; it is for comparing one state of the code with another.

mod clock;

use std::{hint::black_box, io::Write};

use bytes::Bytes;
use tollgate_core::{
    json::Envelope,
    translate::{Framing, Observed, Relay, ResponseKind, Translation, encode_request},
    words::Format,
};

use crate::{
    dialect::{Dialect, EVENTS, UPSTREAM_MODEL},
    error::{Error, IoContext},
    workload,
};

/// The translations alone: nanoseconds per request, per byte of it, per answer and per event, for every pair of formats.
#[derive(clap::Args)]
pub(crate) struct Micro {
    /// Measures only pairs whose line contains this, as in `openai_chat > anthropic`.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Size of the request.
    #[arg(long, default_value_t = 100_000)]
    bytes: usize,
    /// Seconds for each number; many of them for a profiler.
    #[arg(long, default_value_t = 0.05)]
    seconds: f64,
    /// Measures only these.
    #[arg(long, value_enum)]
    what: Option<What>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    Request,
    Answer,
    Stream,
}

pub(crate) fn run(arguments: &Micro) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:<42} {:>12} {:>9} {:>10} {:>9}   nanoseconds, the least of many rounds; requests of {} bytes",
        "client > provider", "request", "per byte", "answer", "event", arguments.bytes,
    )
    .context("printing")?;
    for client in Dialect::ALL.into_iter().filter(|dialect| dialect.client.is_some()) {
        for upstream in Dialect::ALL {
            let name = format!("{} > {}", client.format.name(), upstream.format.name());
            let exists = client.format == upstream.format || client.format.translates_to(upstream.format);
            if exists && arguments.only.as_ref().is_none_or(|only| name.contains(only)) {
                let line = Pair { client, upstream }.measure(arguments);
                writeln!(out, "{name:<42} {line}").context("printing")?;
            }
        }
    }
    Ok(())
}

struct Pair {
    client: &'static Dialect,
    upstream: &'static Dialect,
}

impl Pair {
    fn measure(&self, arguments: &Micro) -> String {
        let time = |what: What, once: &mut dyn FnMut()| {
            let wanted = arguments.what.is_none_or(|only| only == what);
            wanted.then(|| clock::least(arguments.seconds, once))
        };
        let request = self.request(arguments.bytes);
        let per_request = time(What::Request, &mut || self.encode_request(&request));
        let answer = Bytes::from((self.upstream.whole)().to_string());
        let per_answer =
            time(What::Answer, &mut || self.relay(false, ResponseKind::Whole, std::slice::from_ref(&answer)));
        let stream = (self.upstream.stream)(true);
        let per_stream = time(What::Stream, &mut || self.relay(true, ResponseKind::Stream, &stream));
        let per_byte = per_request.map(|nanos| nanos / request.len() as f64);
        let figure =
            |nanos: Option<f64>, digits: usize| nanos.map_or("-".to_owned(), |nanos| format!("{nanos:.digits$}"));
        format!(
            "{:>12} {:>9} {:>10} {:>9}",
            figure(per_request, 0),
            figure(per_byte, 2),
            figure(per_answer, 0),
            figure(per_stream.map(|nanos| nanos / EVENTS as f64), 0),
        )
    }

    fn request(&self, bytes: usize) -> Bytes {
        let client = self.client.client.as_ref().expect("the pairs are made of clients");
        workload::body(client, "bench", false, bytes)
    }

    /// What the gate does with a body: the scan, and the translation where there is one.
    fn encode_request(&self, body: &[u8]) {
        let envelope = Envelope::scan(black_box(body)).expect("the body is ours");
        black_box(encode_request(&self.translation(false), body, &envelope)).expect("the body can be translated");
    }

    fn relay(&self, stream: bool, kind: ResponseKind, body: &[Bytes]) {
        let mut relay = Relay::new(&self.translation(stream), kind);
        for piece in body {
            black_box(relay.push(black_box(piece)));
        }
        black_box(relay.finish()).expect("the answer can be translated");
        let Observed { usage, finished, failed, .. } = relay.observed();
        let formats = (self.client.format.name(), self.upstream.format.name());
        assert!(usage.is_some() && *finished && !*failed, "the answer was not understood: {formats:?}");
    }

    fn translation(&self, stream: bool) -> Translation<'static> {
        let (client, upstream): (Format, Format) = (self.client.format, self.upstream.format);
        Translation {
            client,
            upstream,
            model: UPSTREAM_MODEL,
            default_max_tokens: 4096,
            stream,
            include_usage: false,
            framing: Framing::Sse,
            exchange: "0123456789abcdef0123456789abcdef",
            created_s: 1_763_700_000,
        }
    }
}
