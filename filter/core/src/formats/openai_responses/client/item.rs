//! A client's input, decoded: items are put together to messages.

use super::{
    content::decode_content,
    fields::{Members, leave_rest, pick, text, text_if_any},
};
use crate::{
    canonical::{Block, Message, Part, Role},
    dialect::{InvalidRequest, want},
    formats::openai_responses::wire::seal,
    json::Node,
};

/// Calls and results of tools that the provider or its own clients run, and what belongs to those tools: no other format
/// has a place for them in a conversation (<https://platform.openai.com/docs/guides/tools>).
const OF_OPENAI_TOOLS: [&str; 22] = [
    "additional_tools",
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "computer_call",
    "computer_call_output",
    "configuration_update",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "program",
    "program_output",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
];

/// `input`: a text of the user, or items.
///
/// Reasoning, messages and calls are items of their own here and parts of one message elsewhere: what the assistant gave in
/// one turn becomes one message, and so do the results of its calls.
pub(super) fn decode_input<'a>(value: Node<'a>, extra: &mut Vec<String>) -> Result<Vec<Message<'a>>, InvalidRequest> {
    if let Some(text) = value.string() {
        return Ok(vec![Message {
            role: Role::User,
            parts: vec![part(Block::Text(text), "input")],
            path: "input".into(),
        }]);
    }
    let mut messages: Vec<Message<'a>> = Vec::new();
    for (index, item) in want(value.elements(), "input", "a string or a list of items")?.into_iter().enumerate() {
        let Some(message) = decode_item(item, format!("input.{index}"), extra)? else { continue };
        match messages.last_mut() {
            Some(last) if belong_together(last, &message) => last.parts.extend(message.parts),
            _ => messages.push(message),
        }
    }
    Ok(messages)
}

fn belong_together(last: &Message<'_>, next: &Message<'_>) -> bool {
    let is_result = |message: &Message<'_>| {
        let first = message.parts.first();
        message.role == Role::User && first.is_some_and(|part| matches!(part.block, Block::ToolResult { .. }))
    };
    (last.role == Role::Assistant && next.role == Role::Assistant) || (is_result(last) && is_result(next))
}

/// One item; `None`, and a path in `extra`, for what only OpenAI knows.
fn decode_item<'a>(
    value: Node<'a>,
    path: String,
    extra: &mut Vec<String>,
) -> Result<Option<Message<'a>>, InvalidRequest> {
    let members = want(value.members(), &path, "an object")?;
    let kind = match pick(&members, "type") {
        Some(kind) => want(kind.string(), &format!("{path}.type"), "a string")?,
        None if pick(&members, "role").is_none() && pick(&members, "id").is_some() => "item_reference".into(),
        None => "message".into(),
    };
    let (role, parts) = match &*kind {
        "message" => decode_message(&members, &path, extra)?,
        "reasoning" => (Role::Assistant, vec![decode_reasoning(&members, &path, extra)?]),
        "function_call" => {
            leave_rest(&members, &["type", "id", "status", "call_id", "name", "arguments"], &path, extra);
            (Role::Assistant, vec![decode_call(&members, &path)?])
        }
        "custom_tool_call" => {
            // The text of a custom tool's call becomes the one argument of a function.
            extra.push(format!("{path}.type"));
            (Role::Assistant, vec![decode_custom_call(&members, &path)?])
        }
        "function_call_output" => (Role::User, vec![decode_output(&members, &path, extra)?]),
        "custom_tool_call_output" => {
            extra.push(format!("{path}.type"));
            (Role::User, vec![decode_output(&members, &path, extra)?])
        }
        "item_reference" => {
            let message = "the provider keeps no items; send the item itself in place of its id";
            return Err(InvalidRequest::new(path, message));
        }
        "compaction" | "compaction_trigger" | "compaction_summary" => {
            let message = "only OpenAI can read or make a compacted conversation; send its items instead";
            return Err(InvalidRequest::new(path, message));
        }
        known if OF_OPENAI_TOOLS.contains(&known) => {
            extra.push(path);
            return Ok(None);
        }
        _ => {
            let message = format!("an item of type {kind:?} cannot be translated");
            return Err(InvalidRequest::new(format!("{path}.type"), message));
        }
    };
    Ok(Some(Message { role, parts, path }))
}

