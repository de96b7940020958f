//! What of a request's policy is the same in all of OpenAI's APIs.

use crate::{
    dialect::{Asker, first_said, top},
    json::Envelope,
};

/// On whose behalf a request is made:
/// `user`, else `safety_identifier`, which took its place
/// (<https://platform.openai.com/docs/api-reference/chat/create#chat_create-safety_identifier>).
pub(crate) fn asker<'a>(body: &'a [u8], envelope: &'a Envelope) -> Asker<'a> {
    let end_user = first_said([top(body, envelope, "user"), top(body, envelope, "safety_identifier")]);
    Asker { end_user, ..Asker::default() }
}
