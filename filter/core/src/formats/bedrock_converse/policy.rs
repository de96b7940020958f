//! What decides whether a request is admitted, and what for.

use super::texts;
use crate::{
    dialect::{Asker, Lowered, Number, Output, Policy, as_written, top},
    json::{Edit, Envelope},
    vendors::claude,
};

pub(super) const POLICY: Policy = Policy {
    reads: &["inferenceConfig"],
    refuses: &[],
    spelled: as_written,
    // It has no place for an end user.
    asker: |_, _| Asker::default(),
    output: Some(Output {
        within: Some("inferenceConfig"),
        caps: &[Number { name: "maxTokens", path: "inferenceConfig.maxTokens" }],
        least: 1,
        added: |_| "maxTokens",
        choices: &[],
        prompts: None,
        budget: Some(lower_thinking),
    }),
    texts: texts::walk,
};

/// Where Claude's members go: <https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html>.
const CLAUDES: &str = "additionalModelRequestFields";

/// Claude's thinking goes by two names there.
fn lower_thinking(cap: Lowered, body: &[u8], envelope: &Envelope) -> Option<Edit<'static>> {
    let fields = top(body, envelope, CLAUDES)?;
    let inner = Envelope::scan(fields.text().as_bytes()).ok()?;
    let lower = |name| Some(Edit::Set(name, claude::lower_thinking(fields.member(name)?, cap)?.into()));
    let edits: Vec<_> = ["thinking", "reasoning_config"].into_iter().filter_map(lower).collect();
    if edits.is_empty() {
        return None;
    }
    let lowered = String::from_utf8(inner.splice(fields.text().as_bytes(), &edits)).ok()?;
    Some(Edit::Set(CLAUDES, lowered.into()))
}
