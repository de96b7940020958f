//! What decides whether a request is admitted, and what for.

use super::{texts, upstream};
use crate::{
    dialect::{Number, Output, Policy, as_written},
    vendors::openai,
};

pub(super) const POLICY: Policy = Policy {
    reads: &[
        "model",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "best_of",
        "user",
        "safety_identifier",
    ],
    refuses: &[],
    spelled: as_written,
    asker: openai::asker,
    output: Some(Output {
        within: None,
        // The older name is deprecated, and all that many servers know
        // (https://platform.openai.com/docs/api-reference/chat/create#chat_create-max_tokens).
        caps: &[Number::top("max_completion_tokens"), Number::top("max_tokens")],
        least: 1,
        added: upstream::cap_member,
        // vLLM takes `best_of` here too.
        choices: &[Number::top("n"), Number::top("best_of")],
        prompts: None,
        budget: None,
    }),
    texts: texts::walk,
};
