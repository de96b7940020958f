//! What decides whether a request is admitted, and what for.

use crate::{
    dialect::{Policy, as_written},
    vendors::openai,
};

pub(super) const POLICY: Policy = Policy {
    reads: &["model", "stream", "stream_options", "user", "safety_identifier"],
    refuses: &[],
    spelled: as_written,
    asker: openai::asker,
    output: None,
};
