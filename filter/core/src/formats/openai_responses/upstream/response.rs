//! A whole answer of the provider, decoded.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    failure::decode_failure,
    item::{ItemWire, Kind, Place},
};
use crate::{
    canonical::{Event, FinishReason, Usage},
    dialect::{ResponseError, Sink},
    formats::openai_responses::usage::decode_usage,
    json::Text,
};

/// Decodes a whole response into the events of its answer.
pub(super) fn decode_response(body: &[u8], sink: Sink<'_>) -> Result<(), ResponseError> {
    let response: ResponseWire<'_> =
        serde_json::from_slice(body).map_err(|error| ResponseError::Malformed(error.to_string()))?;
    if let Some(failure) = response.failure(body) {
        response.give_usage(sink);
        return Err(failure);
    }
    let Some(output) = &response.output else { return Err(ResponseError::Malformed("no output".to_owned())) };
    sink(Event::Start { model: response.model.as_ref().map(|model| model.0.clone()).unwrap_or_default() });
    let mut said = Said::default();
    for (index, item) in (0_u64..).zip(output) {
        let item = decode_item(item)?;
        said.note(&item);
        item.give(Place { response: response.id(), index }, sink);
    }
    sink(Event::Finish(response.reason(said).into()));
    response.give_usage(sink);
    sink(Event::End);
    Ok(())
}

/// What of an answer tells why it ended, which the API calls complete all the same.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) calls: bool,
    pub(super) refusals: bool,
}

impl Said {
    pub(super) fn note(&mut self, item: &ItemWire<'_>) {
        self.calls |= item.kind() == Some(Kind::Call);
        self.refusals |= item.refuses();
    }
}

/// An item, whatever else is in it.
pub(super) fn decode_item(item: &RawValue) -> Result<ItemWire<'_>, ResponseError> {
    serde_json::from_str(item.get()).map_err(|error| ResponseError::Malformed(format!("an item of output: {error}")))
}

/// The response object (<https://platform.openai.com/docs/api-reference/responses/object>).
#[derive(Debug, Deserialize)]
pub(super) struct ResponseWire<'e> {
    #[serde(borrow)]
    id: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) model: Option<Text<'e>>,
    #[serde(borrow)]
    status: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) output: Option<Vec<&'e RawValue>>,
    #[serde(borrow)]
    incomplete_details: Option<Details<'e>>,
    #[serde(borrow)]
    error: Option<&'e RawValue>,
    #[serde(borrow)]
    usage: Option<&'e RawValue>,
}

#[derive(Debug, Deserialize)]
struct Details<'e> {
    #[serde(borrow)]
    reason: Option<Text<'e>>,
}

