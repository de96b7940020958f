//! A taken port is reported before anything starts, with what moves it.

use std::net::{SocketAddr, TcpListener};

use super::error::Error;

/// A port that is about to be used.
#[derive(Debug, Clone, Copy)]
pub struct Port {
    /// What for.
    pub purpose: &'static str,
    /// Where.
    pub address: SocketAddr,
    /// The flag that moves it.
    pub flag: &'static str,
    /// The variable that moves it.
    pub variable: &'static str,
}

/// Whether every port can be had. Port 0 always can.
///
/// # Errors
/// Names every port that cannot, with its flag and its variable.
pub fn check_ports(ports: &[Port]) -> Result<(), Error> {
    let problem = |port: &Port| {
        let error = TcpListener::bind(port.address).err()?;
        let Port { purpose, address, flag, variable } = port;
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => "is taken".to_owned(),
            _ => format!("cannot be used ({error})"),
        };
        Some(format!("{address} for {purpose} {why}; move it with {flag} HOST:PORT or {variable}"))
    };
    let problems: Vec<String> = ports.iter().filter_map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Stated(problems.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_what_moves_it() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("address");
        let port = Port { purpose: "the HTTP API", address, flag: "--http", variable: "TOLLGATE_HTTP" };
        let said = check_ports(&[port]).expect_err("taken").to_string();
        assert_eq!(
            said,
            format!("{address} for the HTTP API is taken; move it with --http HOST:PORT or TOLLGATE_HTTP")
        );
        drop(taken);
        check_ports(&[port]).expect("free again");
    }
}
