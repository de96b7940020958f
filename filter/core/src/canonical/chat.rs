//! A request of any format: its messages, tools and options.

use std::borrow::Cow;

use super::{Seal, Vendor};

/// A request for the next turn of a conversation, borrowed from the client's body where it can be.
///
/// An encoder takes it apart without `..`: what it cannot say it declares as lost, and a member that is added here cannot
/// be forgotten there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chat<'a> {
    /// The conversation, system messages included, in the client's order.
    pub messages: Vec<Message<'a>>,
    /// What the model may call, in the client's order, which prompt caches depend on.
    pub tools: Vec<Tool<'a>>,
    /// Whether and what it must call.
    pub tool_choice: Option<Given<ToolChoice<'a>>>,
    /// Whether it may call several tools in one turn.
    pub parallel_tools: Option<Given<bool>>,
    /// The most tokens to generate.
    pub max_tokens: Option<Given<u64>>,
    /// How tokens are drawn.
    pub sampling: Sampling<'a>,
    /// How many answers to give; one where it is not said.
    pub choices: Option<Given<u64>>,
    /// Log probabilities of the answer's tokens, with so many alternatives for each.
    pub logprobs: Option<Given<u64>>,
    /// Texts that end the answer.
    pub stop: Vec<Given<Cow<'a, str>>>,
    /// What the answer must look like.
    pub response_format: Option<Given<ResponseFormat<'a>>>,
    /// Whether and how much to reason before answering.
    pub reasoning: Option<Given<Reasoning>>,
    /// How long the answer should be, in OpenAI's words: `low`, `medium`, `high`.
    pub verbosity: Option<Given<Cow<'a, str>>>,
    /// An opaque name of the end user.
    pub user: Option<Given<Cow<'a, str>>>,
    /// The same for the provider's abuse detection, where the client's format tells the two apart.
    pub safety_identifier: Option<Given<Cow<'a, str>>>,
    /// Which requests share a prompt prefix.
    pub prompt_cache_key: Option<Given<Cow<'a, str>>>,
    /// The wanted class of service.
    pub service_tier: Option<Given<ServiceTier<'a>>>,
    /// Labels for the provider's own records: JSON text of an object of strings.
    pub metadata: Option<Given<&'a str>>,
    /// Whether the provider may keep the answer.
    pub store: Option<Given<bool>>,
    /// Paths of the members that the client set, away from their defaults, and that this model has no place for.
    pub extra: Vec<String>,
}

/// A value and where it stands in the client's body, so that its loss can be named: `generationConfig.topK`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<T> {
    /// What was said.
    pub value: T,
    /// Where.
    pub path: Cow<'static, str>,
}

impl<T> Given<T> {
    /// A value with its path.
    pub fn new(value: T, path: impl Into<Cow<'static, str>>) -> Self {
        Self { value, path: path.into() }
    }
}

/// How tokens are drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling<'a> {
    /// From 0 up; 1 is the default everywhere, the end of the scale is 1 or 2 by format.
    pub temperature: Option<Given<f64>>,
    /// 0 to 1.
    pub top_p: Option<Given<f64>>,
    /// How many of the likeliest tokens to draw from.
    pub top_k: Option<Given<u64>>,
    /// -2 to 2.
    pub frequency_penalty: Option<Given<f64>>,
    /// -2 to 2.
    pub presence_penalty: Option<Given<f64>>,
    /// Makes the drawing repeatable, as far as the provider can.
    pub seed: Option<Given<i64>>,
    /// JSON text of an object from token ids to -100 to 100. Token ids are one vendor's.
    pub logit_bias: Option<Given<&'a str>>,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part<'a>>,
    /// Where the message stands in the client's body: `messages.2`.
    pub path: String,
}

impl Message<'_> {
    /// Whether a result of a tool stands behind something else, where most providers take results first only.
    #[must_use]
    pub fn has_results_behind_words(&self) -> bool {
        let is_result = |part: &Part<'_>| matches!(part.block, Block::ToolResult { .. });
        let mut parts = self.parts.iter().skip_while(|part| is_result(part));
        parts.any(is_result)
    }
}

/// Who speaks. Results of tools are parts of a user message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions, whether the client calls them `system`, `developer` or `instructions`.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

/// A block and what goes with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<'a> {
    /// The content.
    pub block: Block<'a>,
    /// A mark that the prompt up to here is worth caching.
    pub cache: Option<CacheMark>,
    /// Where it stands in the client's body: `messages.2.content.0`.
    pub path: String,
}

