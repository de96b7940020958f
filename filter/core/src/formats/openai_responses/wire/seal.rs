//! The seal of a reasoning item, which has two members.

use std::borrow::Cow;

use crate::canonical::{Seal, Vendor};

/// The seal of a reasoning item: its id and its encrypted content, which go back together
/// (<https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items>). Nothing after the bar means that the
/// provider encrypts nothing and takes the text itself back, as DeepSeek does.
pub(crate) fn join(id: &str, encrypted: &str) -> String {
    format!("{id}|{encrypted}")
}

/// The id and the encrypted content; `None` for what no reasoning item had.
pub(crate) fn split(data: &str) -> Option<(&str, &str)> {
    data.split_once('|').filter(|(id, _)| !id.is_empty())
}

/// The seal that a client sends back in an item's `encrypted_content`: OpenAI's own, or another vendor's in a wrapping.
pub(crate) fn read<'a>(id: &str, encrypted: Cow<'a, str>) -> Seal<'a> {
    let native = Seal::read(encrypted.clone(), Vendor::Openai);
    match native.vendor == Vendor::Openai && native.data == encrypted {
        true => Seal { data: join(id, &encrypted).into(), ..native },
        false => native,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_own_seal_is_its_id_with_its_content() {
        let seal = read("rs_1", "gAAA|x".into());
        assert_eq!((seal.vendor, &*seal.data), (Vendor::Openai, "rs_1|gAAA|x"));
        assert_eq!(split(&seal.data), Some(("rs_1", "gAAA|x")));
        assert_eq!(split("gAAA"), None);
    }

    #[test]
    fn another_vendors_seal_comes_out_of_its_wrapping() {
        let seal = Seal { vendor: Vendor::Anthropic, redacted: true, data: "EqQB".into() };
        assert_eq!(read("rs_1", seal.carried_by(Vendor::Openai)), seal);
    }
}
