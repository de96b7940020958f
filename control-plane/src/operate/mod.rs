//! A control plane in operation, alone (`serve`) or with an Envoy of its own (`up`): what is started, in which order, what is
//! watched while it runs, and how it ends. Nothing here decides what is served.

mod data_dir;
mod envoy;
mod error;
mod ports;
mod ready;
mod run;
pub mod server;
mod stop;

pub use data_dir::DataDir;
pub use envoy::{EnvoyBinary, Process};
pub use error::Error;
pub use ports::{Port, check_ports};
pub use run::{Child, EnvoyLaunch, Launch, run};
pub use stop::stop_signal;
