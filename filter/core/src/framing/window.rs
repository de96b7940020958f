//! The bytes of a stream between their arrival and the decoder's last use of them.

use std::fmt;

/// The most that one event of a stream may have, in bytes, whatever frames it: 16 MiB.
pub const MAX_EVENT: usize = 16 << 20;

/// What a buffer may go on holding once it is empty, in bytes: a stream of small events needs no more.
const KEPT_CAPACITY: usize = 64 << 10;

/// The part of a stream that a decoder still needs, which is the frame being read and what came behind it.
///
/// Positions count from the beginning of the frame, so they stay true when the bytes before it are dropped. That is done once
/// those are at least half of all: so each byte is moved a bounded number of times, however the stream is split.
///
/// ```text
///   given out, may be dropped │ the frame being read      │ not read yet │ to come
///   ──────────────────────────┼───────────────────────────┼──────────────┼ ─ ─ ─ ─
///                           start                   start + read     buffer's end
///                             └──────────── pending ─────────────────┘
/// ```
#[derive(Debug, Default)]
pub(super) struct Window {
    buffer: Vec<u8>,
    start: usize,
    read: usize,
    finished: bool,
}

/// An event grew beyond [`MAX_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Window {
    /// Takes the next bytes of the stream.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        if self.start >= self.buffer.len().div_ceil(2) {
            self.buffer.drain(..self.start.min(self.buffer.len()));
            self.start = 0;
            if self.buffer.is_empty() {
                self.buffer.shrink_to(KEPT_CAPACITY);
            }
        }
        self.buffer.extend_from_slice(chunk);
    }

    /// No more bytes will come.
    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    /// Whether no more bytes will come.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// All bytes from the beginning of the frame on.
    pub(super) fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// How much of the frame has been read.
    pub(super) fn read(&self) -> usize {
        self.read
    }

    /// The frame has been read as far as `end`, which is still not its end.
    pub(super) fn read_to(&mut self, end: usize) {
        self.read = end;
    }

    /// So many bytes are no part of a frame: the next one begins behind them.
    pub(super) fn pass(&mut self, length: usize) {
        self.start = self.start.saturating_add(length);
        self.read = 0;
    }

    /// Gives the frame out, which has this `length`, once `parts` is content with it.
    pub(super) fn take<'w, T>(&'w mut self, length: usize, parts: impl FnOnce(&'w [u8]) -> Option<T>) -> Option<T> {
        let end = self.start.saturating_add(length);
        let taken = parts(self.buffer.get(self.start..end)?)?;
        self.start = end;
        self.read = 0;
        Some(taken)
    }

    /// `length`, where a frame may be as long.
    pub(super) fn check(length: usize) -> Result<usize, TooLong> {
        if length > MAX_EVENT { Err(TooLong) } else { Ok(length) }
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event of the stream is longer than {MAX_EVENT} bytes")
    }
}

impl std::error::Error for TooLong {}
