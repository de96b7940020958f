//! What decides whether a request is admitted.

use crate::dialect::Policy;

pub(super) const POLICY: Policy = Policy {
    reads: &["model", "stream", "stream_options", "max_output_tokens", "background", "user", "safety_identifier"],
    // https://platform.openai.com/docs/guides/background: its usage would be told to nobody who counts it.
    refuses: &[(
        "background",
        "false: what runs in the background is fetched later, by a path that is not served here",
    )],
};
