//! The lane inside one format: bytes pass, and a tap reads the usage on the way.

use super::observed::{Observed, Passed, ResponseKind};
use crate::{
    dialect::{Frame, Framing, IdentitySide, Sighting, Tap, Translation},
    framing::{ArrayDecoder, ArrayError, sse},
    json::Watch,
};

/// Bytes pass as they are while their usage is read.
#[derive(Debug)]
pub(super) enum IdentityLane {
    /// One JSON text, of which the usage is watched for.
    Whole { decode: fn(&[u8]) -> Option<crate::canonical::Usage>, usage: Watch },
    /// A stream of events.
    Stream(Stream),
    /// A stream that is one JSON array.
    Array(Array),
}

#[derive(Debug)]
pub(super) struct Stream {
    decoder: sse::Decoder,
    tap: Box<dyn Tap>,
    /// Whether the usage event is ours to take out.
    removes_usage: bool,
    /// An event was too long: what follows passes unread.
    blind: bool,
}

#[derive(Debug)]
pub(super) struct Array {
    decoder: ArrayDecoder,
    tap: Box<dyn Tap>,
    error: Option<ArrayError>,
}

impl IdentityLane {
    pub(super) fn new(translation: &Translation<'_>, kind: ResponseKind) -> Self {
        let IdentitySide { ask_for_usage, usage_member, decode_usage, tap, .. } =
            translation.upstream.dialect().identity;
        match (kind, tap) {
            (ResponseKind::Stream, Some(tap)) => Self::Stream(Stream {
                decoder: sse::Decoder::default(),
                tap: tap(),
                removes_usage: ask_for_usage.is_some() && translation.stream && !translation.include_usage,
                blind: false,
            }),
            (ResponseKind::Whole, Some(tap)) if translation.stream && translation.framing == Framing::JsonArray => {
                Self::Array(Array { decoder: ArrayDecoder::default(), tap: tap(), error: None })
            }
            _ => Self::Whole { decode: decode_usage, usage: Watch::new(usage_member) },
        }
    }

    pub(super) fn push(&mut self, chunk: &[u8], observed: &mut Observed) -> Passed {
        match self {
            Self::Whole { usage, .. } => {
                usage.push(chunk);
                Passed::AsReceived
            }
            Self::Stream(stream) => stream.push(chunk, observed),
            Self::Array(array) => {
                array.decoder.push(chunk);
                array.read(observed);
                Passed::AsReceived
            }
        }
    }

    pub(super) fn finish(&mut self, observed: &mut Observed) -> Vec<u8> {
        match self {
            Self::Whole { decode, usage } => {
                observed.usage = usage.found().and_then(*decode);
                observed.terminal = observed.usage.is_some();
                observed.finished = observed.terminal;
                Vec::new()
            }
            Self::Stream(stream) => stream.finish(observed),
            Self::Array(array) => {
                array.decoder.finish();
                array.read(observed);
                // What follows an element beyond the bound passes unread, and may be complete.
                observed.failed |= match array.error {
                    Some(ArrayError::TooLong) => false,
                    Some(ArrayError::Malformed | ArrayError::Truncated) => true,
                    None => !array.tap.may_end(),
                };
                Vec::new()
            }
        }
    }
}

impl Stream {
    fn push(&mut self, chunk: &[u8], observed: &mut Observed) -> Passed {
        if self.blind {
            return Passed::AsReceived;
        }
        let held = self.decoder.pending().len();
        self.decoder.push(chunk);
        if !self.removes_usage {
            self.read(observed, |_, _| {});
            return Passed::AsReceived;
        }
        let mut out = Vec::new();
        let mut removed = false;
        self.read(observed, |raw, remove| match remove {
            true => removed = true,
            false => out.extend_from_slice(raw),
        });
        if self.blind {
            // The decoder keeps what it could not cut: it goes out as it came, and all that follows too.
            out.extend_from_slice(self.decoder.pending());
        }
        match held == 0 && !removed && out.len() == chunk.len() {
            true => Passed::AsReceived,
            false => Passed::Replaced(out),
        }
    }

    fn finish(&mut self, observed: &mut Observed) -> Vec<u8> {
        let mut out = Vec::new();
        if self.blind {
            return out;
        }
        self.decoder.finish();
        let removes = self.removes_usage;
        self.read(observed, |raw, remove| {
            if removes && !remove {
                out.extend_from_slice(raw);
            }
        });
        observed.failed |= !self.tap.may_end();
        out
    }

    /// Reads all whole blocks; `each` gets a block's bytes and whether it is the usage event.
    fn read(&mut self, observed: &mut Observed, mut each: impl FnMut(&[u8], bool)) {
        while let Some(block) = self.decoder.next() {
            let Ok(block) = block else {
                self.blind = true;
                return;
            };
            let Some(data) = block.data else {
                each(block.raw, false);
                continue;
            };
            let sighting = self.tap.see(Frame { name: block.name, data: &data, is_exception: false });
            each(block.raw, sighting.usage_only);
            note(&sighting, &*self.tap, observed);
        }
    }
}

impl Array {
    /// Reads all whole elements.
    fn read(&mut self, observed: &mut Observed) {
        while self.error.is_none() {
            match self.decoder.next() {
                None => return,
                Some(Ok(element)) => {
                    let sighting = self.tap.see(Frame { name: b"", data: element, is_exception: false });
                    note(&sighting, &*self.tap, observed);
                }
                Some(Err(error)) => self.error = Some(error),
            }
        }
    }
}

/// What a frame adds to what was seen.
fn note(sighting: &Sighting, tap: &dyn Tap, observed: &mut Observed) {
    observed.usage = sighting.usage.or(observed.usage);
    observed.terminal = observed.usage.is_some() && (sighting.terminal || observed.terminal);
    observed.finished = tap.finished();
    observed.failed |= sighting.failed;
}

#[cfg(test)]
mod tests {
    use crate::{
        dialect::{Framing, Translation},
        translate::{Observed, Passed, Relay, ResponseKind},
        words::Format,
    };

    fn observed(body: &str, size: usize) -> Observed {
        let translation = Translation {
            client: Format::GeminiGenerate,
            upstream: Format::GeminiGenerate,
            model: "m",
            default_max_tokens: 1,
            stream: true,
            include_usage: false,
            framing: Framing::JsonArray,
            exchange: "x",
            created_s: 0,
        };
        let mut relay = Relay::new(&translation, ResponseKind::Whole);
        for chunk in body.as_bytes().chunks(size) {
            assert_eq!(relay.push(chunk), Passed::AsReceived);
        }
        assert_eq!(relay.finish(), Ok(Vec::new()));
        relay.observed().clone()
    }

    #[test]
    fn a_stream_in_a_list_states_its_figures_in_its_last_element() {
        let body = r#"[{"candidates":[{"content":{"parts":[{"text":"]},"}]}}],"usageMetadata":{"promptTokenCount":3}}
            ,
            {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}]"#;
        for size in [1, 7, body.len()] {
            let observed = observed(body, size);
            assert_eq!(observed.usage.map(|usage| (usage.input, usage.output)), Some((3, 2)));
            assert!(observed.terminal && observed.finished && !observed.failed);
        }
    }

    #[test]
    fn a_list_that_breaks_has_failed() {
        let element = r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3}}"#;
        for body in [
            format!("[{element}"),
            "[]".to_owned(),
            "{}".to_owned(),
            String::new(),
            format!(r#"[{element},{{"error":{{"code":503,"message":"m","status":"UNAVAILABLE"}}}}]"#),
        ] {
            assert!(observed(&body, 16).failed, "{body}");
        }
    }
}