impl ResponseWire<'_> {
    /// Empty where there is none.
    pub(super) fn id(&self) -> &str {
        self.id.as_ref().map_or("", |id| &id.0)
    }

    /// The error that it tells of in place of an answer; `body` is its text.
    pub(super) fn failure(&self, body: &[u8]) -> Option<ResponseError> {
        match self.status() {
            "failed" => Some(decode_failure(body)),
            "" if self.error.is_some() => Some(decode_failure(body)),
            status @ ("cancelled" | "queued" | "in_progress") => {
                Some(ResponseError::Malformed(format!("the answer is {status}, and was to be complete")))
            }
            _ => None,
        }
    }

    /// Why it ended. A status that came after this was written counts as complete.
    pub(super) fn reason(&self, said: Said) -> FinishReason {
        let reason = self.incomplete_details.as_ref().and_then(|details| details.reason.as_ref());
        match (self.status(), reason.map(|reason| &*reason.0)) {
            ("incomplete", Some("content_filter")) => FinishReason::Filter,
            ("incomplete", _) => FinishReason::Length,
            _ if said.calls => FinishReason::ToolUse,
            _ if said.refusals => FinishReason::Refusal,
            _ => FinishReason::Stop,
        }
    }

    /// Its figures, which are the last ones.
    pub(super) fn give_usage(&self, sink: Sink<'_>) {
        if let Some(usage) = self.usage() {
            sink(Event::Usage { usage, terminal: true });
        }
    }

    fn usage(&self) -> Option<Usage> {
        decode_usage(self.usage?.get().as_bytes())
    }

    fn status(&self) -> &str {
        self.status.as_ref().map_or("", |status| &status.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Answer, AnswerBlock, Choice, Citation, Seal, TokenLogprob, Vendor};

    fn decode(body: &str) -> Result<(Answer, Vec<String>), ResponseError> {
        let (mut answer, mut lost) = (Answer::default(), Vec::new());
        decode_response(body.as_bytes(), &mut |event| match event {
            Event::Lost { path, .. } => lost.push(path.into_owned()),
            event => answer.add(event),
        })?;
        Ok((answer, lost))
    }

    fn only(answer: Answer) -> Choice {
        <[_; 1]>::try_from(answer.choices).unwrap().into_iter().next().unwrap()
    }

    #[test]
    fn every_kind_of_item_has_its_block_or_is_declared() {
        let (answer, lost) = decode(
            r#"{"id":"resp_1","object":"response","model":"gpt-5.2","status":"completed","error":null,"output":[
            {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"A"},{"type":"summary_text","text":"B"}],
             "encrypted_content":"gAAA","content":[]},
            {"type":"web_search_call","id":"ws_1","status":"completed"},
            {"type":"message","id":"msg_1","role":"assistant","status":"completed","phase":"final_answer","content":[
              {"type":"output_text","text":"Hi","annotations":[{"type":"url_citation","url":"https://a","title":"T","start_index":0,"end_index":2}],
               "logprobs":[{"token":"Hi","logprob":-0.5,"bytes":[72,105],"top_logprobs":[{"token":"Yo","logprob":-1.0}]}]},
              {"type":"refusal","refusal":"No."}]},
            {"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\"a\":1}","status":"completed"},
            {"type":"function_call","name":"g","arguments":""}],
            "usage":{"input_tokens":3,"output_tokens":2}}"#,
        )
        .unwrap();
        assert_eq!(lost, ["output.web_search_call", "output.phase"]);
        assert_eq!((answer.model.as_str(), answer.usage.unwrap().output), ("gpt-5.2", 2));
        let choice = only(answer);
        assert_eq!(choice.finish.unwrap().reason, FinishReason::ToolUse);
        let seal = Seal { vendor: Vendor::Openai, redacted: false, data: "rs_1|gAAA".into() };
        let citation = Citation {
            url: Some("https://a".into()),
            title: Some("T".into()),
            span: Some((0, 2)),
            ..Citation::default()
        };
        let logprob = TokenLogprob { token: "Hi".into(), logprob: -0.5, top: vec![("Yo".into(), -1.0)] };
        let call = |id: &str, name: &str, input: &str| AnswerBlock::ToolUse {
            id: id.into(),
            name: name.into(),
            input: input.into(),
        };
        assert_eq!(
            choice.blocks,
            [
                AnswerBlock::Thinking { text: "A\n\nB".into(), seal: Some(seal) },
                AnswerBlock::Text { text: "Hi".into(), citations: vec![citation], logprobs: vec![logprob] },
                AnswerBlock::Refusal("No.".into()),
                call("call_1", "f", "{\"a\":1}"),
                call("call_resp_1_4", "g", "{}"),
            ],
        );
    }

    #[test]
    fn reasoning_that_is_only_sealed_is_redacted_and_empty_reasoning_is_none() {
        let (answer, _) = decode(
            r#"{"output":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"},
            {"type":"reasoning","id":"rs_2","summary":[]},
            {"type":"reasoning","id":"rs_3","content":[{"type":"reasoning_text","text":"Hm"}],"summary":[]}]}"#,
        )
        .unwrap();
        let seal = |redacted, data: &'static str| Some(Seal { vendor: Vendor::Openai, redacted, data: data.into() });
        assert_eq!(
            only(answer).blocks,
            [
                AnswerBlock::Thinking { text: String::new(), seal: seal(true, "rs_1|gAAA") },
                AnswerBlock::Thinking { text: "Hm".into(), seal: seal(false, "rs_3|") },
            ],
        );
    }

    #[test]
    fn an_incomplete_answer_says_why() {
        for (details, expected) in [
            (r#"{"reason":"max_output_tokens"}"#, FinishReason::Length),
            (r#"{"reason":"content_filter"}"#, FinishReason::Filter),
            ("null", FinishReason::Length),
        ] {
            let body = format!(
                r#"{{"status":"incomplete","incomplete_details":{details},"output":[{{"type":"function_call","name":"f","call_id":"c","arguments":"{{"}}]}}"#
            );
            assert_eq!(only(decode(&body).unwrap().0).finish.unwrap().reason, expected);
        }
    }

    #[test]
    fn a_failed_response_is_the_providers_error_and_keeps_its_figures() {
        let body = br#"{"status":"failed","error":{"code":"rate_limit_exceeded","message":"slow down"},"output":[],
            "usage":{"input_tokens":9,"output_tokens":0}}"#;
        let mut usage = None;
        let error = decode_response(body, &mut |event| {
            if let Event::Usage { usage: figures, .. } = event {
                usage = Some(figures.input);
            }
        });
        let Err(ResponseError::Provider(failure)) = error else { panic!("{error:?}") };
        assert_eq!((failure.status, &*failure.message, usage), (Some(429), "slow down", Some(9)));
        assert!(matches!(decode(r#"{"error":{"message":"m","type":"t"}}"#), Err(ResponseError::Provider(_))));
        assert!(matches!(decode(r#"{"status":"queued","output":[]}"#), Err(ResponseError::Malformed(_))));
        assert!(matches!(decode(r#"{"model":"m"}"#), Err(ResponseError::Malformed(_))));
    }
}
