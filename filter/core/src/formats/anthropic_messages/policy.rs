//! What decides whether a request is admitted, and what for.

use super::{asker, texts};
use crate::{
    dialect::{Lowered, Number, Output, Policy, as_written, top},
    json::{Edit, Envelope},
    vendors::claude,
};

pub(super) const POLICY: Policy = Policy {
    reads: &["model", "stream", "max_tokens", "metadata"],
    refuses: &[],
    spelled: as_written,
    asker: asker::asker,
    output: Some(Output {
        within: None,
        // Anthropic refuses a request without it; others who serve this format do not.
        caps: &[Number::top("max_tokens")],
        // No output at all puts a prompt into the cache
        // (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
        least: 0,
        added: |_| "max_tokens",
        choices: &[],
        prompts: None,
        budget: Some(lower_thinking),
    }),
    texts: texts::walk,
};

fn lower_thinking(cap: Lowered, body: &[u8], envelope: &Envelope) -> Option<Edit<'static>> {
    let lowered = claude::lower_thinking(top(body, envelope, "thinking")?, cap)?;
    Some(Edit::Set("thinking", lowered.into()))
}