fn decode_message<'a>(
    members: &Members<'a>,
    path: &str,
    extra: &mut Vec<String>,
) -> Result<(Role, Vec<Part<'a>>), InvalidRequest> {
    let role = match &*text(members, "role", path)? {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        _ => {
            let message = "must be system, developer, user or assistant";
            return Err(InvalidRequest::new(format!("{path}.role"), message));
        }
    };
    // Ids and states of earlier answers are the provider's bookkeeping.
    leave_rest(members, &["type", "id", "status", "role", "content"], path, extra);
    let parts = match pick(members, "content") {
        Some(content) => decode_content(content, &format!("{path}.content"), extra)?,
        None => Vec::new(),
    };
    Ok((role, parts))
}

/// The text is the reasoning itself where the provider shows that, and its summary elsewhere.
fn decode_reasoning<'a>(
    members: &Members<'a>,
    path: &str,
    extra: &mut Vec<String>,
) -> Result<Part<'a>, InvalidRequest> {
    leave_rest(members, &["type", "id", "status", "summary", "content", "encrypted_content"], path, extra);
    let mut texts = Vec::new();
    for key in ["content", "summary"] {
        let Some(list) = pick(members, key).filter(|_| texts.is_empty()) else { continue };
        let at = format!("{path}.{key}");
        for (index, one) in want(list.elements(), &at, "a list")?.into_iter().enumerate() {
            let text = one.member("text").and_then(Node::string);
            texts.push(want(text, &format!("{at}.{index}.text"), "a string")?);
        }
    }
    let text = match <[_; 1]>::try_from(texts) {
        Ok([only]) => only,
        Err(texts) => texts.join("\n\n").into(),
    };
    let encrypted = text_if_any(members, "encrypted_content", path)?.filter(|content| !content.is_empty());
    let id = text_if_any(members, "id", path)?.unwrap_or_default();
    let seal = encrypted.map(|content| seal::read(&id, content));
    Ok(part(Block::Thinking { text, seal }, path))
}

fn decode_call<'a>(members: &Members<'a>, path: &str) -> Result<Part<'a>, InvalidRequest> {
    let input = match pick(members, "arguments") {
        None => "".into(),
        // Some clients give the object itself in place of its text.
        Some(arguments) if arguments.members().is_some() => arguments.text().into(),
        Some(arguments) => want(arguments.string(), &format!("{path}.arguments"), "a string")?,
    };
    let (id, name) = (text(members, "call_id", path)?, text(members, "name", path)?);
    Ok(part(Block::ToolUse { id, name, input }, path))
}

fn decode_custom_call<'a>(members: &Members<'a>, path: &str) -> Result<Part<'a>, InvalidRequest> {
    let input = pick(members, "input").filter(|input| input.string().is_some());
    let input = want(input, &format!("{path}.input"), "a string")?;
    let (id, name) = (text(members, "call_id", path)?, text(members, "name", path)?);
    Ok(part(Block::ToolUse { id, name, input: format!("{{\"input\":{}}}", input.text()).into() }, path))
}

fn decode_output<'a>(members: &Members<'a>, path: &str, extra: &mut Vec<String>) -> Result<Part<'a>, InvalidRequest> {
    // The name is that of the call, which says it too.
    leave_rest(members, &["type", "id", "status", "call_id", "name", "output"], path, extra);
    let at = format!("{path}.output");
    let parts = decode_content(want(pick(members, "output"), &at, "a string or a list of parts")?, &at, extra)?;
    Ok(part(Block::ToolResult { id: text(members, "call_id", path)?, parts, is_error: false }, path))
}

