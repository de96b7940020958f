//! What decides whether a request is admitted, and what for.

use crate::{
    dialect::{Author, Number, Output, Policy, Texts, as_written},
    json::{Envelope, Node},
    vendors::openai,
};

pub(super) const POLICY: Policy = Policy {
    reads: &["model", "stream", "stream_options", "max_tokens", "n", "best_of", "user", "safety_identifier"],
    refuses: &[],
    spelled: as_written,
    asker: openai::asker,
    output: Some(Output {
        within: None,
        caps: &[Number::top("max_tokens")],
        // With `echo`, an answer of no tokens scores the prompt.
        least: 0,
        added: |_| "max_tokens",
        // `best_of` answers are written, `n` of them shown
        // (https://platform.openai.com/docs/api-reference/completions/create#completions_create-best_of).
        choices: &[Number::top("n"), Number::top("best_of")],
        prompts: Some(prompts),
        budget: None,
    }),
    texts,
};

/// A list of texts, or of lists of tokens, is a prompt for each; a list of tokens is one.
fn prompts(body: &[u8], envelope: &Envelope) -> u64 {
    let count = |prompt: Node<'_>| {
        let mut prompts = 0_u64;
        prompt.each_element(&mut |one| {
            let is_prompt = one.is_string() || one.text().starts_with('[');
            prompts = prompts.saturating_add(u64::from(is_prompt));
        });
        prompts
    };
    let given = envelope.members().iter().filter(|member| member.key == "prompt");
    given.filter_map(|member| member.node(body)).map(count).max().unwrap_or(1).max(1)
}

fn texts(envelope: &Envelope, texts: &mut Texts<'_, '_>) {
    for member in envelope.members() {
        if let ("prompt" | "suffix", Some(value)) = (member.key.as_str(), member.node(texts.body)) {
            texts.words(Author::User, value);
        }
    }
}
