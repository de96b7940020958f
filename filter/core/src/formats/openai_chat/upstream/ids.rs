//! Ids of calls: made where a server gives none, and cut where one does not take them.

use std::borrow::Cow;

/// The most characters that OpenAI takes for the id of a call; it answers longer ones with a 400 that says so.
const MAX_ID: usize = 40;

/// What Mistral's ids are made of, and how many of them: <https://docs.mistral.ai/capabilities/function_calling/>.
const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const MISTRAL_ID: usize = 9;

/// An id for a call that came without one: the same for the same answer, another for every other.
pub(super) fn make(answer: &str, choice: u32, call: usize) -> String {
    format!("call_{:016x}", fingerprint(&[answer.as_bytes(), &choice.to_le_bytes(), &call.to_le_bytes()]))
}

/// An id as OpenAI takes it. A call and its result are changed alike, so they still meet.
pub(super) fn short(id: &str) -> Cow<'_, str> {
    match id.chars().count() > MAX_ID {
        true => Cow::Owned(format!("call_{:016x}", fingerprint(&[id.as_bytes()]))),
        false => Cow::Borrowed(id),
    }
}

/// An id as Mistral takes it: nine letters and digits, no more and no less.
pub(super) fn mistral(id: &str) -> Cow<'_, str> {
    if id.len() == MISTRAL_ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(id);
    }
    let mut rest = fingerprint(&[id.as_bytes()]);
    let base = u64::try_from(LETTERS.len()).unwrap_or(1);
    let letter = |_| {
        let at = usize::try_from(rest % base).unwrap_or_default();
        rest /= base;
        LETTERS.get(at).map_or('0', |letter| char::from(*letter))
    };
    Cow::Owned((0..MISTRAL_ID).map(letter).collect())
}

/// FNV-1a (<https://www.ietf.org/archive/id/draft-eastlake-fnv-21.html>): nobody gains by making two of these meet.
fn fingerprint(texts: &[&[u8]]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.iter());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_told_apart() {
        assert_eq!(make("chatcmpl-1", 0, 0), make("chatcmpl-1", 0, 0));
        assert_ne!(make("chatcmpl-1", 0, 0), make("chatcmpl-1", 0, 1));
        assert_ne!(make("chatcmpl-1", 0, 0), make("chatcmpl-2", 0, 0));
    }

    #[test]
    fn ids_are_changed_only_where_they_must_be() {
        assert_eq!(short("toolu_01A09q90qw90lq917835lq9"), "toolu_01A09q90qw90lq917835lq9");
        assert_eq!(short(&"x".repeat(41)).len(), 21);
        assert_eq!(mistral("D681PevKs"), "D681PevKs");
        let other = mistral("toolu_01A09q90qw90lq917835lq9");
        assert!(other.len() == 9 && other.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{other}");
    }
}
