//! How a wish to reason is said to Gemini: a budget or a level.

use serde::Serialize;

use super::capability::Thinking;
use crate::canonical::{Effort, Given, Losses, Reasoning};

/// `generationConfig.thinkingConfig`: <https://ai.google.dev/gemini-api/docs/thinking>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThinkingWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    include_thoughts: bool,
}

/// Turns a wish to reason into what the model is told. Thoughts come back only where they are asked for; a client whose
/// format shows what there is gets them once it asks for reasoning at all.
pub(super) fn encode_thinking(
    wish: Option<&Given<Reasoning>>,
    thinking: Thinking,
    losses: &mut Losses,
) -> Option<ThinkingWire> {
    let Given { value: wish, path } = wish?;
    let path = path.as_ref();
    let mut wire =
        ThinkingWire { include_thoughts: wish.visible.unwrap_or(true) && !wish.is_off(), ..ThinkingWire::default() };
    match thinking {
        Thinking::Never => {
            if !wish.is_off() {
                losses.declare(path, "the model does not reason");
            }
            return None;
        }
        Thinking::Budget { off: true, .. } if wish.is_off() => wire.thinking_budget = Some(0),
        Thinking::Budget { least, most, .. } => {
            if let Some(tokens) = wish.tokens() {
                let clamped = tokens.clamp(least, most);
                if clamped != tokens {
                    losses.approximate(path, "the model's budget of thoughts has other bounds");
                }
                wire.thinking_budget = Some(clamped);
            }
        }
        Thinking::Level { minimal, medium } => {
            if wish.effort.is_none() && wish.budget.is_some() {
                losses.approximate(path, "the model takes a level in place of a budget");
            }
            if let Some(level) = wish.level() {
                let (word, exact) = match level {
                    Effort::None if minimal => ("MINIMAL", false),
                    Effort::Minimal if minimal => ("MINIMAL", true),
                    Effort::None | Effort::Minimal => ("LOW", false),
                    Effort::Low => ("LOW", true),
                    Effort::Medium if medium => ("MEDIUM", true),
                    Effort::Medium => ("HIGH", false),
                    Effort::High => ("HIGH", true),
                    Effort::XHigh | Effort::Max => ("HIGH", false),
                };
                if !exact {
                    losses.approximate(path, "the model has other levels of thinking");
                }
                wire.thinking_level = Some(word);
            }
        }
    }
    (wire != ThinkingWire::default()).then_some(wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLASH: Thinking = Thinking::Budget { least: 1, most: 24_576, off: true };
    const PRO: Thinking = Thinking::Budget { least: 128, most: 32_768, off: false };
    const THIRD_PRO: Thinking = Thinking::Level { minimal: false, medium: false };
    const THIRD_FLASH: Thinking = Thinking::Level { minimal: true, medium: true };

    fn encoded(wish: Reasoning, thinking: Thinking) -> (String, usize) {
        let mut losses = Losses::default();
        let wire = encode_thinking(Some(&Given::new(wish, "r")), thinking, &mut losses);
        (wire.map_or(String::new(), |wire| serde_json::to_string(&wire).unwrap()), losses.len())
    }

    fn effort(effort: Effort) -> Reasoning {
        Reasoning { effort: Some(effort), ..Reasoning::default() }
    }

    fn budget(budget: u64, visible: bool) -> Reasoning {
        Reasoning { effort: None, budget: Some(budget), visible: Some(visible) }
    }

    #[test]
    fn each_family_is_told_in_its_own_way() {
        for (wish, thinking, wire, losses) in [
            (effort(Effort::Low), FLASH, r#"{"thinkingBudget":1024,"includeThoughts":true}"#, 0),
            (effort(Effort::None), FLASH, r#"{"thinkingBudget":0}"#, 0),
            (effort(Effort::None), PRO, r#"{"thinkingBudget":128}"#, 1),
            (effort(Effort::Max), FLASH, r#"{"thinkingBudget":24576,"includeThoughts":true}"#, 1),
            (budget(2_000, false), PRO, r#"{"thinkingBudget":2000}"#, 0),
            (budget(2_000, true), THIRD_FLASH, r#"{"thinkingLevel":"MEDIUM","includeThoughts":true}"#, 1),
            (effort(Effort::Medium), THIRD_FLASH, r#"{"thinkingLevel":"MEDIUM","includeThoughts":true}"#, 0),
            (effort(Effort::Medium), THIRD_PRO, r#"{"thinkingLevel":"HIGH","includeThoughts":true}"#, 1),
            (effort(Effort::None), THIRD_PRO, r#"{"thinkingLevel":"LOW"}"#, 1),
            (Reasoning { visible: Some(true), ..Reasoning::default() }, PRO, r#"{"includeThoughts":true}"#, 0),
            (Reasoning { visible: Some(false), ..Reasoning::default() }, PRO, "", 0),
            (effort(Effort::High), Thinking::Never, "", 1),
            (effort(Effort::None), Thinking::Never, "", 0),
        ] {
            assert_eq!(encoded(wish, thinking), (wire.to_owned(), losses), "{wish:?} {thinking:?}");
        }
    }
}
