//! What reads single JSON texts.

use std::borrow::Cow;

use serde_json::Value;
use tollgate_core::json::{Edit, Envelope, Node, Watch};

use crate::split::{choices, split};

/// Names to set and remove, some of them likely to be there.
const NAMES: [&str; 4] = ["model", "stream", "a", "absent"];

/// The shallow scan finds what a parser finds, and a splice touches nothing but what it should.
pub(crate) fn envelope(data: &[u8]) {
    let Some(([set, remove], text)) = choices(data) else { return };
    let (set, remove) = (NAMES[usize::from(set) % 4], NAMES[usize::from(remove) % 4]);
    let envelope = match Envelope::scan(text) {
        Ok(envelope) => envelope,
        Err(error) => {
            let parsed = serde_json::from_slice::<Value>(text);
            assert!(!parsed.is_ok_and(|value| value.is_object()), "refused an object: {error}");
            return;
        }
    };
    assert_eq!(envelope.splice(text, &[]), text, "a splice without edits is no copy");
    let spliced = envelope.splice(text, &[Edit::Set(set, Cow::Borrowed("[1]")), Edit::Remove(remove)]);
    let after = Envelope::scan(&spliced).expect("a splice of an object is an object");
    let others = |envelope: &Envelope, text: &[u8]| -> Vec<_> {
        let members = envelope.members().iter().filter(|member| member.key != set && member.key != remove);
        members.map(|member| (member.key.clone(), text[member.value.clone()].to_vec())).collect()
    };
    assert_eq!(others(&after, &spliced), others(&envelope, text), "a splice touched another member");
    if set != remove {
        assert_eq!(after.raw(&spliced, set), Some(&b"[1]"[..]));
        assert_eq!(after.raw(&spliced, remove), None);
    }
}

/// Values read on demand, all the way down.
pub(crate) fn node(text: &[u8]) {
    if let Ok(node) = Node::parse(text) {
        walk(node, &mut 10_000);
    }
}

/// Looks at up to `budget` nodes: each level reads its text again, which is what makes deep ones dear.
fn walk(node: Node<'_>, budget: &mut usize) {
    let Some(left) = budget.checked_sub(1) else { return };
    *budget = left;
    assert!(Node::parse(node.text().as_bytes()).is_ok(), "a part of a good text is bad");
    let kinds = [
        node.is_null(),
        node.boolean().is_some(),
        node.number().is_some(),
        node.string().is_some(),
        node.elements().is_some(),
        node.members().is_some(),
    ];
    assert!(kinds.iter().filter(|is| **is).count() <= 1, "two types at once");
    assert!(node.whole().is_none() || node.number().is_some());
    for element in node.elements().unwrap_or_default() {
        walk(element, budget);
    }
    let members = node.members().unwrap_or_default();
    for (name, member) in &members {
        let last = members.iter().rev().find(|(other, _)| other == name).map(|(_, value)| *value);
        assert_eq!(node.member(name), last, "a member is the last of its name");
        walk(*member, budget);
    }
}

/// The watch for one member: any split finds the same, which is what the scan finds in a good text.
pub(crate) fn watch(data: &[u8]) {
    let Some(([how], text)) = choices(data) else { return };
    let find = |pieces: Vec<&[u8]>| {
        let mut watch = Watch::new("usage");
        for piece in pieces {
            watch.push(piece);
        }
        watch.found().map(<[u8]>::to_vec)
    };
    let found = find(vec![text]);
    assert_eq!(find(split(text, how)), found, "the split mattered");
    // It takes no escapes in names, and gives up on values that are too long.
    if let (false, true, Ok(envelope)) = (text.contains(&b'\\'), text.len() < 60_000, Envelope::scan(text)) {
        assert_eq!(found.as_deref(), envelope.raw(text, "usage"), "the scan finds another value");
    }
}
