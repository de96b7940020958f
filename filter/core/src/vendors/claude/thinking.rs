//! How a wish to reason is said to Claude: a budget or a level, where the rest of the request allows it.

use serde::Serialize;

use super::capability::{Capability, Thinking};
use crate::canonical::{Block, Chat, Effort, Losses, Message, Part, Reasoning, Role, ToolChoice, Vendor};

/// The least budget that Anthropic takes.
pub(super) const MIN_BUDGET: u64 = 1024;

/// What a request says about thinking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reasoned {
    /// The member `thinking`; `None` leaves it out, which is no thinking for all but models that always think.
    pub(crate) thinking: Option<ThinkingWire>,
    /// The member `output_config.effort`.
    pub(crate) effort: Option<&'static str>,
}

/// The member `thinking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ThinkingWire {
    Enabled {
        budget_tokens: u64,
    },
    Adaptive {
        /// Later models leave the text out unless it is asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
}

/// Turns a wish to reason into thinking, where the rest of the request allows it.
pub(crate) fn reasoning(chat: &Chat<'_>, capability: Capability, max_tokens: u64, losses: &mut Losses) -> Reasoned {
    let Some(wish) = chat.reasoning.as_ref().filter(|wish| !wish.value.is_off()) else { return Reasoned::default() };
    let path = wish.path.as_ref();
    if let Some(reason) = obstacle(chat, capability) {
        losses.declare(path, reason);
        return Reasoned::default();
    }
    match capability.thinking {
        Thinking::None => {
            losses.declare(path, "the model cannot think before it answers");
            Reasoned::default()
        }
        Thinking::Budget => match budget(&wish.value, max_tokens) {
            Some((budget_tokens, exact)) => {
                if wish.value.visible == Some(false) {
                    losses.approximate(path, "the model does not hide what it thinks");
                }
                if wish.value.is_open() {
                    losses.approximate(path, "the model wants a budget of thinking: half of the output cap");
                } else if !exact {
                    losses.approximate(path, "the budget of thinking lies between 1,024 tokens and the output cap");
                }
                Reasoned { thinking: Some(ThinkingWire::Enabled { budget_tokens }), effort: None }
            }
            None => {
                losses.declare(path, "the output cap leaves no room for the 1,024 tokens that thinking needs");
                Reasoned::default()
            }
        },
        Thinking::Adaptive { xhigh } => {
            let hidden = wish.value.visible == Some(false);
            let thinking = Some(ThinkingWire::Adaptive { display: (xhigh && !hidden).then_some("summarized") });
            let Some(level) = wish.value.level() else { return Reasoned { thinking, effort: None } };
            if wish.value.effort.is_none() {
                losses.approximate(path, "the model takes an effort in place of a budget");
            }
            let word = match level {
                Effort::None | Effort::Minimal => {
                    losses.approximate(path, "the least effort of the provider is low");
                    "low"
                }
                Effort::Low => "low",
                Effort::Medium => "medium",
                Effort::XHigh if xhigh => "xhigh",
                Effort::XHigh => {
                    losses.approximate(path, "the model has no effort between high and max");
                    "high"
                }
                Effort::High => "high",
                Effort::Max => "max",
            };
            Reasoned { thinking, effort: Some(word) }
        }
    }
}

