//! Places in a text, in bytes and in characters.

/// Where the characters of a growing text begin, in bytes: Google counts bytes of UTF-8, the canonical model characters.
///
/// Only characters longer than a byte are remembered, and so many of them that this stays small; past those, positions are
/// not known.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    bytes: u32,
    chars: u32,
    /// Bytes and characters up to and with each long character.
    long: Vec<(u32, u32)>,
    /// Where it stopped to remember.
    known: Option<(u32, u32)>,
}

/// Most long characters that are remembered: 8 KiB of them.
const MAX_LONG: usize = 1024;

impl Offsets {
    /// Takes the next piece of the text.
    pub(crate) fn push(&mut self, text: &str) {
        if text.is_ascii() {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            self.bytes = self.bytes.saturating_add(length);
            self.chars = self.chars.saturating_add(length);
            return;
        }
        for letter in text.chars() {
            let length = u32::try_from(letter.len_utf8()).unwrap_or(u32::MAX);
            if length > 1 && self.known.is_none() {
                match self.long.len() < MAX_LONG {
                    true => self.long.push((self.bytes.saturating_add(length), self.chars.saturating_add(1))),
                    false => self.known = Some((self.bytes, self.chars)),
                }
            }
            self.bytes = self.bytes.saturating_add(length);
            self.chars = self.chars.saturating_add(1);
        }
    }

    /// The character at this byte, where the text is that long.
    pub(crate) fn char_at(&self, byte: u64) -> Option<u64> {
        let byte = self.within(byte, self.bytes, |(bytes, _)| bytes)?;
        let before = self.long.partition_point(|(bytes, _)| *bytes <= byte);
        let (bytes, chars) = self.before(before);
        Some(chars.saturating_add(byte.saturating_sub(bytes)).into())
    }

    /// The byte at which this character begins, where the text is that long.
    pub(crate) fn byte_at(&self, char: u64) -> Option<u64> {
        let char = self.within(char, self.chars, |(_, chars)| chars)?;
        let before = self.long.partition_point(|(_, chars)| *chars <= char);
        let (bytes, chars) = self.before(before);
        Some(bytes.saturating_add(char.saturating_sub(chars)).into())
    }

    fn within(&self, at: u64, end: u32, pick: fn((u32, u32)) -> u32) -> Option<u32> {
        let at = u32::try_from(at).ok()?;
        (at <= self.known.map_or(end, pick)).then_some(at)
    }

    fn before(&self, count: usize) -> (u32, u32) {
        count.checked_sub(1).and_then(|last| self.long.get(last)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_characters_meet_in_any_split() {
        let text = "aé€x😀yz";
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let mut offsets = Offsets::default();
            let (first, second) = text.split_at(cut);
            offsets.push(first);
            offsets.push(second);
            for (char, (byte, _)) in text.char_indices().chain([(text.len(), ' ')]).enumerate() {
                assert_eq!(offsets.char_at(byte as u64), Some(char as u64));
                assert_eq!(offsets.byte_at(char as u64), Some(byte as u64));
            }
            assert_eq!(offsets.char_at(text.len() as u64 + 1), None);
        }
    }

    #[test]
    fn past_what_it_remembers_it_knows_nothing() {
        let mut offsets = Offsets::default();
        for _ in 0..2 {
            offsets.push(&"é".repeat(MAX_LONG));
        }
        assert_eq!(offsets.char_at(2 * MAX_LONG as u64), Some(MAX_LONG as u64));
        assert_eq!(offsets.char_at(2 * MAX_LONG as u64 + 2), None);
    }
}
