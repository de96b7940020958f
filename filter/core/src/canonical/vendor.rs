//! Whose dialects, ids and seals belong together.

/// Whose ids, seals and headers are understood by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "names")]
pub enum Vendor {
    Openai,
    Anthropic,
    Google,
}
