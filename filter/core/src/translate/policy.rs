//! What a client's request says of itself, read without decoding it: who asks, how much may be answered, what is said.
//!
//! `envelope` is the scan of `body` everywhere.

use crate::{
    dialect::{Asker, InvalidMember, Policy, RequestText, Texts},
    json::{Edit, Envelope},
    words::Format,
};

impl Format {
    /// What decides whether a request in it is admitted.
    pub(crate) fn policy(self) -> &'static Policy {
        &self.dialect().policy
    }

    /// On whose behalf a request is made, where the format has a place for that.
    pub(crate) fn asker<'a>(self, body: &'a [u8], envelope: &'a Envelope) -> Asker<'a> {
        (self.policy().asker)(body, envelope)
    }

    /// The most tokens that one answer to the request may have, reasoning included; `None` where it sets no bound.
    ///
    /// # Errors
    /// When a member that caps is no whole number, or stands there more than once.
    pub fn output_cap(self, body: &[u8], envelope: &Envelope) -> Result<Option<u64>, InvalidMember> {
        self.policy().output_cap(body, envelope)
    }

    /// How many answers are written, each of up to [`output_cap`](Self::output_cap) tokens, whether or not all are shown; at least
    /// one.
    ///
    /// # Errors
    /// As for the cap.
    pub fn choices(self, body: &[u8], envelope: &Envelope) -> Result<u64, InvalidMember> {
        self.policy().choices(body, envelope)
    }

    /// The edits after which no answer may have more than `most` tokens, which is above 0; none where that holds already.
    ///
    /// Every member that caps and says more, or nothing that bounds, says `most` then; where there is none, one is added: the one
    /// that servers of `model` know. Nothing else changes, with one exception: Claude wants the budget of its thinking below the
    /// cap, so a budget that no longer is becomes `most - 1`, and where that is no budget that Claude takes (1,024 tokens or more),
    /// thinking is turned off.
    ///
    /// # Errors
    /// As for the cap.
    pub fn clamp<'e>(
        self,
        model: &str,
        most: u64,
        body: &[u8],
        envelope: &'e Envelope,
    ) -> Result<Vec<Edit<'e>>, InvalidMember> {
        self.policy().clamp(model, most, body, envelope)
    }

    /// Calls `visit` with every text of the request that a person, a model or a tool wrote: messages, system prompts, arguments
    /// and results of calls, prompts, documents given as text. Nothing of schemas, ids, names, addresses, seals and encoded media
    /// is one. They come in the order of the body, each once.
    pub fn texts<'t>(self, body: &'t [u8], envelope: &Envelope, visit: &mut dyn FnMut(RequestText<'t>)) {
        (self.policy().texts)(envelope, &mut Texts { body, visit });
    }
}
