//! Bytes in, messages out.

use std::fmt;

use super::{CHECKSUM, Headers, OVERHEAD, PRELUDE};
use crate::framing::window::{MAX_EVENT, TooLong, Window};

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
    window: Window,
    /// The lengths of the message being read, once its prelude is whole.
    lengths: Option<Lengths>,
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
    /// A message says that it is longer than [`MAX_EVENT`].
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
        if self.failed.is_none() {
            self.window.push(chunk);
        }
    }

    /// No more bytes will come.
    pub fn finish(&mut self) {
        self.window.finish();
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
            Ok(lengths) => lengths?,
            Err(error) => return self.fail(error),
        };
        let Some(message) = self.window.take(lengths.total, |raw| split(raw, lengths)) else {
            self.failed = Some(Error::Malformed);
            return Some(Err(Error::Malformed));
        };
        self.lengths = None;
        Some(Ok(message))
    }

    /// Bytes received but not given out in a message.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.window.pending()
    }

    /// The lengths of the message being read, once all of it is here and its checksums hold.
    fn whole_message(&mut self) -> Result<Option<Lengths>, Error> {
        let pending = self.window.pending();
        if self.lengths.is_none() {
            self.lengths = pending.first_chunk().map(read_prelude).transpose()?;
        }
        let message = self.lengths.and_then(|lengths| Some((lengths, pending.get(..lengths.total)?)));
        match (message, self.window.is_finished() && !pending.is_empty()) {
            (Some((lengths, raw)), _) => match raw.split_last_chunk::<CHECKSUM>() {
                Some((summed, sum)) if crc32fast::hash(summed) == u32::from_be_bytes(*sum) => Ok(Some(lengths)),
                _ => Err(Error::Checksum),
            },
            (None, true) => Err(Error::Truncated),
            (None, false) => Ok(None),
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
    match Window::check(lengths.total)? {
        total if total.saturating_sub(OVERHEAD) < lengths.headers || total < OVERHEAD => Err(Error::Malformed),
        _ => Ok(lengths),
    }
}

/// A whole message in its parts; `None` when its headers are malformed.
fn split(raw: &[u8], lengths: Lengths) -> Option<Message<'_>> {
    let (headers, payload) = raw.get(PRELUDE..raw.len().saturating_sub(CHECKSUM))?.split_at_checked(lengths.headers)?;
    Some(Message { headers: Headers::parse(headers)?, payload, raw })
}

impl From<TooLong> for Error {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a message of the event stream is longer than {MAX_EVENT} bytes"),
            Self::Checksum => f.write_str("a checksum of the event stream does not match"),
            Self::Malformed => f.write_str("a message of the event stream is malformed"),
            Self::Truncated => f.write_str("the event stream ended inside a message"),
        }
    }
}

impl std::error::Error for Error {}