/// A piece of content.
#[derive(Clone, Debug, PartialEq)]
pub enum Block<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// The model's words when it refused, in an earlier turn.
    Refusal(Cow<'a, str>),
    /// A picture.
    Image {
        /// Its bytes or where they are.
        source: Source<'a>,
        /// How closely to look, in OpenAI's words: `low`, `high`, `auto`.
        detail: Option<Cow<'a, str>>,
    },
    /// A document, such as a PDF.
    Document {
        /// Its bytes or where they are.
        source: Source<'a>,
        /// Its file name.
        title: Option<Cow<'a, str>>,
    },
    /// Sound.
    Audio(Source<'a>),
    /// A moving picture.
    Video(Source<'a>),
    /// Reasoning of an earlier turn.
    Thinking {
        /// What may be read of it; empty where the provider shows none.
        text: Cow<'a, str>,
        /// The provider's seal, without which it does not take the reasoning back.
        seal: Option<Seal<'a>>,
    },
    /// A call of a tool.
    ToolUse {
        /// The id that its result names. Where the client's format has none, its decoder makes a stable one.
        id: Cow<'a, str>,
        /// The tool.
        name: Cow<'a, str>,
        /// The arguments as JSON text, which the client's format does not promise to be valid.
        input: Cow<'a, str>,
    },
    /// What a tool answered: texts, images, documents.
    ToolResult {
        /// The id of its call.
        id: Cow<'a, str>,
        /// The answer.
        parts: Vec<Part<'a>>,
        /// Whether the tool failed, where the client's format says that.
        is_error: bool,
    },
}

/// Where media come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// An address, of any scheme that the client's format allows.
    Url {
        /// `https://…`, `gs://…`, `s3://…`.
        url: Cow<'a, str>,
        /// `image/png`, where it is stated.
        media_type: Option<Cow<'a, str>>,
    },
    /// The bytes themselves.
    Base64 {
        /// `image/png`.
        media_type: Cow<'a, str>,
        /// Base64 text (RFC 4648 §4).
        data: Cow<'a, str>,
    },
    /// A document that is plain text.
    Text(Cow<'a, str>),
    /// A file that was uploaded before, by an id that means something to one vendor only.
    File {
        /// The id.
        id: Cow<'a, str>,
        /// Whose.
        vendor: Vendor,
    },
}

/// How long a marked prompt should stay cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMark {
    /// Five minutes, the usual.
    FiveMinutes,
    /// An hour.
    Hour,
}

/// What the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool<'a> {
    /// What it is.
    pub kind: ToolKind<'a>,
    /// A cache mark.
    pub cache: Option<CacheMark>,
    /// Where it stands in the client's body: `tools.0`.
    pub path: String,
}

/// The kinds of tools that more than one format knows. Others end in [`Chat::extra`].
#[derive(Clone, Debug, PartialEq)]
pub enum ToolKind<'a> {
    /// A function that the client runs.
    Function(Function<'a>),
    /// Search of the web, by the provider.
    WebSearch(WebSearch<'a>),
    /// Execution of code that the model writes, by the provider.
    CodeExecution,
}

/// A function that the client runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Function<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// What it does.
    pub description: Option<Cow<'a, str>>,
    /// The JSON schema of its arguments, as JSON text of an object.
    pub parameters: Option<Cow<'a, str>>,
    /// Whether arguments must follow the schema to the letter.
    pub strict: Option<bool>,
}

/// What a search of the web is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebSearch<'a> {
    /// The only domains to search.
    pub allowed_domains: Vec<Cow<'a, str>>,
    /// Domains to leave out.
    pub blocked_domains: Vec<Cow<'a, str>>,
    /// The most searches in one answer.
    pub max_uses: Option<u64>,
    /// JSON text of `{city, region, country, timezone}`, each optional: what OpenAI and Anthropic have in common.
    pub location: Option<&'a str>,
    /// How much of what it finds goes to the model, in OpenAI's words: `low`, `medium`, `high`.
    pub context_size: Option<Given<Cow<'a, str>>>,
}

/// Whether and what the model must call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice<'a> {
    /// Nothing.
    None,
    /// As it sees fit.
    Auto,
    /// Any tool, but one.
    Required,
    /// This function.
    Named(Cow<'a, str>),
    /// One of these functions; `required` says that it must call one.
    Allowed {
        /// The functions.
        names: Vec<Cow<'a, str>>,
        /// Whether one must be called.
        required: bool,
    },
}

/// What the answer must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseFormat<'a> {
    /// Some JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// JSON text of an object.
        schema: Cow<'a, str>,
        /// Its name, which OpenAI asks for.
        name: Option<Cow<'a, str>>,
        /// What it is for.
        description: Option<Cow<'a, str>>,
        /// Whether the answer must follow it to the letter.
        strict: Option<bool>,
    },
}

/// Whether and how much to reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// By level. [`Effort::None`] turns reasoning off.
    pub effort: Option<Effort>,
    /// By tokens, where the client says it so; 0 turns reasoning off.
    pub budget: Option<u64>,
    /// Whether the client wants to read it (or a summary of it); `None` where its format shows what there is.
    pub visible: Option<bool>,
}

impl Reasoning {
    /// Whether the client turns it off in so many words.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.effort == Some(Effort::None) || (self.effort.is_none() && self.budget == Some(0))
    }

    /// Whether the client says nothing about how much.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.effort.is_none() && self.budget.is_none()
    }

    /// The level, from the budget where none is given: the levels of a budget are those that Google's compatibility layer
    /// has (<https://ai.google.dev/gemini-api/docs/openai#thinking>): low 1,024, medium 8,192, high 24,576.
    #[must_use]
    pub fn level(&self) -> Option<Effort> {
        self.effort.or_else(|| {
            self.budget.map(|budget| match budget {
                0 => Effort::None,
                1..=1_024 => Effort::Low,
                1_025..=8_192 => Effort::Medium,
                _ => Effort::High,
            })
        })
    }

    /// The budget in tokens, from the level where none is given; `None` where neither is.
    #[must_use]
    pub fn tokens(&self) -> Option<u64> {
        self.budget.or_else(|| {
            self.effort.map(|effort| match effort {
                Effort::None => 0,
                Effort::Minimal | Effort::Low => 1_024,
                Effort::Medium => 8_192,
                Effort::High => 24_576,
                Effort::XHigh | Effort::Max => 32_768,
            })
        })
    }
}

/// How much to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words of the formats")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

impl Effort {
    /// The word that most formats have for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The level of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let all = [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];
        all.into_iter().find(|effort| effort.word() == word)
    }
}

/// A class of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceTier<'a> {
    /// The provider's choice, which is the default.
    Auto,
    /// The usual class, and no other.
    Standard,
    /// Faster, for more money.
    Priority,
    /// Slower, for less.
    Flex,
    /// A class of one vendor.
    Other(Cow<'a, str>),
}
