//! The members of a request to Converse, from AWS's service model
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).

use crate::shape::Kind::{Flag, List, Map, Members, Number, Object, OneOf, Text, Whole, Word};
use crate::shape::{Kind, Member, may, must};

pub(super) static REQUEST: Kind = Members(&[
    may("messages", List(&MESSAGE)),
    may("system", List(&OneOf(&[may("text", Text), may("guardContent", Object), may("cachePoint", CACHE_POINT)]))),
    may(
        "inferenceConfig",
        Members(&[
            may("maxTokens", Whole),
            may("temperature", Number),
            may("topP", Number),
            may("stopSequences", List(&Text)),
        ]),
    ),
    may("toolConfig", Members(&[must("tools", List(&TOOL)), may("toolChoice", TOOL_CHOICE)])),
    may("additionalModelRequestFields", Object),
    may("additionalModelResponseFieldPaths", List(&Text)),
    may("guardrailConfig", Object),
    may("outputConfig", Members(&[may("textFormat", TEXT_FORMAT), may("effort", Text)])),
    may("performanceConfig", Members(&[may("latency", Word(&["standard", "optimized"]))])),
    may("promptVariables", Map(&Object)),
    may("requestMetadata", Map(&Text)),
    may("serviceTier", Members(&[must("type", Word(&["priority", "default", "flex", "reserved"]))])),
]);

static MESSAGE: Kind = Members(&[must("role", Word(&["user", "assistant"])), must("content", List(&BLOCK))]);

static BLOCK: Kind = OneOf(&[
    may("text", Text),
    may("image", Members(&IMAGE)),
    may("document", Members(&DOCUMENT)),
    may("video", Object),
    may("audio", Members(&[must("format", Text), must("source", SOURCE)])),
    may(
        "toolUse",
        Members(&[
            must("toolUseId", Text),
            must("name", Text),
            must("input", Object),
            may("type", Word(&["server_tool_use"])),
        ]),
    ),
    may("toolResult", Members(&TOOL_RESULT)),
    may("guardContent", Object),
    may("cachePoint", CACHE_POINT),
    may(
        "reasoningContent",
        OneOf(&[
            may("reasoningText", Members(&[must("text", Text), may("signature", Text)])),
            may("redactedContent", Text),
        ]),
    ),
    may("citationsContent", Object),
    may("searchResult", Object),
]);

static TOOL_RESULT: [Member; 4] = [
    must("toolUseId", Text),
    must("content", List(&RESULT_BLOCK)),
    may("status", Word(&["success", "error"])),
    may("type", Text),
];

static RESULT_BLOCK: Kind = OneOf(&[
    may("json", Object),
    may("text", Text),
    may("image", Members(&IMAGE)),
    may("document", Members(&DOCUMENT)),
    may("video", Object),
    may("searchResult", Object),
]);

static IMAGE: [Member; 2] = [must("format", Word(&["png", "jpeg", "gif", "webp"])), must("source", SOURCE)];

static DOCUMENT: [Member; 5] = [
    must("name", Text),
    must("source", SOURCE),
    may("format", Word(&["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"])),
    may("context", Text),
    may("citations", Members(&[must("enabled", Flag)])),
];

const SOURCE: Kind = OneOf(&[
    may("bytes", Text),
    may("s3Location", Members(&[must("uri", Text), may("bucketOwner", Text)])),
    may("text", Text),
    may("content", List(&Members(&[may("text", Text)]))),
]);

const CACHE_POINT: Kind = Members(&[must("type", Word(&["default"])), may("ttl", Word(&["5m", "1h"]))]);

static TOOL: Kind = OneOf(&[
    may(
        "toolSpec",
        Members(&[
            must("name", Text),
            must("inputSchema", OneOf(&[may("json", Object)])),
            may("description", Text),
            may("strict", Flag),
        ]),
    ),
    may("systemTool", Members(&[must("name", Text)])),
    may("cachePoint", CACHE_POINT),
]);

const TOOL_CHOICE: Kind =
    OneOf(&[may("auto", Members(&[])), may("any", Members(&[])), may("tool", Members(&[must("name", Text)]))]);

const TEXT_FORMAT: Kind = Members(&[
    must("type", Word(&["json_schema"])),
    must(
        "structure",
        OneOf(&[may("jsonSchema", Members(&[must("schema", Text), may("name", Text), may("description", Text)]))]),
    ),
]);
