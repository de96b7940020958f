//! What a client says of itself, read from text that may be anything.

use std::net::IpAddr;

use crate::{json::Envelope, words::Format};

/// Longest name of an end user or a session, in bytes; longer ones are cut.
pub(super) const MAX_NAME: usize = 256;
/// Most tags of one exchange, and the longest one in bytes.
const MAX_TAGS: usize = 16;
const MAX_TAG: usize = 64;

/// Headers that name a session, the first of them before the others: ours, what several clients agree on, Codex CLI's of today
/// and of before, and Claude Code's (<https://code.claude.com/docs/en/llm-gateway-protocol>).
const SESSION_HEADERS: [&str; 5] =
    ["x-tollgate-session", "x-session-id", "session-id", "session_id", "x-claude-code-session-id"];

/// Whom a body names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asker {
    /// On whose behalf the client asks; empty for nobody.
    pub(super) end_user: Box<str>,
    /// What ties it to other requests; empty for nothing.
    pub(super) session_id: Box<str>,
}

/// Where a header that names a session stands in the order of those that do.
pub(super) fn session_rank(name: &str) -> Option<usize> {
    SESSION_HEADERS.iter().position(|known| *known == name)
}

/// Adds what `x-tollgate-tags` lists. What cannot be a tag is left out: empty ones, long ones, those with control characters,
/// repeated ones, and all beyond the sixteenth.
pub(super) fn add_tags(tags: &mut Vec<Box<str>>, list: &str) {
    for tag in list.split(',').map(str::trim) {
        if tags.len() >= MAX_TAGS {
            return;
        }
        let fits = !tag.is_empty() && tag.len() <= MAX_TAG && !tag.contains(char::is_control);
        if fits && !tags.iter().any(|known| **known == *tag) {
            tags.push(tag.into());
        }
    }
}

