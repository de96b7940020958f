//! A message of an answer, or a piece of one, in the shapes of all who speak like OpenAI.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    super::wire::reasoning::Detail,
    blocks::{Blocks, Key},
    calls::{CallWire, FunctionWire},
    extra::{ExtraWire, text_of},
};
use crate::{
    canonical::{Citation, Delta, Event, Seal, TokenLogprob, Vendor},
    dialect::{ResponseError, Sink},
    json::Text,
};

/// A message of the assistant, or a piece of one (`delta`), in all the shapes that servers of this format give it.
///
/// What OpenAI gives: <https://platform.openai.com/docs/api-reference/chat/object>. The others say where they come from.
#[derive(Debug, Default, Deserialize)]
pub(super) struct MessageWire<'e> {
    /// A text; a list of chunks (Mistral: <https://docs.mistral.ai/capabilities/reasoning/>); an object (Cloudflare, for
    /// structured output).
    #[serde(borrow)]
    content: Option<&'e RawValue>,
    #[serde(borrow)]
    refusal: Option<Text<'e>>,
    /// DeepSeek, and most who host open models: <https://api-docs.deepseek.com/guides/thinking_mode>.
    #[serde(borrow)]
    reasoning_content: Option<&'e RawValue>,
    /// OpenRouter, Groq, vLLM.
    #[serde(borrow)]
    reasoning: Option<&'e RawValue>,
    /// OpenRouter, Vercel's gateway, Snowflake: see [`Detail`].
    #[serde(borrow)]
    reasoning_details: Option<&'e RawValue>,
    /// LiteLLM, in Anthropic's shape: <https://docs.litellm.ai/docs/reasoning_content>.
    #[serde(borrow)]
    thinking_blocks: Option<&'e RawValue>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<CallWire<'e>>>,
    /// What tool calls were before.
    #[serde(borrow)]
    pub(super) function_call: Option<FunctionWire<'e>>,
    #[serde(borrow)]
    annotations: Option<&'e RawValue>,
    #[serde(borrow)]
    audio: Option<AudioWire<'e>>,
    /// OpenRouter: <https://openrouter.ai/docs/features/multimodal/image-generation>.
    images: Option<Vec<IgnoredAny>>,
    /// Groq's own searches: <https://console.groq.com/docs/agentic-tooling>.
    executed_tools: Option<IgnoredAny>,
    #[serde(borrow)]
    extra_content: Option<ExtraWire<'e>>,
}

/// <https://platform.openai.com/docs/guides/audio>
#[derive(Debug, Deserialize)]
struct AudioWire<'e> {
    #[serde(borrow)]
    data: Option<Text<'e>>,
    #[serde(borrow)]
    transcript: Option<Text<'e>>,
}

/// `logprobs` of a choice.
#[derive(Debug, Deserialize)]
pub(super) struct LogprobsWire<'e> {
    #[serde(borrow)]
    content: Option<Vec<TokenWire<'e>>>,
    refusal: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
struct TokenWire<'e> {
    #[serde(borrow)]
    token: Text<'e>,
    logprob: f64,
    #[serde(borrow, default)]
    top_logprobs: Vec<TopWire<'e>>,
}

#[derive(Debug, Deserialize)]
struct TopWire<'e> {
    #[serde(borrow)]
    token: Text<'e>,
    logprob: f64,
}

impl MessageWire<'_> {
    /// Tells all but its calls.
    pub(super) fn tell(
        self,
        logprobs: Option<LogprobsWire<'_>>,
        blocks: &mut Blocks,
        sink: Sink<'_>,
    ) -> Result<(), ResponseError> {
        self.tell_reasoning(blocks, sink)?;
        if let Some(extra) = self.extra_content {
            extra.tell(blocks, sink);
        }
        if let Some(content) = self.content {
            tell_content(content, blocks, sink)?;
        }
        if let Some(refusal) = self.refusal {
            blocks.tell(Key::Refusal, &refusal.0, sink)?;
        }
        if let Some(AudioWire { data, transcript }) = self.audio {
            // Snowflake gives an object of empty texts.
            if data.is_some_and(|data| !data.0.is_empty()) {
                lose("audio", sink);
            }
            blocks.tell(Key::Text, &transcript.unwrap_or_default().0, sink)?;
        }
        let (tokens, of_refusal) = logprobs.map_or((None, None), |logprobs| (logprobs.content, logprobs.refusal));
        if of_refusal.is_some_and(|tokens| !tokens.is_empty()) {
            lose("logprobs.refusal", sink);
        }
        if let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty())
            && !blocks.annotate(Delta::Logprobs(tokens.into_iter().map(TokenLogprob::from).collect()), sink)
        {
            lose("logprobs", sink);
        }
        if let Some(annotations) = self.annotations {
            tell_annotations(annotations, blocks, sink);
        }
        if self.images.is_some_and(|images| !images.is_empty()) {
            lose("images", sink);
        }
        if self.executed_tools.is_some() {
            lose("executed_tools", sink);
        }
        Ok(())
    }

    /// One piece of reasoning stands in several members at once; the richest of them is told.
    fn tell_reasoning(&self, blocks: &mut Blocks, sink: Sink<'_>) -> Result<(), ResponseError> {
        let mut told = false;
        for detail in self.reasoning_details.map(read::<Detail<'_>>).into_iter().flatten() {
            let detail = detail.read();
            if detail.lost {
                lose("reasoning_details.signature", sink);
            }
            told |= !detail.text.is_empty();
            blocks.tell(Key::Thinking, &detail.text, sink)?;
            if let Some(seal) = detail.seal {
                // Where only seals are listed the words stand elsewhere.
                if !told {
                    self.tell_words(blocks, sink)?;
                    told = true;
                }
                blocks.seal(seal, sink);
            }
        }
        if !told {
            told = tell_thinking_blocks(self.thinking_blocks, blocks, sink)?;
        }
        if told { Ok(()) } else { self.tell_words(blocks, sink) }
    }

    fn tell_words(&self, blocks: &mut Blocks, sink: Sink<'_>) -> Result<(), ResponseError> {
        let words = [self.reasoning_content, self.reasoning].into_iter().flatten();
        match words.filter_map(text_of).find(|words| !words.is_empty()) {
            Some(words) => blocks.tell(Key::Thinking, &words, sink),
            None => Ok(()),
        }
    }
}

