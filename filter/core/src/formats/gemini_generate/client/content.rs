//! A client's contents and their parts, decoded; calls get the ids that Google's clients leave out.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use super::{
    fields::{boolean, fields, list, string, word},
    media::{decode_file, decode_inline, standard_base64},
};
use crate::{
    canonical::{Block, Message, Part, Role, Seal, Vendor},
    dialect::{InvalidRequest, want},
    json::Node,
};

/// `contents`: <https://ai.google.dev/api/caching#Content>.
pub(super) fn decode_contents<'a>(
    value: Node<'a>,
    extra: &mut Vec<String>,
) -> Result<Vec<Message<'a>>, InvalidRequest> {
    let mut decoder = Decoder { calls: Calls::default(), extra };
    let contents = list(value).into_iter().enumerate();
    contents.map(|(index, content)| decoder.content(content, format!("contents.{index}"))).collect()
}

/// `systemInstruction`: a content of texts, of whatever role; some clients give the text alone. `None` where it has none.
pub(super) fn decode_system<'a>(
    value: Node<'a>,
    extra: &mut Vec<String>,
) -> Result<Option<Message<'a>>, InvalidRequest> {
    let path = "systemInstruction".to_owned();
    let mut decoder = Decoder { calls: Calls::default(), extra };
    let parts = match value.string() {
        Some(text) => vec![part(Block::Text(text), path.clone())],
        None => decoder.parts(fields(value, &path)?, &path)?,
    };
    Ok((!parts.is_empty()).then_some(Message { role: Role::System, parts, path }))
}

struct Decoder<'d, 'a> {
    calls: Calls<'a>,
    extra: &'d mut Vec<String>,
}