/// The last entry of `x-forwarded-for`, without a port: Envoy's own, where it is told to use the peer's address, so that no
/// client can forge it
/// (<https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-for>).
pub(super) fn last_address(list: &str) -> Option<IpAddr> {
    let last = list.rsplit(',').next()?.trim();
    last.parse().ok().or_else(|| last.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

/// The header's value where it has the form of <https://www.w3.org/TR/trace-context/#traceparent-header>, else nothing. Of
/// versions to come only the part that all of them share.
pub(super) fn traceparent(value: &str) -> &str {
    let whole = value.trim();
    let Some((known, rest)) = whole.split_at_checked("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".len())
    else {
        return "";
    };
    let mut parts = known.split('-');
    let mut part = |length: usize| parts.next().filter(|part| part.len() == length && part.bytes().all(is_hex));
    let (Some(version), Some(trace), Some(parent), Some(_)) = (part(2), part(32), part(16), part(2)) else {
        return "";
    };
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let ends = if version == "00" { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
    if ends && version != "ff" && !is_zero(trace) && !is_zero(parent) { known } else { "" }
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// On whose behalf a request is made, where its format has a place for that.
pub(super) fn asker(format: Format, envelope: &Envelope, body: &[u8]) -> Asker {
    let asker = format.asker(body, envelope);
    Asker { end_user: clean(&asker.end_user, MAX_NAME), session_id: clean(&asker.session_id, MAX_NAME) }
}

/// A text as it goes on record: at most `max` bytes of it, cut between characters, with `?` for each control character (a
/// NUL is no text to PostgreSQL, and the others are none to a terminal).
pub(super) fn clean(text: &str, max: usize) -> Box<str> {
    let text = text.trim();
    let cut = text.get(..text.floor_char_boundary(max)).unwrap_or_default();
    if cut.contains(char::is_control) { cut.replace(char::is_control, "?").into() } else { cut.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(format: Format, body: &str) -> (String, String) {
        let envelope = Envelope::scan(body.as_bytes()).unwrap();
        let Asker { end_user, session_id } = asker(format, &envelope, body.as_bytes());
        (end_user.into(), session_id.into())
    }

    #[test]
    fn each_format_has_its_place_for_the_end_user() {
        use Format::{
            AnthropicMessages, GeminiGenerate, OpenaiChat, OpenaiCompletions, OpenaiEmbeddings, OpenaiResponses,
        };
        for format in [OpenaiChat, OpenaiResponses, OpenaiCompletions, OpenaiEmbeddings] {
            assert_eq!(asked(format, r#"{"user":"ann","safety_identifier":"s"}"#).0, "ann");
            assert_eq!(asked(format, r#"{"user":"","safety_identifier":"s"}"#).0, "s");
            assert_eq!(asked(format, r#"{"user":["ann"],"metadata":{"user_id":"b"},"labels":{"user":"c"}}"#).0, "");
        }
        assert_eq!(asked(AnthropicMessages, r#"{"user":"a","metadata":{"user_id":"bob"}}"#).0, "bob");
        assert_eq!(asked(AnthropicMessages, r#"{"metadata":{"user_id":null}}"#).0, "");
        assert_eq!(asked(AnthropicMessages, r#"{"metadata":"bob"}"#).0, "");
        assert_eq!(asked(GeminiGenerate, r#"{"labels":{"user":"c","end_user":"d"}}"#).0, "d");
        assert_eq!(asked(GeminiGenerate, r#"{"labels":{"user":"c"}}"#).0, "c");
        assert_eq!(asked(GeminiGenerate, r#"{"user":"c"}"#).0, "");
    }

    #[test]
    fn only_what_has_the_form_of_a_traceparent_is_one() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(traceparent(good), good);
        assert_eq!(traceparent(&format!("{}-more", good.replacen("00", "01", 1))), good.replacen("00", "01", 1));
        for bad in [
            "",
            "00",
            &format!("{good}-more"),
            &good.replacen("00", "ff", 1),
            &good.to_uppercase(),
            &good.replace("b7ad6b7169203331", "0000000000000000"),
            &good.replace("0af7651916cd43dd8448eb211c80319c", "00000000000000000000000000000000"),
            &good.replace('-', "é"),
            &"é".repeat(60),
        ] {
            assert_eq!(traceparent(bad), "", "{bad}");
        }
    }

    #[test]
    fn the_address_is_the_one_that_envoy_added_last() {
        for (list, address) in [
            ("10.0.0.1", Some("10.0.0.1")),
            ("6.6.6.6, 10.0.0.1", Some("10.0.0.1")),
            ("6.6.6.6,10.0.0.1:1234", Some("10.0.0.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("10.0.0.1,", None),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(last_address(list).map(|address| address.to_string()).as_deref(), address, "{list}");
        }
    }

    #[test]
    fn tags_are_few_and_short_and_each_stands_once() {
        let mut tags = Vec::new();
        add_tags(&mut tags, &format!(" a,, b ,a,{},c\u{7}d,", "x".repeat(65)));
        assert_eq!(tags, ["a".into(), "b".into()] as [Box<str>; 2]);
        let many: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
        add_tags(&mut tags, &many.join(","));
        assert_eq!((tags.len(), &*tags[15]), (MAX_TAGS, "13"));
    }

    #[test]
    fn a_text_is_cut_between_characters_and_has_no_control_characters() {
        assert_eq!(&*clean(" a\0b\u{1b}[1m\u{85}c ", 256), "a?b?[1m?c");
        assert_eq!(&*clean("éé", 3), "é");
        assert_eq!(clean(&"\0".repeat(1000), 256).len(), 256);
    }
    proptest::proptest! {
        #[test]
        fn no_text_breaks_a_reader_or_its_bound(text in ".{0,400}", max in 0_usize..300) {
            let kept = clean(&text, max);
            assert!(kept.len() <= max && !kept.contains(char::is_control));
            let _ = (last_address(&text), traceparent(&text));
            let mut tags = Vec::new();
            add_tags(&mut tags, &text);
            assert!(tags.len() <= MAX_TAGS && tags.iter().all(|tag| (1..=MAX_TAG).contains(&tag.len())));
        }
    }
}
