//! A client's options that are objects, decoded: `text`, `reasoning`, `include`.

use super::fields::{leave_rest, pick, text, text_if_any};
use crate::{
    canonical::{Chat, Effort, Given, Reasoning, ResponseFormat},
    dialect::{InvalidRequest, want},
    json::Node,
};

/// `include`: what the answer should have beside its text. Gives the path of the wish for log probabilities. Encrypted
/// reasoning is there in any case, for without it the next turn would have none.
pub(super) fn decode_include(value: Node<'_>, extra: &mut Vec<String>) -> Result<Option<String>, InvalidRequest> {
    let mut logprobs = None;
    for (index, wish) in want(value.elements(), "include", "a list")?.into_iter().enumerate() {
        let path = format!("include.{index}");
        match &*want(wish.string(), &path, "a string")? {
            "reasoning.encrypted_content" => {}
            "message.output_text.logprobs" => logprobs = Some(path),
            _ => extra.push(path),
        }
    }
    Ok(logprobs)
}

/// `text`: the format and the length of the answer.
pub(super) fn decode_text<'a>(value: Node<'a>, chat: &mut Chat<'a>) -> Result<(), InvalidRequest> {
    let members = want(value.members(), "text", "an object")?;
    if let Some(format) = pick(&members, "format") {
        chat.response_format = decode_format(format, &mut chat.extra)?;
    }
    let verbosity = text_if_any(&members, "verbosity", "text")?.filter(|word| word != "medium");
    chat.verbosity = verbosity.map(|word| Given::new(word, "text.verbosity"));
    leave_rest(&members, &["format", "verbosity"], "text", &mut chat.extra);
    Ok(())
}

/// <https://platform.openai.com/docs/guides/structured-outputs?api-mode=responses>: the schema stands beside its name.
fn decode_format<'a>(
    value: Node<'a>,
    extra: &mut Vec<String>,
) -> Result<Option<Given<ResponseFormat<'a>>>, InvalidRequest> {
    let path = "text.format";
    let members = want(value.members(), path, "an object")?;
    let given = |format| Ok(Some(Given::new(format, path)));
    match &*text(&members, "type", path)? {
        "text" => Ok(None),
        "json_object" => given(ResponseFormat::JsonObject),
        "json_schema" => {
            let schema = pick(&members, "schema").filter(|schema| schema.members().is_some());
            let strict = pick(&members, "strict").map(|strict| {
                want(strict.boolean(), "text.format.strict", "true or false") // false where it is not said
            });
            leave_rest(&members, &["type", "schema", "name", "description", "strict"], path, extra);
            given(ResponseFormat::JsonSchema {
                schema: want(schema, "text.format.schema", "an object")?.text().into(),
                name: text_if_any(&members, "name", path)?,
                description: text_if_any(&members, "description", path)?,
                strict: strict.transpose()?,
            })
        }
        _ => {
            extra.push(path.to_owned());
            Ok(None)
        }
    }
}

/// `reasoning`: without a wish for a summary, none is shown
/// (<https://platform.openai.com/docs/guides/reasoning#reasoning-summaries>).
pub(super) fn decode_reasoning(
    value: Node<'_>,
    extra: &mut Vec<String>,
) -> Result<Option<Given<Reasoning>>, InvalidRequest> {
    let path = "reasoning";
    let members = want(value.members(), path, "an object")?;
    let effort = text_if_any(&members, "effort", path)?.map(|word| {
        let expected = "one of none, minimal, low, medium, high, xhigh and max";
        want(Effort::of_word(&word), "reasoning.effort", expected)
    });
    let mut visible = false;
    for key in ["summary", "generate_summary"] {
        if let Some(wish) = text_if_any(&members, key, path)? {
            visible = true;
            // How long a summary is to be is OpenAI's own notion.
            if wish != "auto" {
                extra.push(format!("{path}.{key}"));
            }
        }
    }
    for (key, default) in [("context", "auto"), ("mode", "standard")] {
        if text_if_any(&members, key, path)?.is_some_and(|word| word != default) {
            extra.push(format!("{path}.{key}"));
        }
    }
    leave_rest(&members, &["effort", "summary", "generate_summary", "context", "mode"], path, extra);
    let effort = effort.transpose()?;
    let reasoning = Reasoning { effort, budget: None, visible: Some(visible) };
    Ok((effort.is_some() || visible).then(|| Given::new(reasoning, path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node<'_> {
        Node::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn reasoning_says_how_much_and_whether_to_show_it() {
        let mut extra = Vec::new();
        let mut decode = |text| decode_reasoning(node(text), &mut extra).unwrap().map(|given| given.value);
        let shown = |effort, visible| Some(Reasoning { effort, budget: None, visible: Some(visible) });
        assert_eq!(decode(r#"{"effort":"low"}"#), shown(Some(Effort::Low), false));
        assert_eq!(decode(r#"{"effort":null,"summary":"auto"}"#), shown(None, true));
        assert_eq!(decode(r#"{"effort":"none","generate_summary":"concise"}"#), shown(Some(Effort::None), true));
        assert_eq!(decode(r#"{"effort":null,"summary":null,"context":"auto","mode":"standard"}"#), None);
        assert_eq!(decode(r#"{"mode":"pro","context":"all_turns"}"#), None);
        assert_eq!(extra, ["reasoning.generate_summary", "reasoning.context", "reasoning.mode"]);
        assert!(decode_reasoning(node(r#"{"effort":"huge"}"#), &mut Vec::new()).is_err());
    }

    #[test]
    fn a_text_of_the_usual_kind_says_nothing() {
        let mut chat = Chat::default();
        decode_text(node(r#"{"format":{"type":"text"},"verbosity":"medium"}"#), &mut chat).unwrap();
        assert_eq!(chat, Chat::default());
        decode_text(node(r#"{"format":{"type":"json_object"}}"#), &mut chat).unwrap();
        assert_eq!(chat.response_format.unwrap().value, ResponseFormat::JsonObject);
        let schemaless = node(r#"{"format":{"type":"json_schema","name":"n"}}"#);
        let refusal = decode_text(schemaless, &mut Chat::default()).unwrap_err();
        assert_eq!(refusal.to_string(), "text.format.schema: must be an object");
    }
}