/// What a part is, apart from thoughts and their seals.
enum Data<'a> {
    Text(Cow<'a, str>),
    Block(Block<'a>),
    /// Of the provider's own tools: no other provider takes it.
    Foreign,
}

impl<'a> Decoder<'_, 'a> {
    fn content(&mut self, value: Node<'a>, path: String) -> Result<Message<'a>, InvalidRequest> {
        let members = fields(value, &path)?;
        let spoken = members.iter().rev().find(|(key, _)| key == "role").and_then(|(_, role)| role.string());
        let role = match spoken.as_deref() {
            None | Some("" | "user" | "function" | "tool") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => return Err(InvalidRequest::new(format!("{path}.role"), "must be user or model")),
        };
        let parts = self.parts(members, &path)?;
        Ok(Message { role, parts, path })
    }

    fn parts(&mut self, members: Vec<(Cow<'a, str>, Node<'a>)>, path: &str) -> Result<Vec<Part<'a>>, InvalidRequest> {
        let mut parts = Vec::new();
        for (key, value) in members {
            match &*key {
                "role" => {}
                "parts" => {
                    for (index, value) in list(value).into_iter().enumerate() {
                        self.part(value, format!("{path}.parts.{index}"), &mut parts)?;
                    }
                }
                _ => self.extra.push(format!("{path}.{key}")),
            }
        }
        Ok(parts)
    }

    /// A part becomes a block; its seal becomes, or goes to, the thinking before it.
    fn part(&mut self, value: Node<'a>, path: String, parts: &mut Vec<Part<'a>>) -> Result<(), InvalidRequest> {
        let (mut data, mut thought, mut seal, mut detail) = (None, false, None, None);
        for (key, value) in fields(value, &path)? {
            let at = format!("{path}.{key}");
            let found = match &*key {
                "text" => Data::Text(string(value, &at)?),
                "inlineData" => Data::Block(decode_inline(value, &at, self.extra)?),
                "fileData" => Data::Block(decode_file(value, &at, self.extra)?),
                "functionCall" => Data::Block(self.call(value, &at)?),
                "functionResponse" => Data::Block(self.result(value, &at)?),
                "executableCode" | "codeExecutionResult" | "toolCall" | "toolResponse" => {
                    self.extra.push(at);
                    Data::Foreign
                }
                "thought" => {
                    thought = boolean(value, &at)?;
                    continue;
                }
                "thoughtSignature" => {
                    match string(value, &at)? {
                        stand_in if is_stand_in(&stand_in) => self.extra.push(at),
                        given => seal = Some(given).filter(|seal| !seal.is_empty()),
                    }
                    continue;
                }
                "mediaResolution" => {
                    detail = decode_detail(value, at, self.extra)?;
                    continue;
                }
                _ => {
                    self.extra.push(at);
                    continue;
                }
            };
            if data.replace(found).is_some() {
                return Err(InvalidRequest::new(path, "must be one thing: two of its members are data"));
            }
        }
        let seal = seal.map(|seal| Seal::read(standard_base64(seal), Vendor::Google));
        match data.unwrap_or(Data::Text("".into())) {
            Data::Text(text) if thought => push_thought(parts, text, seal, path),
            Data::Foreign => {}
            Data::Text(text) => {
                let sealed = seal.is_some();
                push_seal(parts, seal, &path);
                // A seal at the end of an answer comes on an empty text.
                if !(sealed && text.is_empty()) {
                    parts.push(part(Block::Text(text), path));
                }
            }
            Data::Block(mut block) => {
                push_seal(parts, seal, &path);
                match (&mut block, detail) {
                    (Block::Image { detail, .. }, wish) => *detail = wish,
                    (_, Some(_)) => self.extra.push(format!("{path}.mediaResolution")),
                    (_, None) => {}
                }
                parts.push(part(block, path));
            }
        }
        Ok(())
    }

    fn call(&mut self, value: Node<'a>, path: &str) -> Result<Block<'a>, InvalidRequest> {
        let (mut id, mut name, mut input) = (None, None, Cow::Borrowed("{}"));
        for (key, value) in fields(value, path)? {
            let path = format!("{path}.{key}");
            match &*key {
                "id" => id = Some(string(value, &path)?).filter(|id| !id.is_empty()),
                "name" => name = Some(string(value, &path)?),
                "args" => input = want(value.members().map(|_| value.text()), &path, "an object")?.into(),
                _ => self.extra.push(path),
            }
        }
        let name = want(name.filter(|name| !name.is_empty()), &format!("{path}.name"), "a name")?;
        Ok(Block::ToolUse { id: self.calls.add(id, name.clone()), name, input })
    }

    fn result(&mut self, value: Node<'a>, path: &str) -> Result<Block<'a>, InvalidRequest> {
        let (mut id, mut name, mut response, mut media) = (None, Cow::Borrowed(""), None, Vec::new());
        for (key, value) in fields(value, path)? {
            let path = format!("{path}.{key}");
            match &*key {
                "id" => id = Some(string(value, &path)?).filter(|id| !id.is_empty()),
                "name" => name = string(value, &path)?,
                "response" => response = Some(decode_response(value, &path)?),
                "parts" => {
                    for (index, value) in list(value).into_iter().enumerate() {
                        self.part(value, format!("{path}.{index}"), &mut media)?;
                    }
                }
                "willContinue" if value.boolean() == Some(false) => {}
                _ => self.extra.push(path),
            }
        }
        let id = self.calls.answer(id, &name).ok_or_else(|| {
            InvalidRequest::new(
                path,
                "answers no functionCall of an earlier content; send the call before its response",
            )
        })?;
        let (text, is_error) = response.unwrap_or_default();
        let text = (!text.is_empty() || media.is_empty()).then(|| part(Block::Text(text), format!("{path}.response")));
        Ok(Block::ToolResult { id, parts: text.into_iter().chain(media).collect(), is_error })
    }
}

/// The calls of a conversation, whose ids may be missing (<https://ai.google.dev/api/caching#FunctionCall>): a call without one
/// gets its number, so that the same conversation gives the same ids a turn later, and a response without one answers the
/// first open call of its function.
#[derive(Default)]
struct Calls<'a> {
    count: usize,
    known: BTreeSet<Cow<'a, str>>,
    answered: BTreeSet<Cow<'a, str>>,
    waiting: BTreeMap<Cow<'a, str>, VecDeque<Cow<'a, str>>>,
}

impl<'a> Calls<'a> {
    fn add(&mut self, id: Option<Cow<'a, str>>, name: Cow<'a, str>) -> Cow<'a, str> {
        let id = id.unwrap_or_else(|| self.number());
        self.count = self.count.saturating_add(1);
        self.known.insert(id.clone());
        self.answered.remove(&id);
        self.waiting.entry(name).or_default().push_back(id.clone());
        id
    }

    /// The next number that no client has used as an id itself.
    fn number(&mut self) -> Cow<'a, str> {
        loop {
            let id = Cow::Owned(format!("call_{}", self.count));
            if !self.known.contains(&id) {
                return id;
            }
            self.count = self.count.saturating_add(1);
        }
    }

    fn answer(&mut self, id: Option<Cow<'a, str>>, name: &str) -> Option<Cow<'a, str>> {
        if let Some(id) = id.filter(|id| self.known.contains(id)) {
            self.answered.insert(id.clone());
            return Some(id);
        }
        let waiting = self.waiting.get_mut(name)?;
        loop {
            let id = waiting.pop_front()?;
            if self.answered.insert(id.clone()) {
                return Some(id);
            }
        }
    }
}

