//! Ids of calls as OpenAI takes them.

use std::borrow::Cow;

use crate::vendors::openai::{MAX_NAME, shortened};

/// Longer ids of other providers are replaced by their digest, in a call and its result alike, so that they still meet
/// (`call_id` in <https://platform.openai.com/docs/api-reference/responses/create#responses_create-input>).
pub(super) fn encode_id<'c>(id: &'c str) -> Cow<'c, str> {
    shortened(id).map_or(Cow::Borrowed(id), |digest| {
        let mut digest = format!("call_{digest}");
        digest.truncate(MAX_NAME);
        Cow::Owned(digest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ids_are_shortened_alike_in_call_and_result() {
        let long = "toolu_".repeat(12);
        assert_eq!(encode_id(&long), encode_id(&long));
        assert_eq!(encode_id(&long).len(), 64);
        assert_ne!(encode_id(&long), encode_id(&"toolu_".repeat(13)));
        assert_eq!(encode_id("functions.f:0"), "functions.f:0");
        assert_eq!(encode_id(&"é".repeat(64)).chars().count(), 64);
    }
}
