use super::{Observed, Passed, ResponseKind};
use crate::{
    formats::{
        Attempt,
        dialect::{Frame, IdentitySide, Tap},
    },
    json::Watch,
    sse,
};

/// Bytes pass as they are while their usage is read.
#[derive(Debug)]
pub(super) enum Identity {
    /// One JSON text, of which the usage is watched for.
    Whole { decode: fn(&[u8]) -> Option<crate::canonical::Usage>, usage: Watch },
    /// A stream of events.
    Stream(Stream),
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

impl Identity {
    pub(super) fn new(attempt: &Attempt<'_>, kind: ResponseKind) -> Self {
        let IdentitySide { ask_for_usage, usage_member, decode_usage, tap, .. } = attempt.upstream.dialect().identity;
        match (kind, tap) {
            (ResponseKind::Stream, Some(tap)) => Self::Stream(Stream {
                decoder: sse::Decoder::default(),
                tap: tap(),
                removes_usage: ask_for_usage.is_some() && attempt.stream && !attempt.include_usage,
                blind: false,
            }),
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
            let verdict = self.tap.see(Frame { name: block.name, data: &data, is_exception: false });
            each(block.raw, verdict.usage_only);
            observed.usage = verdict.usage.or(observed.usage);
            observed.terminal = observed.usage.is_some() && (verdict.terminal || observed.terminal);
            observed.finished = self.tap.finished();
            observed.failed |= verdict.failed;
        }
    }
}
