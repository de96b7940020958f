use serde::Serialize;

use super::capability::{Capability, Thinking};
use crate::canonical::{Block, Chat, Effort, Losses, Role, ToolChoice};

/// The least budget that Anthropic takes.
const MIN_BUDGET: u64 = 1024;

/// What a request says about thinking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The member `thinking`; `None` leaves it out, which is no thinking for all but models that always think.
    pub(super) thinking: Option<ThinkingWire>,
    /// The member `output_config.effort`.
    pub(super) effort: Option<&'static str>,
}

/// The member `thinking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ThinkingWire {
    Enabled {
        budget_tokens: u64,
    },
    Adaptive {
        /// Later models leave the text out unless it is asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
}

/// Turns an effort into thinking, where the rest of the request allows it.
pub(super) fn plan(chat: &Chat<'_>, capability: Capability, max_tokens: u64, losses: &mut Losses) -> Plan {
    let Some(effort) = chat.effort.filter(|effort| *effort != Effort::None) else {
        return Plan::default();
    };
    if let Some(reason) = obstacle(chat, capability) {
        losses.declare("reasoning_effort", reason);
        return Plan::default();
    }
    match capability.thinking {
        Thinking::Budget => match budget(effort, max_tokens) {
            Some(budget_tokens) => Plan { thinking: Some(ThinkingWire::Enabled { budget_tokens }), effort: None },
            None => {
                losses.declare(
                    "reasoning_effort",
                    "the output cap leaves no room for the 1,024 tokens that thinking needs",
                );
                Plan::default()
            }
        },
        Thinking::Adaptive { xhigh } => {
            let word = match effort {
                Effort::None | Effort::Minimal => {
                    losses.declare("reasoning_effort", "the least effort of the provider is low");
                    "low"
                }
                Effort::Low => "low",
                Effort::Medium => "medium",
                Effort::XHigh if xhigh => "xhigh",
                Effort::XHigh => {
                    losses.declare("reasoning_effort", "the model has no effort between high and max");
                    "high"
                }
                Effort::High => "high",
                Effort::Max => "max",
            };
            let thinking = ThinkingWire::Adaptive { display: xhigh.then_some("summarized") };
            Plan { thinking: Some(thinking), effort: Some(word) }
        }
    }
}

/// What forbids thinking: <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>.
fn obstacle(chat: &Chat<'_>, capability: Capability) -> Option<&'static str> {
    if matches!(chat.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) && !chat.tools.is_empty() {
        return Some("the provider cannot think when a tool is forced");
    }
    let last = chat.messages.last()?;
    if last.role == Role::Assistant {
        return Some("the provider cannot think when it goes on from an assistant message");
    }
    // A turn that goes on after tool calls must begin with the thinking that led to them, in the provider's own
    // signature, which this client format does not carry. Adaptive thinking does not insist on it.
    let awaits_tools = last.parts.iter().any(|part| matches!(part.block, Block::ToolResult { .. }));
    if awaits_tools && capability.thinking == Thinking::Budget {
        return Some("the provider cannot go on thinking after tool calls without the signed thinking before them");
    }
    None
}

/// A share of the output cap, as OpenRouter divides it (<https://openrouter.ai/docs/use-cases/reasoning-tokens>), at
/// least 1,024 and below the cap.
fn budget(effort: Effort, max_tokens: u64) -> Option<u64> {
    let percent = match effort {
        Effort::None | Effort::Minimal => 10,
        Effort::Low => 20,
        Effort::Medium => 50,
        Effort::High => 80,
        Effort::XHigh | Effort::Max => 95,
    };
    let share = max_tokens.saturating_mul(percent) / 100;
    let budget = share.max(MIN_BUDGET);
    (budget < max_tokens).then_some(budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_stay_between_the_least_and_the_cap() {
        assert_eq!(budget(Effort::High, 10_000), Some(8_000));
        assert_eq!(budget(Effort::Low, 2_000), Some(1_024));
        assert_eq!(budget(Effort::Low, 1_024), None);
        assert_eq!(budget(Effort::Max, 1_025), Some(1_024));
    }
}
