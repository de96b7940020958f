//! A client's request, decoded.

use std::borrow::Cow;

use crate::{
    canonical::{Block, Chat, Given, Message, Part, Role},
    dialect::{InvalidRequest, want},
    json::{Envelope, Node},
};

/// The output cap where the client sets none: the API's own default, which is small.
const DEFAULT_MAX_TOKENS: u64 = 16;

/// Decodes a request: <https://platform.openai.com/docs/api-reference/completions/create>.
///
/// The prompt becomes the words of a user. Members set to null count as absent. What the model has no place for (`suffix`,
/// `echo`, `best_of`, and what servers of open models add) ends in [`Chat::extra`], unless its value is the default.
pub(super) fn decode_request<'a>(body: &'a [u8], envelope: &Envelope) -> Result<Chat<'a>, InvalidRequest> {
    let max_tokens = Given::new(DEFAULT_MAX_TOKENS, "max_tokens");
    let mut chat = Chat { max_tokens: Some(max_tokens), ..Chat::default() };
    for member in envelope.members() {
        let key = member.key.as_str();
        let value = want(member.node(body), key, "valid JSON")?;
        if value.is_null() || is_default(key, value) {
            continue;
        }
        let sampling = &mut chat.sampling;
        match key {
            // Ours: the route's model, and what the relay does.
            "model" | "stream" | "stream_options" => {}
            "prompt" => chat.messages = vec![decode_prompt(value)?],
            "max_tokens" => {
                chat.max_tokens = Some(Given::new(want(value.whole(), key, "a whole number")?, "max_tokens"))
            }
            "temperature" => sampling.temperature = Some(number(value, "temperature")?),
            "top_p" => sampling.top_p = Some(number(value, "top_p")?),
            // Not OpenAI's, but what servers of open models take.
            "top_k" => sampling.top_k = Some(Given::new(want(value.whole(), key, "a whole number")?, "top_k")),
            "frequency_penalty" => sampling.frequency_penalty = Some(number(value, "frequency_penalty")?),
            "presence_penalty" => sampling.presence_penalty = Some(number(value, "presence_penalty")?),
            "seed" => {
                let seed = value.text().parse::<i64>().ok();
                sampling.seed = Some(Given::new(want(seed, key, "a whole number")?, "seed"));
            }
            "logit_bias" => {
                let bias = want(value.members().map(|_| value.text()), key, "an object")?;
                sampling.logit_bias = Some(Given::new(bias, "logit_bias"));
            }
            "n" => {
                let choices = value.whole().filter(|choices| *choices > 0);
                chat.choices = Some(Given::new(want(choices, key, "a whole number above 0")?, "n"));
            }
            // Here a number: of alternatives, besides the token itself.
            "logprobs" => {
                chat.logprobs = Some(Given::new(want(value.whole(), key, "a whole number")?, "logprobs"));
            }
            "stop" => chat.stop = decode_stop(value)?,
            "user" => chat.user = Some(Given::new(want(value.string(), key, "a string")?, "user")),
            _ => chat.extra.push(key.to_owned()),
        }
    }
    if chat.messages.is_empty() {
        return Err(InvalidRequest::new("prompt", "must be a text"));
    }
    if chat.max_tokens.as_ref().is_some_and(|given| given.value == 0) {
        return Err(InvalidRequest::new("max_tokens", "must be above 0: other formats have no answer of nothing"));
    }
    Ok(chat)
}

/// One text. Other formats have one conversation in a request, and no tokens.
fn decode_prompt(value: Node<'_>) -> Result<Message<'_>, InvalidRequest> {
    let text = match (value.string(), value.elements().as_deref()) {
        (Some(text), _) => text,
        (None, Some([one])) if one.string().is_some() => one.string().unwrap_or_default(),
        (None, Some(many)) if many.iter().all(|one| one.string().is_some()) && !many.is_empty() => {
            let message = "must be one text: the provider answers one prompt a request, so send each in its own";
            return Err(InvalidRequest::new("prompt", message));
        }
        (None, Some([_, ..])) => {
            let message =
                "must be text: tokens are numbered differently by each model, so send the text they stand for";
            return Err(InvalidRequest::new("prompt", message));
        }
        _ => return Err(InvalidRequest::new("prompt", "must be a text")),
    };
    let part = Part { block: Block::Text(text), cache: None, path: "prompt".to_owned() };
    Ok(Message { role: Role::User, parts: vec![part], path: "prompt".to_owned() })
}

fn decode_stop(value: Node<'_>) -> Result<Vec<Given<Cow<'_, str>>>, InvalidRequest> {
    if let Some(stop) = value.string() {
        return Ok(vec![Given::new(stop, "stop")]);
    }
    let elements = want(value.elements(), "stop", "a string or a list of strings")?.into_iter().enumerate();
    let texts = elements.map(|(index, stop)| {
        let path = format!("stop.{index}");
        let text = want(stop.string(), &path, "a string")?;
        Ok(Given::new(text, path))
    });
    texts.collect()
}

fn number(value: Node<'_>, key: &'static str) -> Result<Given<f64>, InvalidRequest> {
    Ok(Given::new(want(value.number(), key, "a number")?, key))
}

/// Whether the member says what the API does anyway.
fn is_default(key: &str, value: Node<'_>) -> bool {
    match key {
        "n" | "best_of" => value.whole() == Some(1),
        "frequency_penalty" | "presence_penalty" => value.number() == Some(0.0),
        "echo" => value.boolean() == Some(false),
        // vLLM: all tokens.
        "top_k" => value.number().is_some_and(|most| most <= 0.0),
        "suffix" => value.string().is_some_and(|suffix| suffix.is_empty()),
        "logit_bias" => value.members().is_some_and(|members| members.is_empty()),
        _ => false,
    }
}
