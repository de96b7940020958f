//! Ids of calls as Anthropic takes them.

use std::borrow::Cow;

/// Ids may have letters, digits, `_` and `-` only; other providers' have more (Kimi: `functions.search:0`). A call and its
/// result are changed alike, so they still meet.
pub(super) fn encode_id<'c>(id: &'c str) -> Cow<'c, str> {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    match id.chars().all(is_allowed) {
        true => Cow::Borrowed(id),
        false => Cow::Owned(id.chars().map(|letter| if is_allowed(letter) { letter } else { '_' }).collect()),
    }
}