fn tell_thinking_blocks(list: Option<&RawValue>, blocks: &mut Blocks, sink: Sink<'_>) -> Result<bool, ResponseError> {
    #[derive(Deserialize)]
    struct Wire<'e> {
        #[serde(borrow)]
        thinking: Option<Text<'e>>,
        #[serde(borrow)]
        signature: Option<Text<'e>>,
        #[serde(borrow)]
        data: Option<Text<'e>>,
    }

    let mut told = false;
    for Wire { thinking, signature, data } in list.map(read::<Wire<'_>>).into_iter().flatten() {
        let words = thinking.unwrap_or_default().0;
        told |= !words.is_empty();
        blocks.tell(Key::Thinking, &words, sink)?;
        let redacted = data.is_some();
        let seal = data.or(signature).map(|seal| seal.0);
        if let Some(data) = seal.filter(|seal| !seal.is_empty()) {
            told = true;
            blocks.seal(Seal { vendor: Vendor::Anthropic, redacted, data }, sink);
        }
    }
    Ok(told)
}

fn tell_content(content: &RawValue, blocks: &mut Blocks, sink: Sink<'_>) -> Result<(), ResponseError> {
    if let Some(text) = text_of(content) {
        return blocks.tell(Key::Text, &text, sink);
    }
    if !content.get().starts_with('[') {
        return blocks.tell(Key::Text, content.get(), sink);
    }
    #[derive(Deserialize)]
    struct Wire<'e> {
        #[serde(borrow)]
        r#type: Option<Text<'e>>,
        #[serde(borrow)]
        text: Option<Text<'e>>,
        #[serde(borrow)]
        thinking: Option<&'e RawValue>,
        #[serde(borrow)]
        refusal: Option<Text<'e>>,
    }

    for Wire { r#type, text, thinking, refusal } in read::<Wire<'_>>(content) {
        if let Some(text) = text {
            blocks.tell(Key::Text, &text.0, sink)?;
        } else if let Some(refusal) = refusal {
            blocks.tell(Key::Refusal, &refusal.0, sink)?;
        } else if let Some(thinking) = thinking {
            match text_of(thinking) {
                Some(words) => blocks.tell(Key::Thinking, &words, sink)?,
                None => {
                    for Wire { text, .. } in read::<Wire<'_>>(thinking) {
                        blocks.tell(Key::Thinking, &text.unwrap_or_default().0, sink)?;
                    }
                }
            }
        } else {
            let kind = r#type.unwrap_or_default().0;
            let path = format!("content.{kind}");
            sink(Event::Lost { path: path.into(), reason: NO_PLACE });
        }
    }
    Ok(())
}

/// <https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat#output-and-citations>; `content` is
/// OpenRouter's (<https://openrouter.ai/docs/features/web-search>).
fn tell_annotations(annotations: &RawValue, blocks: &mut Blocks, sink: Sink<'_>) {
    #[derive(Deserialize)]
    struct Wire<'e> {
        #[serde(borrow)]
        url_citation: Option<CitationWire<'e>>,
    }

    #[derive(Deserialize)]
    struct CitationWire<'e> {
        #[serde(borrow)]
        url: Option<Text<'e>>,
        #[serde(borrow)]
        title: Option<Text<'e>>,
        #[serde(borrow)]
        content: Option<Text<'e>>,
        start_index: Option<u64>,
        end_index: Option<u64>,
    }

    for annotation in read::<Wire<'_>>(annotations) {
        let Some(wire) = annotation.url_citation else {
            lose("annotations", sink);
            continue;
        };
        let citation = Citation {
            url: wire.url.map(|text| text.0),
            title: wire.title.map(|text| text.0),
            cited_text: wire.content.map(|text| text.0),
            // OpenRouter gives two zeros where it does not know.
            span: wire.start_index.zip(wire.end_index).filter(|(start, end)| start < end),
        };
        if !blocks.cite(citation, sink) {
            lose("annotations", sink);
        }
    }
}

impl From<TokenWire<'_>> for TokenLogprob {
    fn from(wire: TokenWire<'_>) -> Self {
        let top = wire.top_logprobs.into_iter().map(|top| (top.token.0.into_owned(), top.logprob)).collect();
        Self { token: wire.token.0.into_owned(), logprob: wire.logprob, top }
    }
}

/// The members of a list that are of this shape; none of anything else.
pub(super) fn read<'e, T: Deserialize<'e>>(list: &'e RawValue) -> Vec<T> {
    let elements = serde_json::from_str::<Vec<&RawValue>>(list.get()).unwrap_or_default();
    elements.into_iter().filter_map(|element| serde_json::from_str(element.get()).ok()).collect()
}

fn lose(path: &'static str, sink: Sink<'_>) {
    sink(Event::Lost { path: path.into(), reason: NO_PLACE });
}

const NO_PLACE: &str = "other formats have no place for it";
