//! The members of Google's requests, from its discovery document
//! (<https://generativelanguage.googleapis.com/$discovery/rest?version=v1beta>).

use crate::shape::Kind::{Any, Flag, List, Map, Members, Number, Object, Text, Whole, Word};
use crate::shape::{Kind, Member, may, must};

pub(super) static REQUEST: Kind = Members(&[
    may("contents", List(&CONTENT)),
    may("cachedContent", Text),
    may("generationConfig", CONFIG),
    may("labels", Map(&Text)),
    may("model", Text),
    may("safetySettings", List(&SAFETY)),
    may("serviceTier", Text),
    may("store", Flag),
    may("systemInstruction", Members(&CONTENT_MEMBERS)),
    may("toolConfig", TOOL_CONFIG),
    may("tools", List(&TOOL)),
]);

static CONTENT: Kind = Members(&CONTENT_MEMBERS);
static CONTENT_MEMBERS: [Member; 2] = [may("role", Text), may("parts", List(&PART))];

static PART: Kind = Members(&[
    may("text", Text),
    may("thought", Flag),
    may("thoughtSignature", Text),
    may("inlineData", Members(&BLOB)),
    may("fileData", Members(&[must("fileUri", Text), may("mimeType", Text), may("displayName", Text)])),
    may("functionCall", Members(&[must("name", Text), may("args", Object), may("id", Text)])),
    may(
        "functionResponse",
        Members(&[
            must("name", Text),
            must("response", Object),
            may("id", Text),
            may("parts", List(&Members(&[may("inlineData", Members(&BLOB)), may("fileData", Object)]))),
            may("scheduling", Text),
            may("willContinue", Flag),
        ]),
    ),
    may("executableCode", Object),
    may("codeExecutionResult", Object),
    may("toolCall", Object),
    may("toolResponse", Object),
    may("mediaResolution", Any),
    may("partMetadata", Object),
    may("videoMetadata", Object),
]);

static BLOB: [Member; 3] = [must("mimeType", Text), must("data", Text), may("displayName", Text)];

const SAFETY: Kind = Members(&[
    must("category", Text),
    must(
        "threshold",
        Word(&[
            "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
            "BLOCK_LOW_AND_ABOVE",
            "BLOCK_MEDIUM_AND_ABOVE",
            "BLOCK_ONLY_HIGH",
            "BLOCK_NONE",
            "OFF",
        ]),
    ),
    may("method", Text),
]);

const CONFIG: Kind = Members(&[
    may("_responseJsonSchema", Any),
    may("audioTimestamp", Flag),
    may("candidateCount", Whole),
    may("enableAffectiveDialog", Flag),
    may("enableEnhancedCivicAnswers", Flag),
    may("frequencyPenalty", Number),
    may("imageConfig", Object),
    may("logprobs", Whole),
    may("maxOutputTokens", Whole),
    may("mediaResolution", Text),
    may("presencePenalty", Number),
    may("responseFormat", Object),
    may("responseJsonSchema", Any),
    may("responseLogprobs", Flag),
    may("responseMimeType", Text),
    may("responseModalities", List(&Text)),
    may("responseSchema", Members(&SCHEMA)),
    may("routingConfig", Object),
    may("seed", Whole),
    may("speechConfig", Object),
    may("stopSequences", List(&Text)),
    may("temperature", Number),
    may("thinkingConfig", THINKING),
    may("topK", Number),
    may("topP", Number),
    may("translationConfig", Object),
]);

const THINKING: Kind = Members(&[
    may("includeThoughts", Flag),
    may("thinkingBudget", Whole),
    may(
        "thinkingLevel",
        Word(&["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "minimal", "low", "medium", "high"]),
    ),
]);

const TOOL_CONFIG: Kind = Members(&[
    may(
        "functionCallingConfig",
        Members(&[
            may(
                "mode",
                Word(&["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED", "auto", "any", "none", "validated"]),
            ),
            may("allowedFunctionNames", List(&Text)),
            may("streamFunctionCallArguments", Flag),
        ]),
    ),
    may("includeServerSideToolInvocations", Flag),
    may("retrievalConfig", Object),
]);

static TOOL: Kind = Members(&[
    may("functionDeclarations", List(&DECLARATION)),
    may("codeExecution", Object),
    may("computerUse", Object),
    may("enterpriseWebSearch", Object),
    may("fileSearch", Object),
    may("googleMaps", Object),
    may("googleSearch", Object),
    may("googleSearchRetrieval", Object),
    may("mcpServers", List(&Object)),
    may("retrieval", Object),
    may("urlContext", Object),
]);

static DECLARATION: Kind = Members(&[
    must("name", Text),
    may("description", Text),
    may("parameters", Members(&SCHEMA)),
    may("parametersJsonSchema", Any),
    may("response", Members(&SCHEMA)),
    may("responseJsonSchema", Any),
    may("behavior", Text),
]);

/// Google's own notion of a schema: what it does not list, such as `$schema` or `additionalProperties`, is an unknown name.
static SCHEMA: [Member; 22] = [
    may("anyOf", List(&Members(&SCHEMA))),
    may("default", Any),
    may("description", Text),
    may("enum", List(&Text)),
    may("example", Any),
    may("format", Text),
    may("items", Members(&SCHEMA)),
    may("maxItems", Any),
    may("maxLength", Any),
    may("maxProperties", Any),
    may("maximum", Number),
    may("minItems", Any),
    may("minLength", Any),
    may("minProperties", Any),
    may("minimum", Number),
    may("nullable", Flag),
    may("pattern", Text),
    may("properties", Map(&Members(&SCHEMA))),
    may("propertyOrdering", List(&Text)),
    may("required", List(&Text)),
    may("title", Text),
    may(
        "type",
        Word(&[
            "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "string", "number", "integer",
            "boolean", "array", "object", "null",
        ]),
    ),
];
