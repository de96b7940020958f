//! Stands in for the server until it is merged.

use std::net::SocketAddr;

use crate::domain::secret::Secret;
use crate::publish::Publisher;

/// Options.
#[derive(Debug)]
pub struct Options {
    /// Store.
    pub store_url: String,
    /// HTTP.
    pub http: SocketAddr,
    /// gRPC.
    pub grpc: SocketAddr,
    /// Node token.
    pub node_token: Secret,
    /// Admin token.
    pub admin_token: Secret,
}

/// Server.
#[derive(Debug)]
pub struct Server(Options, Publisher);

impl Server {
    /// Start.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        Ok(Self(options, Publisher::default()))
    }
    /// Publisher.
    pub fn publisher(&self) -> Publisher {
        self.1.clone()
    }
    /// Address.
    pub fn http_addr(&self) -> SocketAddr {
        self.0.http
    }
    /// Address.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.0.grpc
    }
    /// Run.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
        shutdown.await;
        Ok(())
    }
}
