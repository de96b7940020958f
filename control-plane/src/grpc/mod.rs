//! What the VMs of Envoy talk to: one stream for each, and the questions about keys.
//! Nobody gets in without the node token, and no message is larger or longer than is stated here.

mod keys;
mod open;
mod session;

use std::time::Duration;

use subtle::ConstantTimeEq;
use tollgate_core::words::Secret;
use tollgate_proto::v1::{keys_server::KeysServer, session_server::SessionServer};
use tonic::{Request, Status, service::Routes, transport::Server};

use crate::app::App;

/// Largest message that is taken, in bytes: the filter's have at most one MiB.
const MAX_MESSAGE: usize = 4 << 20;

/// Both services, behind the node token. A peer without it gets `UNAUTHENTICATED` and nothing else.
pub(crate) fn router(app: App, node_token: Secret) -> tonic::transport::server::Router {
    let check = move |request: Request<()>| authorise(request, &node_token);
    let session = SessionServer::new(session::Sessions::new(app.clone())).max_decoding_message_size(MAX_MESSAGE);
    let keys = KeysServer::new(keys::Keys(app));
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
