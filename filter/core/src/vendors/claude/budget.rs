//! The budget of thinking, where the cap above it becomes smaller.

use super::thinking::MIN_BUDGET;
use crate::{
    dialect::Lowered,
    json::{Edit, Envelope, Node},
};

/// The member `thinking` for a smaller cap; `None` where it fits as it is. The budget must be smaller than the cap
/// (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking>): it becomes one less, and where that is no
/// budget, thinking is turned off, as when a request of another format leaves it no room. A budget that was not below the cap
/// before is one for thinking between calls, which may have that, or the provider's to refuse.
pub(crate) fn lower_thinking(thinking: Node<'_>, cap: Lowered) -> Option<String> {
    let is_enabled = thinking.member("type").and_then(Node::string).as_deref() == Some("enabled");
    let budget = thinking.member("budget_tokens").and_then(Node::whole).filter(|_| is_enabled)?;
    if budget < cap.to || cap.from.is_some_and(|from| budget >= from) {
        return None;
    }
    let lower = cap.to.saturating_sub(1);
    if lower < MIN_BUDGET {
        return Some(r#"{"type":"disabled"}"#.to_owned());
    }
    let text = thinking.text().as_bytes();
    let edit = Edit::Set("budget_tokens", lower.to_string().into());
    String::from_utf8(Envelope::scan(text).ok()?.splice(text, &[edit])).ok()
}
