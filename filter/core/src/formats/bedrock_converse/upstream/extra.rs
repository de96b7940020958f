//! What Converse passes on to the model as it is: members of the model's own API, below `additionalModelRequestFields`
//! (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>).

use serde::Serialize;

use super::capability::ModelFamily;
use crate::{
    canonical::{Chat, Effort, Losses, ToolChoice},
    vendors::claude::ThinkingWire,
};

/// The members of all families; each has some.
#[derive(Default, PartialEq, Serialize)]
pub(super) struct Extra<'c> {
    /// Claude's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<ThinkingWire>,
    /// Claude's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_k: Option<u64>,
    /// Claude's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<ClaudeChoice<'c>>,
    /// Nova's: <https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html>.
    #[serde(rename = "inferenceConfig", skip_serializing_if = "Option::is_none")]
    pub(super) nova_inference: Option<NovaInference>,
    /// Nova's, of the second generation: <https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html>.
    #[serde(rename = "reasoningConfig", skip_serializing_if = "Option::is_none")]
    pub(super) nova_reasoning: Option<NovaReasoning>,
    /// Of OpenAI's open weights: <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html>.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_effort: Option<&'static str>,
    /// Qwen's, a word in place of an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_config: Option<&'static str>,
}

/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use#parallel-tool-use>
#[derive(PartialEq, Serialize)]
pub(super) struct ClaudeChoice<'c> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    disable_parallel_tool_use: bool,
}

impl<'c> ClaudeChoice<'c> {
    /// At most one call, and at least one where a choice is forced.
    pub(super) fn one_at_a_time(forced: Option<&'c ToolChoice<'_>>) -> Self {
        let (kind, name) = match forced {
            Some(ToolChoice::Named(name)) => ("tool", Some(&**name)),
            Some(_) => ("any", None),
            None => ("auto", None),
        };
        Self { r#type: kind, name, disable_parallel_tool_use: true }
    }
}

#[derive(PartialEq, Serialize)]
pub(super) struct NovaInference {
    #[serde(rename = "topK")]
    pub(super) top_k: u64,
}

#[derive(PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NovaReasoning {
    r#type: &'static str,
    max_reasoning_effort: &'static str,
}

impl Extra<'_> {
    /// How other models than Claude are told to reason. Answers whether they then take no sampling.
    pub(super) fn set_reasoning(&mut self, chat: &Chat<'_>, family: ModelFamily, losses: &mut Losses) -> bool {
        let Some(wish) = chat.reasoning.as_ref() else { return false };
        let path = wish.path.as_ref();
        if wish.value.is_off() {
            if family == ModelFamily::GptOss {
                losses.approximate(path, "the model always reasons, and low is its least effort");
                self.reasoning_effort = Some("low");
            }
            return false;
        }
        if !matches!(family, ModelFamily::Nova2 | ModelFamily::GptOss | ModelFamily::Qwen) {
            losses.declare(path, "the model cannot be told here how much to reason");
            return false;
        }
        // These two reason unasked.
        if wish.value.is_open() && family != ModelFamily::Nova2 {
            return false;
        }
        if wish.value.budget.is_some() && wish.value.effort.is_none() {
            losses.approximate(path, "the model takes an effort in place of a budget");
        }
        let word = match wish.value.level().unwrap_or(Effort::Medium) {
            Effort::Low => "low",
            Effort::None | Effort::Minimal => {
                losses.approximate(path, "the least effort of the model is low");
                "low"
            }
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::XHigh | Effort::Max => {
                losses.approximate(path, "the highest effort of the model is high");
                "high"
            }
        };
        match family {
            ModelFamily::GptOss => self.reasoning_effort = Some(word),
            ModelFamily::Qwen if word == "medium" => {
                losses.approximate(path, "the model has no effort between low and high");
                self.reasoning_config = Some("high");
            }
            ModelFamily::Qwen => self.reasoning_config = Some(word),
            _ => return self.set_nova_reasoning(word, chat, losses),
        }
        false
    }

    /// At high effort Nova refuses an output cap and sampling. A cap is a promise and an effort a wish, so the cap stays.
    fn set_nova_reasoning(&mut self, word: &'static str, chat: &Chat<'_>, losses: &mut Losses) -> bool {
        let is_capped = word == "high" && chat.max_tokens.is_some();
        if let Some(wish) = chat.reasoning.as_ref().filter(|_| is_capped) {
            losses.approximate(wish.path.as_ref(), "the model takes no output cap at high effort");
        }
        let word = if is_capped { "medium" } else { word };
        self.nova_reasoning = Some(NovaReasoning { r#type: "enabled", max_reasoning_effort: word });
        word == "high"
    }
}
