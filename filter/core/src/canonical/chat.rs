use std::borrow::Cow;

/// A request for the next turn of a conversation, borrowed from the client's body where it can be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chat<'a> {
    /// The conversation, system messages included, in the client's order.
    pub messages: Vec<Message<'a>>,
    /// What the model may call.
    pub tools: Vec<Tool<'a>>,
    /// Whether and what it must call.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Whether it may call several tools in one turn.
    pub parallel_tools: Option<bool>,
    /// The most tokens to generate.
    pub max_tokens: Option<u64>,
    /// 0 to 2, in the scale of the client's format.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// Texts that end the answer, each with its path in the client's body.
    pub stop: Vec<(String, Cow<'a, str>)>,
    /// What the answer must look like.
    pub response_format: Option<ResponseFormat<'a>>,
    /// How much to reason before answering.
    pub effort: Option<Effort>,
    /// An opaque name of the end user.
    pub user: Option<Cow<'a, str>>,
    /// The wanted class of service, in the client's word.
    pub service_tier: Option<Cow<'a, str>>,
    /// Paths of the members that the client set, away from their defaults, and that this model has no place for.
    pub extra: Vec<String>,
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

/// Who speaks. Results of tools are parts of a user message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions, whether the client calls them `system` or `developer`.
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
    /// A picture.
    Image(Source<'a>),
    /// A document, such as a PDF.
    Document {
        /// Its bytes or where they are.
        source: Source<'a>,
        /// Its file name.
        title: Option<Cow<'a, str>>,
    },
    /// Reasoning of an earlier turn, without a provider's signature.
    Thinking(Cow<'a, str>),
    /// A call of a tool.
    ToolUse {
        /// The id that its result names.
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
    },
}

/// Where media come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// An `http` or `https` address.
    Url(Cow<'a, str>),
    /// The bytes themselves.
    Base64 {
        /// `image/png`.
        media_type: Cow<'a, str>,
        /// Base64 text.
        data: Cow<'a, str>,
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

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// What it does.
    pub description: Option<Cow<'a, str>>,
    /// The JSON schema of its arguments, as JSON text of an object.
    pub parameters: Option<&'a str>,
    /// Whether arguments must follow the schema to the letter.
    pub strict: Option<bool>,
    /// A cache mark.
    pub cache: Option<CacheMark>,
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
    /// This tool.
    Named(Cow<'a, str>),
}

/// What the answer must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseFormat<'a> {
    /// Some JSON object.
    JsonObject,
    /// JSON that follows this schema (JSON text of an object).
    JsonSchema(&'a str),
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
