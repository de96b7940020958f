//! What decides whether a request is admitted, of chats, completions and embeddings.

use crate::dialect::Policy;

pub(crate) const POLICY: Policy = Policy {
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
};
