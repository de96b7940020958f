//! What is measured, and what it needs: a provider, plain Envoy before it, and Tollgate's Envoy with its control plane.

mod child;
mod gateway;
mod plain;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use self::child::Child;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) use self::gateway::{KEY, model_of};
use crate::{
    error::{Error, IoContext},
    gauge::Pid,
};

/// The artefacts under test.
pub(crate) struct Programs {
    pub(crate) envoy: PathBuf,
    pub(crate) tollgate: PathBuf,
    pub(crate) wasm: PathBuf,
}

impl Programs {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let programs = [("Envoy", &self.envoy), ("the control plane", &self.tollgate), ("the filter", &self.wasm)];
        match programs.into_iter().find(|(_, path)| !path.is_file()) {
            Some((what, path)) => Err(Error::Missing { what, path: path.clone() }),
            None => Ok(()),
        }
    }
}

/// Which core does what: the Envoys have one for themselves.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) gateway: u32,
    pub(crate) load: u32,
}

/// Everything that runs. Dropping it stops it.
pub(crate) struct Stack {
    provider: Child,
    plain: Child,
    control_plane: Child,
    tollgate: Child,
    pub(crate) plain_address: SocketAddr,
    pub(crate) tollgate_address: SocketAddr,
    admin_address: SocketAddr,
}

/// The processes, for the gauges.
#[derive(Clone, Copy)]
pub(crate) struct Pids {
    pub(crate) plain: Pid,
    pub(crate) tollgate: Pid,
    pub(crate) control_plane: Pid,
    pub(crate) provider: Pid,
}

impl Stack {
    pub(crate) async fn start(programs: &Programs, cores: Cores, folder: &Path) -> Result<Self, Error> {
        let (provider, provider_address) = child::provider(cores.load, folder).await?;
        let ports = free_ports()?;
        let plain_address = ports[0];
        let plain = plain::start(programs, cores.gateway, folder, plain_address, provider_address).await?;
        let gateway = gateway::Addresses { listen: ports[1], http: ports[2], grpc: ports[3], admin: ports[4] };
        let (control_plane, tollgate) = gateway::start(programs, cores, folder, &gateway, provider_address).await?;
        let (tollgate_address, admin_address) = (gateway.listen, gateway.admin);
        Ok(Self { provider, plain, control_plane, tollgate, plain_address, tollgate_address, admin_address })
    }

    pub(crate) fn pids(&self) -> Pids {
        Pids {
            plain: self.plain.pid(),
            tollgate: self.tollgate.pid(),
            control_plane: self.control_plane.pid(),
            provider: self.provider.pid(),
        }
    }

    /// An error that says why, if anything has ended.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        [&mut self.provider, &mut self.plain, &mut self.control_plane, &mut self.tollgate]
            .into_iter()
            .try_for_each(Child::check)
    }

    /// Sets the level of what Tollgate's Envoy logs of its filters.
    pub(crate) async fn set_wasm_log_level(&self, level: &str) -> Result<(), Error> {
        let what = || format!("Envoy's admin interface at {}", self.admin_address);
        let mut stream = TcpStream::connect(self.admin_address).await.context(what())?;
        let request = format!("POST /logging?wasm={level} HTTP/1.1\r\nhost: envoy\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.context(what())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.context(what())?;
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(Error::Unreadable { what: what(), text: answer }) }
    }

    /// All that Tollgate's Envoy has logged.
    pub(crate) fn gateway_log(&self) -> Result<String, Error> {
        self.tollgate.log()
    }

    /// What Tollgate's Envoy logged last, for messages.
    pub(crate) fn log_tail(&self) -> String {
        self.tollgate.log_tail()
    }
}

/// Five different loopback ports that nobody listens on.
fn free_ports() -> Result<[SocketAddr; 5], Error> {
    let listeners: [std::io::Result<TcpListener>; 5] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 5];
    for (address, listener) in addresses.iter_mut().zip(&listeners) {
        let listener = listener.as_ref().map_err(|error| std::io::Error::new(error.kind(), error.to_string()));
        *address = listener.and_then(TcpListener::local_addr).context("looking for a free port")?;
    }
    Ok(addresses)
}

/// Binds this process to `core`.
pub(crate) fn pin_this_process(core: u32) -> Result<(), Error> {
    let output = Command::new("taskset")
        .args(["--cpu-list", "--pid", &core.to_string(), &std::process::id().to_string()])
        .output()
        .context("running taskset (Debian: util-linux)")?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Core { core, reason: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}
