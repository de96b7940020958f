//! What decides whether a request is admitted.

use crate::dialect::Policy;

pub(super) const POLICY: Policy = Policy {
    // Google reads either spelling: https://protobuf.dev/programming-guides/json/
    reads: &["model", "generationConfig", "generation_config", "labels"],
    refuses: &[],
};
