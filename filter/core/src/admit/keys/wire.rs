//! `Keys.Resolve` as bytes: the only place of this module that names the protocol's types.

use prost::Message;
use tollgate_proto::v1;

use super::Resolution;
use crate::{
    admit::{KeyRefusal, Principal},
    words::{Glob, KeyDigest},
};

/// The question that `Keys.Resolve` takes.
#[must_use]
pub fn encode_resolve(digest: &KeyDigest) -> Vec<u8> {
    v1::ResolveRequest { digest: digest.as_bytes().to_vec() }.encode_to_vec()
}

/// The answer of `Keys.Resolve`; one that cannot be read is none.
#[must_use]
pub fn decode_resolution(message: &[u8]) -> Resolution {
    use v1::resolve_response::{Kind, Refusal};
    let Ok(response) = v1::ResolveResponse::decode(message) else { return Resolution::Unavailable };
    match response.kind {
        Some(Kind::Principal(wire)) => {
            let principal = Principal {
                key_id: wire.key_id.into(),
                name: wire.name.into(),
                team: wire.team.into(),
                user: wire.user.into(),
                models: wire.models.into_iter().map(Glob::new).collect(),
            };
            Resolution::Good(principal.into(), response.ttl_ms)
        }
        Some(Kind::Refusal(refusal)) => match Refusal::try_from(refusal) {
            Ok(Refusal::Unknown) => Resolution::Refused(KeyRefusal::Unknown, response.ttl_ms),
            Ok(Refusal::Revoked) => Resolution::Refused(KeyRefusal::Revoked, response.ttl_ms),
            Ok(Refusal::Expired) => Resolution::Refused(KeyRefusal::Expired, response.ttl_ms),
            _ => Resolution::Unavailable,
        },
        None => Resolution::Unavailable,
    }
}
