//! `generationConfig`, decoded.

use std::borrow::Cow;

use super::{
    fields::{boolean, fields, list, number, string, whole, word},
    schema::to_json_schema,
};
use crate::{
    canonical::{Chat, Effort, Given, Reasoning, ResponseFormat},
    dialect::{InvalidRequest, want},
    json::Node,
};

/// `generationConfig`: <https://ai.google.dev/api/generate-content#v1beta.GenerationConfig>.
pub(super) fn decode<'a>(value: Node<'a>, chat: &mut Chat<'a>) -> Result<(), InvalidRequest> {
    let mut answer = Answer::default();
    let (mut wants_logprobs, mut alternatives) = (None, None);
    for (key, value) in fields(value, "generationConfig")? {
        let path = format!("generationConfig.{key}");
        match &*key {
            "temperature" => chat.sampling.temperature = Some(Given::new(number(value, &path)?, path)),
            "topP" => chat.sampling.top_p = Some(Given::new(number(value, &path)?, path)),
            // Google's own clients send 40.0.
            "topK" => chat.sampling.top_k = Some(Given::new(whole(value, &path)?, path)),
            "seed" => {
                let seed = number(value, &path)?;
                let seed = want(as_whole(seed), &path, "a whole number")?;
                chat.sampling.seed = Some(Given::new(seed, path));
            }
            "presencePenalty" => chat.sampling.presence_penalty = penalty(value, path)?,
            "frequencyPenalty" => chat.sampling.frequency_penalty = penalty(value, path)?,
            "maxOutputTokens" => {
                let most = want(Some(whole(value, &path)?).filter(|most| *most > 0), &path, "above 0")?;
                chat.max_tokens = Some(Given::new(most, path));
            }
            "candidateCount" => {
                let count = want(Some(whole(value, &path)?).filter(|count| *count > 0), &path, "above 0")?;
                chat.choices = Some(Given::new(count, path)).filter(|count| count.value > 1);
            }
            "stopSequences" => {
                chat.stop.clear();
                for (index, stop) in list(value).into_iter().enumerate() {
                    let path = format!("{path}.{index}");
                    chat.stop.push(Given::new(string(stop, &path)?, path));
                }
            }
            "responseLogprobs" => wants_logprobs = Some(Given::new(boolean(value, &path)?, path)),
            "logprobs" => alternatives = Some(whole(value, &path)?),
            "thinkingConfig" => chat.reasoning = decode_thinking(value, path, &mut chat.extra)?,
            "responseMimeType" => answer.media_type = Some(Given::new(string(value, &path)?, path)),
            "responseSchema" => answer.schema = Some(Given::new(to_json_schema(value).into(), path)),
            "responseJsonSchema" | "_responseJsonSchema" => {
                answer.schema = Some(Given::new(value.text().into(), path));
            }
            "responseFormat" => answer.decode(value, path, &mut chat.extra)?,
            "responseModalities" if list(value).into_iter().all(|one| is_word(one, "TEXT")) => {}
            "mediaResolution" if is_word(value, "MEDIA_RESOLUTION_UNSPECIFIED") => {}
            _ => chat.extra.push(path),
        }
    }
    chat.logprobs =
        wants_logprobs.filter(|wants| wants.value).map(|wants| Given::new(alternatives.unwrap_or(0), wants.path));
    chat.response_format = answer.into_format(&mut chat.extra)?;
    Ok(())
}

/// What the members about the form of the answer say together.
#[derive(Default)]
struct Answer<'a> {
    media_type: Option<Given<Cow<'a, str>>>,
    schema: Option<Given<Cow<'a, str>>>,
}

impl<'a> Answer<'a> {
    /// `responseFormat`, which says the same by modality.
    fn decode(&mut self, value: Node<'a>, path: String, extra: &mut Vec<String>) -> Result<(), InvalidRequest> {
        for (modality, value) in fields(value, &path)? {
            let path = format!("{path}.{modality}");
            if modality != "text" {
                extra.push(path);
                continue;
            }
            for (key, value) in fields(value, &path)? {
                let path = format!("{path}.{key}");
                match &*key {
                    "mimeType" => {
                        let media_type = match word(value, &path)?.as_str() {
                            "APPLICATION_JSON" => "application/json".into(),
                            "TEXT_PLAIN" | "MIME_TYPE_UNSPECIFIED" => "text/plain".into(),
                            _ => string(value, &path)?,
                        };
                        self.media_type = Some(Given::new(media_type, path));
                    }
                    "schema" => self.schema = Some(Given::new(value.text().into(), path)),
                    _ => extra.push(path),
                }
            }
        }
        Ok(())
    }

    fn into_format(self, extra: &mut Vec<String>) -> Result<Option<Given<ResponseFormat<'a>>>, InvalidRequest> {
        let Self { media_type, schema } = self;
        match media_type.as_ref().map(|media_type| &*media_type.value) {
            None | Some("application/json") => {}
            Some("text/plain" | "") => return Ok(None),
            // One word of a list is an answer that no other format knows.
            Some(_) => {
                extra.extend(media_type.map(|media_type| media_type.path.into_owned()));
                return Ok(None);
            }
        }
        match (schema, media_type) {
            (Some(Given { value: schema, path }), _) => {
                let is_object = Node::parse(schema.as_bytes()).is_ok_and(|schema| schema.members().is_some());
                let schema = want(is_object.then_some(schema), &path, "an object")?;
                Ok(Some(Given::new(
                    ResponseFormat::JsonSchema { schema, name: None, description: None, strict: None },
                    path,
                )))
            }
            (None, Some(media_type)) => Ok(Some(Given::new(ResponseFormat::JsonObject, media_type.path))),
            (None, None) => Ok(None),
        }
    }
}

/// `thinkingConfig`: a budget (-1 leaves it to the model) or a level (<https://ai.google.dev/gemini-api/docs/thinking>).
/// Thoughts are shown where they are asked for.
fn decode_thinking(
    value: Node<'_>,
    path: String,
    extra: &mut Vec<String>,
) -> Result<Option<Given<Reasoning>>, InvalidRequest> {
    let mut reasoning = Reasoning { visible: Some(false), ..Reasoning::default() };
    let mut dynamic = false;
    for (key, value) in fields(value, &path)? {
        let path = format!("{path}.{key}");
        match &*key {
            "includeThoughts" => reasoning.visible = Some(boolean(value, &path)?),
            "thinkingBudget" => {
                let budget = number(value, &path)?;
                let budget = want(as_whole(budget), &path, "a whole number")?;
                reasoning.budget = u64::try_from(budget).ok();
                dynamic = reasoning.budget.is_none();
            }
            "thinkingLevel" => {
                let level = word(value, &path)?;
                if level != "THINKING_LEVEL_UNSPECIFIED" {
                    let effort = Effort::of_word(&level.to_ascii_lowercase());
                    reasoning.effort = Some(want(effort, &path, "one of minimal, low, medium and high")?);
                }
            }
            _ => extra.push(path),
        }
    }
    let says_nothing = reasoning.is_open() && reasoning.visible == Some(false) && !dynamic;
    Ok((!says_nothing).then(|| Given::new(reasoning, path)))
}

fn penalty(value: Node<'_>, path: String) -> Result<Option<Given<f64>>, InvalidRequest> {
    let penalty = number(value, &path)?;
    Ok((penalty != 0.0).then(|| Given::new(penalty, path)))
}

fn as_whole(number: f64) -> Option<i64> {
    let fits = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    fits.then_some(number as i64)
}

fn is_word(value: Node<'_>, word: &str) -> bool {
    value.string().is_some_and(|text| text.eq_ignore_ascii_case(word))
}
