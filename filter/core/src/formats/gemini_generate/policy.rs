//! What decides whether a request is admitted, and what for.

use super::{texts, wire::spelling::camel};
use crate::{
    dialect::{Asker, Number, Output, Policy, first_said, top},
    json::Envelope,
};

pub(super) const POLICY: Policy = Policy {
    reads: &["model", "generationConfig", "labels"],
    refuses: &[],
    spelled: |name| camel(name.into()),
    asker,
    output: Some(Output {
        within: Some("generationConfig"),
        caps: &[Number { name: "maxOutputTokens", path: "generationConfig.maxOutputTokens" }],
        least: 1,
        added: |_| "maxOutputTokens",
        choices: &[Number { name: "candidateCount", path: "generationConfig.candidateCount" }],
        prompts: None,
        // A budget of thinking may be larger than the cap: the cap ends thinking too
        // (https://ai.google.dev/gemini-api/docs/thinking).
        budget: None,
    }),
    texts: texts::walk,
};

/// There is no member for it. `labels` are names and values of the client's own choice
/// (<https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/add-labels-to-api-calls>): `end_user`, else `user`.
fn asker<'a>(body: &'a [u8], envelope: &'a Envelope) -> Asker<'a> {
    let label = |name| top(body, envelope, "labels")?.member(name);
    Asker { end_user: first_said([label("end_user"), label("user")]), ..Asker::default() }
}