fn part<'a>(block: Block<'a>, path: &str) -> Part<'a> {
    Part { block, cache: None, path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Seal, Vendor};

    fn decode(input: &str) -> (Vec<Message<'_>>, Vec<String>) {
        let mut extra = Vec::new();
        let messages = decode_input(Node::parse(input.as_bytes()).unwrap(), &mut extra).unwrap();
        (messages, extra)
    }

    fn refusal(input: &str) -> String {
        decode_input(Node::parse(input.as_bytes()).unwrap(), &mut Vec::new()).unwrap_err().to_string()
    }

    #[test]
    fn one_turn_of_the_assistant_becomes_one_message_and_its_results_another() {
        let (messages, extra) = decode(
            r#"[{"role":"user","content":"Weather?"},
            {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"gAAA"},
            {"type":"message","id":"msg_1","status":"completed","role":"assistant",
             "content":[{"type":"output_text","text":"Looking.","annotations":[],"logprobs":[]}]},
            {"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"a\":1}","status":"completed"},
            {"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},
            {"type":"function_call_output","call_id":"c1","output":"sun"},
            {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"rain"}]},
            {"role":"user","content":"And?"}]"#,
        );
        let shape: Vec<_> = messages.iter().map(|m| (m.role, m.parts.len(), m.path.as_str())).collect();
        assert_eq!(
            shape,
            [
                (Role::User, 1, "input.0"),
                (Role::Assistant, 4, "input.1"),
                (Role::User, 2, "input.5"),
                (Role::User, 1, "input.7"),
            ],
        );
        let seal = Seal { vendor: Vendor::Openai, redacted: false, data: "rs_1|gAAA".into() };
        assert_eq!(messages[1].parts[0].block, Block::Thinking { text: "Hm.".into(), seal: Some(seal) });
        assert_eq!(messages[1].parts[1].path, "input.2.content.0");
        assert!(extra.is_empty(), "{extra:?}");
    }

    #[test]
    fn reasoning_is_its_content_or_else_its_summary() {
        let (messages, _) = decode(
            r#"[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"short"}],
                 "content":[{"type":"reasoning_text","text":"long"},{"type":"reasoning_text","text":"er"}]},
                {"type":"reasoning","id":"rs_2","summary":[],"content":null,"encrypted_content":null}]"#,
        );
        let thinking = |text: &'static str| Block::Thinking { text: text.into(), seal: None };
        assert_eq!(messages[0].parts[0].block, thinking("long\n\ner"));
        assert_eq!(messages[0].parts[1].block, thinking(""));
    }

    #[test]
    fn items_of_openais_own_tools_are_left_over() {
        let (messages, extra) = decode(
            r#"[{"role":"user","content":"Hi"},{"type":"web_search_call","id":"ws_1","status":"completed"},
                {"type":"mcp_list_tools","id":"m","tools":[]},
                {"type":"custom_tool_call","call_id":"c","name":"sql","input":"SELECT \"a\""},
                {"type":"custom_tool_call_output","call_id":"c","output":"1"}]"#,
        );
        assert_eq!(extra, ["input.1", "input.2", "input.3.type", "input.4.type"]);
        let call = Block::ToolUse { id: "c".into(), name: "sql".into(), input: r#"{"input":"SELECT \"a\""}"#.into() };
        assert_eq!(messages[1].parts[0].block, call);
    }

    #[test]
    fn what_only_a_provider_with_state_knows_is_refused() {
        assert!(refusal(r#"[{"type":"item_reference","id":"msg_1"}]"#).contains("send the item itself"));
        assert!(refusal(r#"[{"id":"msg_1"}]"#).contains("send the item itself"));
        assert!(refusal(r#"[{"type":"compaction","encrypted_content":"x"}]"#).contains("send its items"));
        assert_eq!(
            refusal(r#"[{"type":"teleport"}]"#),
            "input.0.type: an item of type \"teleport\" cannot be translated"
        );
        assert!(refusal(r#"[{"role":"critic","content":"x"}]"#).starts_with("input.0.role: must be"));
        assert_eq!(refusal(r#"[{"type":"function_call_output","output":"x"}]"#), "input.0.call_id: must be a string");
    }

    #[test]
    fn a_message_may_be_empty() {
        let (messages, extra) = decode(
            r#"[{"role":"assistant","content":""},{"role":"user","content":[]},{"role":"developer","content":null}]"#,
        );
        assert_eq!(messages.iter().map(|message| message.parts.len()).collect::<Vec<_>>(), [1, 0, 0]);
        assert!(extra.is_empty());
    }
}