/// What forbids thinking: <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>.
fn obstacle(chat: &Chat<'_>, capability: Capability) -> Option<&'static str> {
    let forces = match chat.tool_choice.as_ref().map(|choice| &choice.value) {
        Some(ToolChoice::Required | ToolChoice::Named(_)) => true,
        Some(ToolChoice::Allowed { required, .. }) => *required,
        Some(ToolChoice::None | ToolChoice::Auto) | None => false,
    };
    if forces && !chat.tools.is_empty() {
        return Some("the provider cannot think when a tool is forced");
    }
    let last = chat.messages.last()?;
    if last.role == Role::Assistant {
        return Some("the provider cannot think when it goes on from an assistant message");
    }
    // A turn that goes on after tool calls must begin with the thinking that led to them, in the provider's own
    // signature. Adaptive thinking does not insist on it.
    if capability.thinking == Thinking::Budget && goes_on_unsealed(&chat.messages) {
        return Some("the provider cannot go on thinking after tool calls without the signed thinking before them");
    }
    None
}

/// Whether the last words are results of tools, maybe with others beside, and the assistant's turn that they belong to does
/// not begin with thinking that has a seal of Anthropic's. A turn begins after words of the user without any result.
fn goes_on_unsealed(messages: &[Message<'_>]) -> bool {
    let is_result = |part: &Part<'_>| matches!(part.block, Block::ToolResult { .. });
    let is_sealed = |part: &Part<'_>| match &part.block {
        Block::Thinking { seal: Some(seal), .. } => seal.vendor == Vendor::Anthropic,
        _ => false,
    };
    let mut awaits_tools = false;
    let mut first = None;
    for said in messages.chunk_by(|one, next| (one.role == Role::Assistant) == (next.role == Role::Assistant)) {
        let mut parts = said.iter().flat_map(|message| &message.parts);
        if said.iter().any(|message| message.role == Role::Assistant) {
            first = first.or_else(|| parts.next());
        } else {
            awaits_tools = parts.any(is_result);
            first = first.filter(|_| awaits_tools);
        }
    }
    awaits_tools && !first.is_some_and(is_sealed)
}

/// The budget, and whether it is the one that was wished for. An effort is a share of the output cap, as OpenRouter divides it
/// (<https://openrouter.ai/docs/use-cases/reasoning-tokens>), at least 1,024 and below the cap. A wish that does not say how much
/// is one for a medium effort, as it is there.
fn budget(wish: &Reasoning, max_tokens: u64) -> Option<(u64, bool)> {
    let room = max_tokens.checked_sub(1).filter(|room| *room >= MIN_BUDGET)?;
    if let (Some(budget), None) = (wish.budget, wish.effort) {
        let clamped = budget.clamp(MIN_BUDGET, room);
        return Some((clamped, clamped == budget));
    }
    let percent = match wish.effort.unwrap_or(Effort::Medium) {
        Effort::None | Effort::Minimal => 10,
        Effort::Low => 20,
        Effort::Medium => 50,
        Effort::High => 80,
        Effort::XHigh | Effort::Max => 95,
    };
    let share = max_tokens.saturating_mul(percent) / 100;
    Some((share.clamp(MIN_BUDGET, room), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effort(effort: Effort, max_tokens: u64) -> Option<u64> {
        budget(&Reasoning { effort: Some(effort), ..Reasoning::default() }, max_tokens).map(|(budget, _)| budget)
    }

    #[test]
    fn budgets_stay_between_the_least_and_the_cap() {
        assert_eq!(effort(Effort::High, 10_000), Some(8_000));
        assert_eq!(effort(Effort::Low, 2_000), Some(1_024));
        assert_eq!(effort(Effort::Low, 1_024), None);
        assert_eq!(effort(Effort::Max, 1_025), Some(1_024));
    }

    #[test]
    fn a_wish_that_does_not_say_how_much_is_a_wish_all_the_same() {
        let wish = Reasoning { visible: Some(true), ..Reasoning::default() };
        let chat = Chat { reasoning: Some(crate::canonical::Given::new(wish, "r")), ..Chat::default() };
        let reasoned = |model: &str| {
            let mut losses = Losses::default();
            (reasoning(&chat, Capability::of(model), 8_192, &mut losses), losses.len())
        };
        let budget = Reasoned { thinking: Some(ThinkingWire::Enabled { budget_tokens: 4_096 }), effort: None };
        assert_eq!(reasoned("claude-sonnet-4-5"), (budget, 1));
        let adaptive =
            Reasoned { thinking: Some(ThinkingWire::Adaptive { display: Some("summarized") }), effort: None };
        assert_eq!(reasoned("claude-sonnet-5"), (adaptive, 0));
        assert_eq!(reasoned("claude-3-5-sonnet-latest"), (Reasoned::default(), 1));
    }

    #[test]
    fn a_turn_with_tools_goes_on_where_it_began_with_sealed_thinking() {
        use crate::canonical::Seal;
        let part = |block| Part { block, cache: None, path: String::new() };
        let message = |role, blocks: &[Block<'static>]| {
            let parts = blocks.iter().cloned().map(part).collect();
            Message { role, parts, path: String::new() }
        };
        let text = || Block::Text("t".into());
        let call = || Block::ToolUse { id: "a".into(), name: "f".into(), input: "{}".into() };
        let result = || Block::ToolResult { id: "a".into(), parts: Vec::new(), is_error: false };
        let seal = Seal { vendor: Vendor::Anthropic, redacted: false, data: "s".into() };
        let sealed = || Block::Thinking { text: "t".into(), seal: Some(seal.clone()) };
        let asks = || message(Role::User, &[text()]);
        let thinks = || message(Role::Assistant, &[sealed(), call()]);
        let calls = || message(Role::Assistant, &[text(), call()]);
        let answers = || message(Role::User, &[result()]);
        for (messages, unsealed) in [
            (vec![asks()], false),
            (vec![asks(), calls(), answers()], true),
            (vec![asks(), thinks(), answers()], false),
            (vec![asks(), thinks(), message(Role::User, &[result(), text()])], false),
            (vec![asks(), calls(), answers(), message(Role::System, &[text()]), asks()], true),
            (vec![asks(), thinks(), answers(), calls(), answers()], false),
            (vec![asks(), calls(), answers(), thinks(), answers()], true),
            (vec![asks(), calls(), answers(), message(Role::Assistant, &[text()]), asks()], false),
            (vec![asks(), calls(), answers(), message(Role::Assistant, &[text()]), asks(), thinks(), answers()], false),
        ] {
            assert_eq!(goes_on_unsealed(&messages), unsealed, "{messages:?}");
        }
    }

    #[test]
    fn a_budget_in_tokens_is_kept_where_there_is_room_for_it() {
        let tokens = |budget| Reasoning { budget: Some(budget), ..Reasoning::default() };
        assert_eq!(budget(&tokens(2_000), 4_096), Some((2_000, true)));
        assert_eq!(budget(&tokens(100), 4_096), Some((1_024, false)));
        assert_eq!(budget(&tokens(9_000), 4_096), Some((4_095, false)));
    }
}
