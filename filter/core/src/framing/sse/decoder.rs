//! Bytes in, blocks out.

use std::{borrow::Cow, ops::Range};

use memchr::memchr2;

use crate::framing::window::{TooLong, Window};

/// Cuts a byte stream into the blocks of `text/event-stream`
/// (<https://html.spec.whatwg.org/multipage/server-sent-events.html>), without I/O.
///
/// [`push`](Self::push) bytes, split anywhere, then take blocks with [`next`](Self::next) until it answers `None`; after
/// the last byte call [`finish`](Self::finish) and take what is left. Lines end in LF, CR or CRLF, mixed as they come. As
/// long as a CR is the last byte seen it is not yet known to be a whole line end, so the line waits for one more byte.
#[derive(Debug, Default)]
pub struct Decoder {
    window: Window,
    /// Where the line being read begins, from the beginning of the block.
    line: usize,
    fields: Fields,
    begun: bool,
    failed: bool,
}

/// One block: everything up to and including an empty line.
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'d> {
    /// The value of its last `event` field; empty when it has none.
    pub name: &'d [u8],
    /// Its `data` fields, joined by line feeds. `None` for a block without any, such as a comment, which is no event.
    pub data: Option<Cow<'d, [u8]>>,
    /// The bytes as received, line ends included. All blocks in a row are the stream, byte for byte.
    pub raw: &'d [u8],
}

/// What the lines of the block being read have said so far, as positions in it.
#[derive(Debug, Default)]
struct Fields {
    name: Range<usize>,
    data: Option<Range<usize>>,
    joined: Option<Vec<u8>>,
}

impl Decoder {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        if !self.failed {
            self.window.push(chunk);
        }
    }

    /// No more bytes will come. A block without its empty line is given out all the same: some providers forget it.
    pub fn finish(&mut self) {
        self.window.finish();
    }

    /// The next whole block, `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`TooLong`], from then on at every call.
    #[expect(clippy::should_implement_trait, reason = "a block borrows from the decoder")]
    pub fn next(&mut self) -> Option<Result<Block<'_>, TooLong>> {
        if self.failed {
            return Some(Err(TooLong));
        }
        match self.end_of_block() {
            Ok(None) => None,
            Ok(Some(end)) => self.take(end).map(Ok),
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }

    /// Bytes received but not given out in a block.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.window.pending()
    }

    /// Reads on to the end of the block.
    fn end_of_block(&mut self) -> Result<Option<usize>, TooLong> {
        while let Some((line, end)) = self.next_line() {
            self.line = end;
            self.window.read_to(end);
            Window::check(end)?;
            if line.is_empty() {
                return Ok(Some(end));
            }
            self.fields.read(self.window.pending(), line);
        }
        let length = Window::check(self.pending().len())?;
        Ok((self.window.is_finished() && length > 0).then_some(length))
    }

    /// The next line without its end, and where the line after it begins.
    fn next_line(&mut self) -> Option<(Range<usize>, usize)> {
        let block = self.window.pending();
        let (length, finished) = (block.len(), self.window.is_finished());
        let Some(found) = memchr2(b'\n', b'\r', block.get(self.window.read()..)?) else {
            self.window.read_to(length);
            return (finished && self.line < length).then(|| (self.line_range(length), length));
        };
        let at = self.window.read().saturating_add(found);
        let after = at.saturating_add(1);
        let end = match (block.get(at), block.get(after)) {
            (Some(b'\r'), Some(b'\n')) => after.saturating_add(1),
            (Some(b'\r'), None) if !finished => {
                self.window.read_to(at);
                return None;
            }
            _ => after,
        };
        Some((self.line_range(at), end))
    }

    /// From the start of the line to `end`, without the byte order mark that may stand before the very first line.
    fn line_range(&self, end: usize) -> Range<usize> {
        let is_first = !self.begun && self.line == 0;
        let mark = if is_first && self.pending().get(..end).is_some_and(|text| text.starts_with(MARK)) { 3 } else { 0 };
        self.line.saturating_add(mark)..end
    }

    fn take(&mut self, end: usize) -> Option<Block<'_>> {
        let fields = std::mem::take(&mut self.fields);
        self.line = 0;
        self.begun = true;
        self.window.take(end, |raw| {
            let data = match fields.joined {
                Some(joined) => Some(Cow::Owned(joined)),
                None => fields.data.map(|range| Cow::Borrowed(raw.get(range).unwrap_or_default())),
            };
            Some(Block { name: raw.get(fields.name).unwrap_or_default(), data, raw })
        })
    }
}

impl Fields {
    /// Takes in one line of `block`.
    fn read(&mut self, block: &[u8], line: Range<usize>) {
        let text = block.get(line.clone()).unwrap_or_default();
        let colon = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
        let (field, rest) = text.split_at_checked(colon).unwrap_or((text, &[]));
        let skipped = if rest.starts_with(b": ") { 2 } else { rest.len().min(1) };
        let value = line.start.saturating_add(colon).saturating_add(skipped)..line.end;
        match field {
            b"event" => self.name = value,
            b"data" => match (&mut self.joined, &self.data) {
                (Some(joined), _) => {
                    joined.push(b'\n');
                    joined.extend_from_slice(block.get(value).unwrap_or_default());
                }
                (None, Some(first)) => {
                    let mut joined = block.get(first.clone()).unwrap_or_default().to_vec();
                    joined.push(b'\n');
                    joined.extend_from_slice(block.get(value).unwrap_or_default());
                    self.joined = Some(joined);
                }
                (None, None) => self.data = Some(value),
            },
            // `id`, `retry`, comments and unknown fields say nothing to a gateway.
            _ => {}
        }
    }
}

