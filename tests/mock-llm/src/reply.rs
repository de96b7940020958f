//! What the mock says: the same for the same prompt, whichever dialect it came in.
//!
//! | the prompt | the reply |
//! | --- | --- |
//! | any text | `You said: TEXT`, and what was attached in brackets |
//! | text with `call NAME`, NAME a tool | a call of it; of several, in the order of the text; `call NAME {...}` gives the arguments |
//! | a tool choice that demands a call | a call of that tool, or of the first |
//! | tool results at the end | `Results: ...`, one after another |
//! | a JSON schema for the output | its smallest example |
//! | text with `please count to N` | the numbers from 1 to N, at most 10,000 |
//! | text with `please refuse` | a refusal |
//! | thinking asked for | `Thinking about: TEXT` before all else, signed or sealed |
//! | thinking asked for, text with `please think in secret` | the same thinking, redacted where the vendor can redact |
//! | text with `please read the cache` | half of the input is said to come from the cache |
//! | text with `please write the cache` | a quarter is said to be written for 5 minutes, another for an hour, where the vendor bills it |
//!
//! Tokens: one for every four bytes of text begun; a message costs three more, a tool's definition the bytes of its JSON, an attachment 85.

use serde_json::Value;

use crate::schema;
use crate::script::{Script, number_after};

/// A prompt, whatever its dialect.
#[derive(Default)]
pub(crate) struct Prompt {
    pub(crate) text: String,
    /// The results at the very end of the conversation.
    pub(crate) tool_results: Vec<String>,
    /// Images of the last user message: media type or address.
    pub(crate) attachments: Vec<String>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) choice: Choice,
    pub(crate) parallel: bool,
    pub(crate) cap: Option<u64>,
    pub(crate) stops: Vec<String>,
    pub(crate) schema: Option<Value>,
    pub(crate) thinks: bool,
    pub(crate) input_tokens: u64,
}

pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) parameters: Value,
}

/// Whether a tool must be called.
#[derive(Default, PartialEq)]
pub(crate) enum Choice {
    #[default]
    Auto,
    None,
    Any,
    Named(String),
}

pub(crate) struct Reply {
    pub(crate) thinking: Option<String>,
    /// The thinking is not to be read.
    pub(crate) secret: bool,
    pub(crate) text: String,
    pub(crate) refused: bool,
    pub(crate) calls: Vec<Call>,
    pub(crate) end: End,
}

pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// Why the reply ended.
#[derive(PartialEq)]
pub(crate) enum End {
    Natural,
    StopSequence(String),
    Cap,
    Calls,
    Refusal,
}

/// What a prompt's words say of the cache.
#[derive(Default)]
pub(crate) struct Cached {
    pub(crate) read: u64,
    pub(crate) written_5m: u64,
    pub(crate) written_1h: u64,
}

impl Prompt {
    pub(crate) fn cached(&self) -> Cached {
        let share = |words: &str, part: u64| if self.text.contains(words) { self.input_tokens / part } else { 0 };
        let written = share("please write the cache", 4);
        Cached { read: share("please read the cache", 2), written_5m: written, written_1h: written }
    }
}

impl Reply {
    pub(crate) fn to(prompt: &Prompt, script: &Script) -> Self {
        let thinking = prompt.thinks.then(|| format!("Thinking about: {}", prompt.text));
        let secret = prompt.text.contains("please think in secret");
        let calls = calls(prompt);
        if !calls.is_empty() {
            return Self { thinking, secret, text: String::new(), refused: false, calls, end: End::Calls };
        }
        let refused = prompt.text.contains("please refuse");
        let mut text = match &script.text {
            Some(text) => text.clone(),
            None if refused => "I cannot help with that.".to_owned(),
            None => words(prompt),
        };
        let mut end = if refused { End::Refusal } else { End::Natural };
        if let Some((position, stop)) =
            prompt.stops.iter().filter_map(|stop| Some((text.find(stop.as_str())?, stop))).min_by_key(|found| found.0)
        {
            text.truncate(position);
            end = End::StopSequence(stop.clone());
        }
        if let Some(cap) = prompt.cap.filter(|cap| *cap < tokens(&text)) {
            let longest = usize::try_from(cap).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_TOKEN);
            text.truncate(text.floor_char_boundary(longest));
            end = End::Cap;
        }
        Self { thinking, secret, text, refused, calls, end }
    }

    /// Everything that was put out, the thinking included.
    pub(crate) fn output_tokens(&self) -> u64 {
        let calls = self.calls.iter().map(|call| tokens(&call.name) + tokens(&call.arguments.to_string()));
        (tokens(&self.text) + self.reasoning_tokens() + calls.sum::<u64>()).max(1)
    }

    pub(crate) fn reasoning_tokens(&self) -> u64 {
        self.thinking.as_deref().map_or(0, tokens)
    }
}

/// The pieces in which a stream brings a text: words, each with the space that follows it.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// Both halves of a JSON text, as a stream brings a call's arguments.
pub(crate) fn halves(text: &str) -> [&str; 2] {
    let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
    [first, second]
}

/// The length of a text in tokens.
pub(crate) fn tokens(text: &str) -> u64 {
    text.len().div_ceil(BYTES_PER_TOKEN) as u64
}

/// What a message costs beside its words.
pub(crate) const TOKENS_PER_MESSAGE: u64 = 3;
/// What an attachment costs.
pub(crate) const TOKENS_PER_ATTACHMENT: u64 = 85;
const BYTES_PER_TOKEN: usize = 4;

fn words(prompt: &Prompt) -> String {
    if let Some(schema) = &prompt.schema {
        return schema::example(schema).to_string();
    }
    if !prompt.tool_results.is_empty() {
        return format!("Results: {}", prompt.tool_results.join("; "));
    }
    if let Some(last) = number_after(&prompt.text, "please count to ") {
        let numbers = (1..=last.min(10_000)).map(|number| number.to_string());
        return numbers.collect::<Vec<_>>().join(" ");
    }
    let attached = prompt.attachments.iter().map(|attachment| format!(" [{attachment}]")).collect::<String>();
    format!("You said: {}{attached}", prompt.text)
}

fn calls(prompt: &Prompt) -> Vec<Call> {
    if !prompt.tool_results.is_empty() || prompt.choice == Choice::None {
        return Vec::new();
    }
    let mut asked: Vec<(usize, Call)> = Vec::new();
    for tool in &prompt.tools {
        for (position, mark) in prompt.text.match_indices(&format!("call {}", tool.name)) {
            let rest = prompt.text[position + mark.len()..].trim_start();
            let given = serde_json::Deserializer::from_str(rest).into_iter().next().and_then(Result::ok);
            let arguments = given.filter(Value::is_object).unwrap_or_else(|| schema::example(&tool.parameters));
            asked.push((position, Call { name: tool.name.clone(), arguments }));
        }
    }
    if asked.is_empty() {
        let demanded = match &prompt.choice {
            Choice::Any => prompt.tools.first(),
            Choice::Named(name) => prompt.tools.iter().find(|tool| tool.name == *name),
            Choice::Auto | Choice::None => None,
        };
        let call = |tool: &Tool| Call { name: tool.name.clone(), arguments: schema::example(&tool.parameters) };
        asked.extend(demanded.map(|tool| (0, call(tool))));
    }
    asked.sort_by_key(|(position, _)| *position);
    asked.truncate(if prompt.parallel { usize::MAX } else { 1 });
    asked.into_iter().map(|(_, call)| call).collect()
}
