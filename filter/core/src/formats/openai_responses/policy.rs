//! What decides whether a request is admitted, and what for.

use super::texts;
use crate::{
    dialect::{Number, Output, Policy, as_written},
    vendors::openai,
};

pub(super) const POLICY: Policy = Policy {
    reads: &["model", "stream", "stream_options", "max_output_tokens", "background", "user", "safety_identifier"],
    // https://platform.openai.com/docs/guides/background: its usage would be told to nobody who counts it.
    refuses: &[(
        "background",
        "false: what runs in the background is fetched later, by a path that is not served here",
    )],
    spelled: as_written,
    asker: openai::asker,
    output: Some(Output {
        within: None,
        caps: &[Number::top("max_output_tokens")],
        least: 1,
        added: |_| "max_output_tokens",
        choices: &[],
        prompts: None,
        budget: None,
    }),
    texts: texts::walk,
};