fn part(block: Block<'_>, path: String) -> Part<'_> {
    Part { block, cache: None, path }
}

/// Thoughts arrive in pieces, and clients keep the pieces: until its seal, all of it is one thinking.
fn push_thought<'a>(parts: &mut Vec<Part<'a>>, text: Cow<'a, str>, seal: Option<Seal<'a>>, path: String) {
    match parts.last_mut() {
        Some(Part { block: Block::Thinking { text: before, seal: missing @ None }, .. }) => {
            if !text.is_empty() {
                before.to_mut().push_str(&text);
            }
            *missing = seal;
        }
        _ => parts.push(part(Block::Thinking { text, seal }, path)),
    }
}

/// Google's seal on a part is one on the thinking before it (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
fn push_seal<'a>(parts: &mut Vec<Part<'a>>, seal: Option<Seal<'a>>, path: &str) {
    let Some(seal) = seal else { return };
    match parts.last_mut() {
        Some(Part { block: Block::Thinking { seal: missing @ None, .. }, .. }) if seal.vendor == Vendor::Google => {
            *missing = Some(seal);
        }
        _ => {
            let block = Block::Thinking { text: "".into(), seal: Some(seal) };
            parts.push(part(block, format!("{path}.thoughtSignature")));
        }
    }
}

/// The words that stand in for a seal that nobody has, as the page on thought signatures gives them, also in base64.
fn is_stand_in(seal: &str) -> bool {
    matches!(
        seal,
        "" | "skip_thought_signature_validator"
            | "context_engineering_is_the_way_to_go"
            | "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
            | "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv"
    )
}

/// The response of a function as text, and whether it is an error: an object that has the one member `output` or `error`,
/// as the reference of `FunctionResponse` suggests, stands for that member.
fn decode_response<'a>(value: Node<'a>, path: &str) -> Result<(Cow<'a, str>, bool), InvalidRequest> {
    let members = want(value.members(), path, "an object")?;
    let (text, is_error) = match members.as_slice() {
        [(key, inner)] if key == "output" || key == "error" => (*inner, key == "error"),
        _ => (value, false),
    };
    Ok((text.string().unwrap_or(Cow::Borrowed(text.text())), is_error))
}