/// The byte order mark in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Seen = (String, Option<String>, Vec<u8>);

    fn decode(chunks: &[&[u8]]) -> Vec<Seen> {
        let mut decoder = Decoder::default();
        let mut seen = Vec::new();
        let drain = |decoder: &mut Decoder, seen: &mut Vec<Seen>| {
            while let Some(block) = decoder.next() {
                let block = block.unwrap();
                let data = block.data.map(|data| String::from_utf8_lossy(&data).into_owned());
                seen.push((String::from_utf8_lossy(block.name).into_owned(), data, block.raw.to_vec()));
            }
        };
        for chunk in chunks {
            decoder.push(chunk);
            drain(&mut decoder, &mut seen);
        }
        decoder.finish();
        drain(&mut decoder, &mut seen);
        assert!(decoder.pending().is_empty());
        seen
    }

    fn data(text: &str) -> Vec<Option<String>> {
        decode(&[text.as_bytes()]).into_iter().map(|seen| seen.1).collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn reads_every_line_end() {
        for end in ["\n", "\r", "\r\n"] {
            let text = format!("event: a{end}data: 1{end}{end}data:2{end}data: 3{end}{end}");
            let seen = decode(&[text.as_bytes()]);
            assert_eq!(seen.len(), 2, "{end:?}");
            assert_eq!((seen[0].0.as_str(), seen[0].1.clone()), ("a", some("1")));
            assert_eq!(seen[1].1, some("2\n3"));
        }
    }

    #[test]
    fn keeps_comments_and_fields_without_data_as_blocks_that_are_no_events() {
        assert_eq!(data(": hello\n\ndata: x\n\nid: 4\n\n"), [None, some("x"), None]);
    }

    #[test]
    fn tells_empty_data_from_none() {
        assert_eq!(data("data\n\ndata:\n\nevent: x\n\n"), [some(""), some(""), None]);
    }

    #[test]
    fn strips_one_space_only() {
        assert_eq!(data("data:  x\n\n"), [some(" x")]);
    }

    #[test]
    fn ignores_the_byte_order_mark_at_the_start_only() {
        assert_eq!(data("\u{feff}data: x\n\n\u{feff}data: y\n\n"), [some("x"), None]);
    }

    #[test]
    fn gives_out_an_unended_last_block() {
        assert_eq!(data("data: a\n\ndata: b"), [some("a"), some("b")]);
        assert_eq!(data("data: a\n\ndata: b\n"), [some("a"), some("b")]);
        assert_eq!(data("data: a\n\ndata: b\r"), [some("a"), some("b")]);
    }

    #[test]
    fn refuses_a_block_beyond_the_bound_and_stays_refusing() {
        let mut decoder = Decoder::default();
        decoder.push(b"data: ");
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..16 {
            assert!(decoder.next().is_none());
            decoder.push(&piece);
        }
        assert_eq!(decoder.next(), Some(Err(TooLong)));
        decoder.push(b"\n\ndata: fine\n\n");
        assert_eq!(decoder.next(), Some(Err(TooLong)));
    }

    /// Keeping up one block at a time with a sender that is ahead must not move the backlog each time.
    #[test]
    fn taking_one_block_for_each_piece_of_a_backlog_gives_them_all() {
        let one = b"event: n\ndata: v\ndata: w\n\n";
        let mut decoder = Decoder::default();
        decoder.push(&one.repeat(20_000));
        let mut taken = 0;
        while let Some(block) = decoder.next() {
            assert_eq!(block.unwrap().raw, one);
            taken += 1;
            decoder.push(if taken <= 20_000 { one } else { b"" });
        }
        assert_eq!(taken, 40_000);
    }

    proptest! {
        #[test]
        fn split_anywhere_gives_the_same_blocks(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("data: é€"), Just("data:x"), Just("data"), Just("event: ping"), Just(": c"), Just("\n"),
                    Just("\r"), Just("\r\n"), Just("\n\n"), Just("\r\n\r\n"), Just("\u{feff}"), Just("id: 1"),
                ],
                0..40,
            ),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let text = pieces.concat().into_bytes();
            let whole = decode(&[&text]);
            prop_assert_eq!(whole.iter().flat_map(|seen| seen.2.clone()).collect::<Vec<_>>(), text.clone());
            let bytes: Vec<&[u8]> = text.chunks(1).collect();
            prop_assert_eq!(&decode(&bytes), &whole);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            at.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in at {
                chunks.push(&text[from..cut]);
                from = cut;
            }
            chunks.push(&text[from..]);
            prop_assert_eq!(&decode(&chunks), &whole);
        }
    }
}
