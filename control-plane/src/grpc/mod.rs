//! What the VMs of Envoy talk to.

mod keys;
mod session;
mod wire;

use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tollgate_core::words::{KeyDigest, Secret};
use tollgate_proto::v1::{keys_server::KeysServer, session_server::SessionServer};
use tonic::{Request, Status, service::Routes, transport::Server};

use crate::{metrics::Metrics, publish::Publisher, store::Store, vms::Vms};

/// What both services need.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) publisher: Publisher,
    pub(crate) vms: Vms,
    pub(crate) metrics: Metrics,
    /// Keys that changed, for every session.
    pub(crate) changes: broadcast::Sender<Vec<KeyDigest>>,
    pub(crate) heartbeat: Duration,
    /// The server is stopping: sessions, which do not end by themselves, end then.
    pub(crate) stop: CancellationToken,
}

/// Largest message that is taken: a full batch of records is far smaller.
const MAX_MESSAGE: usize = 16 << 20;

/// Both services, behind the node token. A peer without it gets `UNAUTHENTICATED` and nothing else.
pub(crate) fn router(context: Context, node_token: Secret) -> tonic::transport::server::Router {
    let check = move |request: Request<()>| authorise(request, &node_token);
    let session = SessionServer::new(session::Sessions::new(context.clone())).max_decoding_message_size(MAX_MESSAGE);
    let keys = KeysServer::new(keys::Keys(context));
    let mut routes = Routes::builder();
    routes.add_service(tonic::service::interceptor::InterceptedService::new(session, check.clone()));
    routes.add_service(tonic::service::interceptor::InterceptedService::new(keys, check));
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_routes(routes.routes())
}

fn authorise(request: Request<()>, token: &Secret) -> Result<Request<()>, Status> {
    let given = request.metadata().get("authorization").map(|value| value.as_bytes()).unwrap_or_default();
    let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
    if given.ct_eq(token.expose().as_bytes()).into() {
        Ok(request)
    } else {
        Err(Status::unauthenticated("the node token is missing or wrong: set TOLLGATE_NODE_TOKEN for Envoy"))
    }
}
