//! What decides whether a request is admitted, and what for.

use crate::{
    dialect::{Author, Policy, Texts, as_written},
    json::Envelope,
    vendors::openai,
};

pub(super) const POLICY: Policy = Policy {
    reads: &["model", "stream", "stream_options", "user", "safety_identifier"],
    refuses: &[],
    spelled: as_written,
    asker: openai::asker,
    output: None,
    texts,
};

fn texts(envelope: &Envelope, texts: &mut Texts<'_, '_>) {
    for member in envelope.members() {
        if let ("input", Some(value)) = (member.key.as_str(), member.node(texts.body)) {
            texts.words(Author::User, value);
        }
    }
}