/// `mediaResolution` of a part: `{"level": "MEDIA_RESOLUTION_HIGH"}`.
fn decode_detail<'a>(
    value: Node<'a>,
    path: String,
    extra: &mut Vec<String>,
) -> Result<Option<Cow<'a, str>>, InvalidRequest> {
    let mut detail = None;
    for (key, value) in fields(value, &path)? {
        let path = format!("{path}.{key}");
        let level = if key == "level" { word(value, &path)? } else { String::new() };
        match level.as_str() {
            "MEDIA_RESOLUTION_UNSPECIFIED" => {}
            "MEDIA_RESOLUTION_LOW" => detail = Some("low".into()),
            "MEDIA_RESOLUTION_HIGH" => detail = Some("high".into()),
            _ => extra.push(path),
        }
    }
    Ok(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(contents: &str) -> Result<(Vec<Message<'_>>, Vec<String>), InvalidRequest> {
        let mut extra = Vec::new();
        let messages = decode_contents(Node::parse(contents.as_bytes()).unwrap(), &mut extra)?;
        Ok((messages, extra))
    }

    fn blocks(contents: &str) -> Vec<Block<'_>> {
        let (messages, _) = decode(contents).unwrap();
        messages.into_iter().flat_map(|message| message.parts).map(|part| part.block).collect()
    }

    fn seal(vendor: Vendor, data: &str) -> Option<Seal<'_>> {
        Some(Seal { vendor, redacted: false, data: data.into() })
    }

    fn thinking<'a>(text: &'a str, seal: Option<Seal<'a>>) -> Block<'a> {
        Block::Thinking { text: text.into(), seal }
    }

    #[test]
    fn a_seal_of_google_goes_to_the_thoughts_before_it() {
        let contents = r#"[{"role":"model","parts":[{"text":"a","thought":true},{"text":"b","thought":true},
            {"functionCall":{"name":"f"},"thought_signature":"s"},{"text":"x","thoughtSignature":"t"},{"thoughtSignature":"u"}]}]"#;
        let call = Block::ToolUse { id: "call_0".into(), name: "f".into(), input: "{}".into() };
        assert_eq!(
            blocks(contents),
            [
                thinking("ab", seal(Vendor::Google, "s")),
                call,
                thinking("", seal(Vendor::Google, "t")),
                Block::Text("x".into()),
                thinking("", seal(Vendor::Google, "u")),
            ]
        );
    }

    #[test]
    fn a_seal_of_another_vendor_stays_with_its_text() {
        let carried = Seal { vendor: Vendor::Anthropic, redacted: false, data: "s".into() };
        let contents = format!(
            r#"[{{"role":"model","parts":[{{"text":"a","thought":true}},{{"text":"","thought":true,"thoughtSignature":"{}"}},{{"text":"x"}}]}}]"#,
            carried.carried_by(Vendor::Google)
        );
        assert_eq!(blocks(&contents), [thinking("a", seal(Vendor::Anthropic, "s")), Block::Text("x".into())]);
    }

    #[test]
    fn a_seal_in_the_other_alphabet_of_base64_is_the_same_seal() {
        let carried = Seal { vendor: Vendor::Anthropic, redacted: false, data: "a>b?c~".into() };
        let text = carried.carried_by(Vendor::Google).replace('+', "-").replace('/', "_");
        assert!(text.contains(['-', '_']), "{text}");
        let contents = format!(r#"[{{"role":"model","parts":[{{"text":"x","thoughtSignature":"{text}"}}]}}]"#);
        assert_eq!(blocks(&contents), [thinking("", Some(carried)), Block::Text("x".into())]);
    }

    #[test]
    fn responses_without_ids_answer_the_calls_of_their_function_in_order() {
        let call = |name: &str| format!(r#"{{"functionCall":{{"name":"{name}"}}}}"#);
        let response =
            |name: &str| format!(r#"{{"functionResponse":{{"name":"{name}","response":{{"output":"o"}}}}}}"#);
        let contents = format!(
            r#"[{{"role":"model","parts":[{},{},{}]}},{{"parts":[{},{},{}]}}]"#,
            call("f"),
            call("g"),
            call("f"),
            response("g"),
            response("f"),
            response("f")
        );
        let ids: Vec<_> = blocks(&contents)
            .into_iter()
            .filter_map(|block| match block {
                Block::ToolUse { id, .. } | Block::ToolResult { id, .. } => Some(id.into_owned()),
                _ => None,
            })
            .collect();
        assert_eq!(ids, ["call_0", "call_1", "call_2", "call_1", "call_0", "call_2"]);
    }

    #[test]
    fn a_made_id_is_never_one_that_a_client_gave() {
        let contents =
            r#"[{"role":"model","parts":[{"functionCall":{"id":"call_1","name":"f"}},{"functionCall":{"name":"f"}}]}]"#;
        let [Block::ToolUse { id: first, .. }, Block::ToolUse { id: second, .. }] = &*blocks(contents) else {
            panic!()
        };
        assert_eq!((&**first, &**second), ("call_1", "call_2"));
    }

    #[test]
    fn responses_are_texts_objects_or_errors() {
        let result = |response: &str| {
            let contents = format!(
                r#"[{{"role":"model","parts":[{{"functionCall":{{"name":"f"}}}}]}},{{"parts":[{{"functionResponse":{{"name":"f","response":{response}}}}}]}}]"#
            );
            let Some(Block::ToolResult { parts, is_error, .. }) = blocks(&contents).pop() else { panic!() };
            let [Part { block: Block::Text(text), .. }] = &*parts else { panic!("{parts:?}") };
            (text.clone().into_owned(), is_error)
        };
        assert_eq!(result(r#"{"output":"rain"}"#), ("rain".to_owned(), false));
        assert_eq!(result(r#"{"output":{"a":1}}"#), (r#"{"a":1}"#.to_owned(), false));
        assert_eq!(result(r#"{"error":"no"}"#), ("no".to_owned(), true));
        assert_eq!(result(r#"{"a":1,"output":2}"#), (r#"{"a":1,"output":2}"#.to_owned(), false));
        assert_eq!(result("{}"), ("{}".to_owned(), false));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (contents, param) in [
            (r#"[{"parts":[{"functionResponse":{"name":"f","response":{}}}]}]"#, "contents.0.parts.0.functionResponse"),
            (r#"[{"role":"system","parts":[]}]"#, "contents.0.role"),
            (r#"[{"parts":[{"text":1}]}]"#, "contents.0.parts.0.text"),
            (r#"[{"parts":[{"functionCall":{"args":{}}}]}]"#, "contents.0.parts.0.functionCall.name"),
            (r#"[{"parts":[{"inlineData":{"data":"x"}}]}]"#, "contents.0.parts.0.inlineData.mimeType"),
            (r#"["Hello"]"#, "contents.0"),
        ] {
            assert_eq!(decode(contents).unwrap_err().param.as_deref(), Some(param), "{contents}");
        }
    }

    #[test]
    fn tools_that_google_ran_are_told_as_lost() {
        let contents = r#"[{"role":"model","parts":[{"executableCode":{"code":"1"},"thoughtSignature":"s"},{"text":"x","videoMetadata":{}}]}]"#;
        let (messages, extra) = decode(contents).unwrap();
        assert_eq!(messages[0].parts.len(), 1);
        assert_eq!(extra, ["contents.0.parts.0.executableCode", "contents.0.parts.1.videoMetadata"]);
    }
}
