use std::fmt;

use super::{CHECKSUM, Headers, OVERHEAD, PRELUDE};
use crate::bounds::MAX_EVENT;

/// The most that one message may have, in bytes.
pub const MAX_MESSAGE: usize = MAX_EVENT;

/// What a buffer may go on holding once it is empty, in bytes: a stream of small messages needs no more.
const KEPT_CAPACITY: usize = 64 << 10;

/// Cuts a byte stream into the messages of `application/vnd.amazon.eventstream`
/// (<https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html>), without I/O.
///
/// [`push`](Self::push) bytes, split anywhere, then take messages with [`next`](Self::next) until it answers `None`; after
/// the last byte call [`finish`](Self::finish) and ask once more. The lengths are believed only once their own checksum
/// holds, so a damaged one is an error at once, not a wait for bytes that never come.
///
/// ```text
///     total   headers   prelude                         message
///   ┌─ len ─┬── len ──┬── crc ──┬─ headers ─┬─ payload ─┬─ crc ─┐     all numbers big-endian
///   │   4   │    4    │    4    │           │           │   4   │     total counts everything, itself included
///   └───────┴─────────┴─────────┴───────────┴───────────┴───────┘
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where the message being read begins; what stands before it was given out.
    start: usize,
    /// The lengths of that message, once its prelude is whole.
    lengths: Option<Lengths>,
    finished: bool,
    failed: Option<Error>,
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'d> {
    /// Its headers.
    pub headers: Headers<'d>,
    /// Its payload.
    pub payload: &'d [u8],
    /// The bytes as received. All messages in a row are the stream, byte for byte.
    pub raw: &'d [u8],
}

/// Why a stream has no further message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A message says that it is longer than [`MAX_MESSAGE`].
    TooLong,
    /// A checksum does not match: the bytes were damaged, or are no event stream.
    Checksum,
    /// The checksums hold, but lengths or headers make no sense.
    Malformed,
    /// The stream ended inside a message.
    Truncated,
}

#[derive(Clone, Copy, Debug)]
struct Lengths {
    total: usize,
    headers: usize,
}

impl Decoder {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.forget_taken();
        self.buffer.extend_from_slice(chunk);
    }

    /// No more bytes will come.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next whole message, `None` when more bytes are needed.
    ///
    /// # Errors
    /// Any [`Error`], from then on at every call.
    #[expect(clippy::should_implement_trait, reason = "a message borrows from the decoder")]
    pub fn next(&mut self) -> Option<Result<Message<'_>, Error>> {
        if let Some(error) = self.failed {
            return Some(Err(error));
        }
        let lengths = match self.whole_message() {
            Ok(None) if self.finished && !self.pending().is_empty() => return self.fail(Error::Truncated),
            Ok(None) => return None,
            Ok(Some(lengths)) => lengths,
            Err(error) => return self.fail(error),
        };
        let end = self.start.saturating_add(lengths.total);
        let Some(message) = self.buffer.get(self.start..end).and_then(|raw| split(raw, lengths)) else {
            self.failed = Some(Error::Malformed);
            return Some(Err(Error::Malformed));
        };
        self.start = end;
        self.lengths = None;
        Some(Ok(message))
    }

    /// Bytes received but not given out in a message.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// The lengths of the message being read, once all of it is here and its checksums hold.
    fn whole_message(&mut self) -> Result<Option<Lengths>, Error> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let lengths = match self.lengths {
            Some(lengths) => lengths,
            None => match rest.first_chunk() {
                Some(prelude) => read_prelude(prelude)?,
                None => return Ok(None),
            },
        };
        self.lengths = Some(lengths);
        match rest.get(..lengths.total) {
            None => Ok(None),
            Some(raw) => match raw.split_last_chunk::<CHECKSUM>() {
                Some((summed, sum)) if crc32fast::hash(summed) == u32::from_be_bytes(*sum) => Ok(Some(lengths)),
                _ => Err(Error::Checksum),
            },
        }
    }

    /// Drops the bytes that were given out, once they are at least half of all: so each byte is moved a bounded number of
    /// times, however the stream is split.
    fn forget_taken(&mut self) {
        if self.start < self.buffer.len().div_ceil(2) {
            return;
        }
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        if self.buffer.is_empty() {
            self.buffer.shrink_to(KEPT_CAPACITY);
        }
    }

    fn fail(&mut self, error: Error) -> Option<Result<Message<'_>, Error>> {
        self.failed = Some(error);
        Some(Err(error))
    }
}

fn read_prelude(prelude: &[u8; PRELUDE]) -> Result<Lengths, Error> {
    let [t0, t1, t2, t3, h0, h1, h2, h3, sum @ ..] = *prelude;
    if crc32fast::hash(&[t0, t1, t2, t3, h0, h1, h2, h3]) != u32::from_be_bytes(sum) {
        return Err(Error::Checksum);
    }
    let length = |bytes| usize::try_from(u32::from_be_bytes(bytes)).map_err(|_| Error::TooLong);
    let lengths = Lengths { total: length([t0, t1, t2, t3])?, headers: length([h0, h1, h2, h3])? };
    match lengths.total {
        total if total > MAX_MESSAGE => Err(Error::TooLong),
        total if total.saturating_sub(OVERHEAD) < lengths.headers || total < OVERHEAD => Err(Error::Malformed),
        _ => Ok(lengths),
    }
}

/// A whole message in its parts; `None` when its headers are malformed.
fn split(raw: &[u8], lengths: Lengths) -> Option<Message<'_>> {
    let (headers, payload) = raw.get(PRELUDE..raw.len().saturating_sub(CHECKSUM))?.split_at_checked(lengths.headers)?;
    Some(Message { headers: Headers::parse(headers)?, payload, raw })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a message of the event stream is longer than {MAX_MESSAGE} bytes"),
            Self::Checksum => f.write_str("a checksum of the event stream does not match"),
            Self::Malformed => f.write_str("a message of the event stream is malformed"),
            Self::Truncated => f.write_str("the event stream ended inside a message"),
        }
    }
}

impl std::error::Error for Error {}
