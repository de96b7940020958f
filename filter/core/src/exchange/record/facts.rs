//! What is known of an exchange from its beginning.

use std::{net::IpAddr, rc::Rc};

use super::said;
use crate::{
    admit::Principal,
    exchange::Head,
    json::Envelope,
    words::{ExchangeId, Format, Millis, Operation},
};

/// What is known of an exchange from its beginning; of a refused one, as much as was known by then. Open exchanges and
/// records share it.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Which exchange.
    pub id: ExchangeId,
    /// When its head arrived.
    pub started: Millis,
    /// Whose key it is, where that is known.
    pub principal: Option<Rc<Principal>>,
    /// The model that the client asked for; empty until it is known.
    pub model: Box<str>,
    /// The route that serves it, as the configuration names it; `None` where the client named the provider.
    pub route: Option<Rc<str>>,
    /// What kind of call.
    pub operation: Option<Operation>,
    /// What the client speaks, where it makes a call.
    pub client_format: Option<Format>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// On whose behalf the client asks, in its own words; empty where it does not say.
    pub end_user: Box<str>,
    /// What ties several requests together, in the client's own words; empty where it does not say.
    pub session_id: Box<str>,
    /// What the client wants to find it by.
    pub tags: Vec<Box<str>>,
    /// The peer, as Envoy saw it.
    pub client_address: Option<IpAddr>,
    /// W3C Trace Context, as the client sent it; empty for none.
    pub traceparent: Box<str>,
    /// The snapshot under which it was admitted or refused a route; 0 where it did not come so far.
    pub snapshot_version: u64,
}

impl Facts {
    /// Of an exchange of which nothing else is known yet.
    #[must_use]
    pub fn new(id: ExchangeId, started: Millis) -> Self {
        Self {
            id,
            started,
            principal: None,
            model: "".into(),
            route: None,
            operation: None,
            client_format: None,
            stream: false,
            end_user: "".into(),
            session_id: "".into(),
            tags: Vec::new(),
            client_address: None,
            traceparent: "".into(),
            snapshot_version: 0,
        }
    }

    /// What a request's head says of who asks. One walk over it: it runs for every request.
    pub(in crate::exchange) fn of_head(id: ExchangeId, started: Millis, head: &Head) -> Self {
        let mut facts = Self::new(id, started);
        let mut session: Option<(usize, &str)> = None;
        for (name, value) in &head.0 {
            match name.as_str() {
                "x-forwarded-for" => facts.client_address = said::last_address(value),
                "traceparent" if facts.traceparent.is_empty() => facts.traceparent = said::traceparent(value).into(),
                "x-tollgate-tags" => said::add_tags(&mut facts.tags, value),
                name => {
                    let rank = said::session_rank(name).filter(|_| !value.trim().is_empty());
                    if let Some(rank) = rank.filter(|rank| session.is_none_or(|(best, _)| *rank < best)) {
                        session = Some((rank, value));
                    }
                }
            }
        }
        if let Some((_, value)) = session {
            facts.session_id = said::clean(value, said::MAX_NAME);
        }
        facts
    }

    /// What a request's body says of who asks.
    pub(in crate::exchange) fn read_body(&mut self, format: Format, envelope: &Envelope, body: &[u8]) {
        let said::Asker { end_user, session_id } = said::asker(format, envelope, body);
        self.end_user = end_user;
        if self.session_id.is_empty() {
            self.session_id = session_id;
        }
    }

    /// As [`Record::size`](super::Record::size).
    pub(super) fn size(&self) -> usize {
        let principal = self.principal.as_ref().map_or(0, |principal| {
            let Principal { key_id, name, team, user, .. } = &**principal;
            [key_id, name, team, user].into_iter().map(|text| text.len()).fold(0, usize::saturating_add)
        });
        let tags = self.tags.iter().map(|tag| size_of::<Box<str>>().saturating_add(tag.len()));
        [
            size_of::<Self>(),
            principal,
            self.model.len(),
            self.route.as_ref().map_or(0, |route| route.len()),
            self.end_user.len(),
            self.session_id.len(),
            self.traceparent.len(),
        ]
        .into_iter()
        .chain(tags)
        .fold(0, usize::saturating_add)
    }
}
