//! What a VM may know of a key that it has not seen.

use tollgate_proto::v1::{
    Principal, ResolveRequest, ResolveResponse, keys_server,
    resolve_response::{Kind, Refusal},
};
use tonic::{Request, Response, Status};

use super::Context;
use crate::domain::key::KeyDigest;

/// How long a VM may use an answer without asking again. Changes are pushed, so this bounds only what a missed push costs.
const GOOD_MS: u32 = 5 * 60 * 1000;
/// As above, for keys that are not good: shorter, because there can be many and each takes a place in the VM.
const REFUSED_MS: u32 = 30 * 1000;

/// `tollgate.v1.Keys`.
#[derive(Debug)]
pub(super) struct Keys(pub(super) Context);

#[tonic::async_trait]
impl keys_server::Keys for Keys {
    async fn resolve(&self, request: Request<ResolveRequest>) -> Result<Response<ResolveResponse>, Status> {
        let digest = KeyDigest::from_bytes(&request.into_inner().digest)
            .ok_or_else(|| Status::invalid_argument("digest is not 32 bytes"))?;
        let key = self.0.store.key_by_digest(&digest).await.map_err(|error| {
            self.0.metrics.store_errors.inc();
            tracing::error!(%error, "a key could not be looked up");
            Status::unavailable("the store failed")
        })?;
        let (kind, ttl_ms) = match key {
            None => (Kind::Refusal(Refusal::Unknown.into()), REFUSED_MS),
            Some(key) if key.revoked_at.is_some() => (Kind::Refusal(Refusal::Revoked.into()), REFUSED_MS),
            Some(key) => {
                let principal =
                    Principal { key_id: key.id, name: key.name, team: key.team, user: key.user, models: key.models };
                (Kind::Principal(principal), GOOD_MS)
            }
        };
        Ok(Response::new(ResolveResponse { kind: Some(kind), ttl_ms }))
    }
}
