//! What decides whether a request is admitted.

use crate::dialect::Policy;

pub(super) const POLICY: Policy = Policy { reads: &["model", "stream", "max_tokens", "metadata"], refuses: &[] };
