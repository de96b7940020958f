//! On whose behalf a request is made.

use std::borrow::Cow;

use crate::{
    dialect::{Asker, top},
    json::{Envelope, Node},
};

/// `metadata.user_id` (<https://platform.claude.com/docs/en/api/messages>). Claude Code puts its session there too; see
/// [`split_session`].
pub(super) fn asker<'a>(body: &'a [u8], envelope: &'a Envelope) -> Asker<'a> {
    let user_id = top(body, envelope, "metadata").and_then(|metadata| metadata.member("user_id"));
    user_id.and_then(Node::string).map(split_session).unwrap_or_default()
}

/// Takes Claude Code's ids apart, in which each session would be a user of its own. Up to 2.1.77 they are
/// `user_<hash>_account_<uuid or nothing>_session_<uuid>`; since then a JSON object with `device_id`, `account_uuid` (which may be
/// empty) and `session_id`. The user is what stands before the session, or the account, else the device. Any other id is the user
/// as it is.
fn split_session(user_id: Cow<'_, str>) -> Asker<'_> {
    let asker = |user: &str, session: &str| Asker {
        end_user: Cow::Owned(user.to_owned()),
        session_id: Cow::Owned(session.to_owned()),
    };
    if let Some((user, session)) = user_id.rsplit_once("_session_")
        && user.starts_with("user_")
        && is_uuid(session)
    {
        return asker(user, session);
    }
    if user_id.starts_with('{')
        && let Ok(object) = Node::parse(user_id.as_bytes())
        && let Some(device) = object.member("device_id").and_then(Node::string)
        && let Some(session) = object.member("session_id").and_then(Node::string)
    {
        let account = object.member("account_uuid").and_then(Node::string).filter(|account| !account.is_empty());
        return asker(&account.unwrap_or(device), &session);
    }
    Asker { end_user: user_id, ..Asker::default() }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "7d0e2f61-4b5c-4a9d-8f11-2c3d4e5f6a7b";

    #[test]
    fn claude_codes_session_is_no_part_of_its_user() {
        let of = |user_id: &str| {
            let Asker { end_user, session_id } = split_session(user_id.to_owned().into());
            (end_user.into_owned(), session_id.into_owned())
        };
        let pair = |user: &str, session: &str| (user.to_owned(), session.to_owned());
        assert_eq!(of(&format!("user_ab_account__session_{UUID}")), pair("user_ab_account_", UUID));
        let json = |account: &str| format!(r#"{{"device_id":"d1","account_uuid":"{account}","session_id":"{UUID}"}}"#);
        assert_eq!(of(&json("")), pair("d1", UUID));
        assert_eq!(of(&json("a1")), pair("a1", UUID));
        for other in ["ann_session_1", "user_ab_session_", r#"{"device_id":"d1"}"#, "{", "{}"] {
            assert_eq!(of(other), pair(other, ""), "nothing is guessed");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_id_is_somebody(user_id in ".{0,400}") {
            let asker = split_session(user_id.as_str().into());
            assert!(user_id.is_empty() || !asker.end_user.is_empty());
        }
    }
}
