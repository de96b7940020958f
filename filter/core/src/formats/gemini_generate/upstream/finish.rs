//! Why an answer ended, from Google's words.

use crate::canonical::FinishReason;

/// A reason of Google's (<https://ai.google.dev/api/generate-content#FinishReason>). `STOP` is also said where the model calls
/// functions. `OTHER`, and a reason that came after this was written, counts as a plain stop: the answer is complete as far
/// as can be told. The first five have the same numbers in both of Google's APIs.
pub(super) fn decode_finish(reason: &str, called: bool) -> FinishReason {
    match reason {
        "MAX_TOKENS" | "2" => FinishReason::Length,
        "SAFETY"
        | "3"
        | "RECITATION"
        | "4"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::Filter,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "MALFORMED_RESPONSE" => FinishReason::Malformed,
        _ if called => FinishReason::ToolUse,
        _ => FinishReason::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_with_calls_waits_for_tools_and_other_reasons_do_not() {
        assert_eq!(decode_finish("STOP", false), FinishReason::Stop);
        assert_eq!(decode_finish("STOP", true), FinishReason::ToolUse);
        assert_eq!(decode_finish("MAX_TOKENS", true), FinishReason::Length);
        assert_eq!(decode_finish("RECITATION", false), FinishReason::Filter);
        assert_eq!(
            ["2", "3", "4"].map(|number| decode_finish(number, false)),
            [FinishReason::Length, FinishReason::Filter, FinishReason::Filter,]
        );
        assert_eq!(decode_finish("A_REASON_OF_TOMORROW", false), FinishReason::Stop);
    }
}
