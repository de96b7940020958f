//! Free ports. They come from below the range that the system takes for outgoing connections, because a port must stay free while the
//! program that listens on it is restarted.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// An address of the loopback interface on which nothing listens. The same one is not given twice by one process, and by two processes
/// only when they are unlucky: whoever finds it taken after all asks again.
#[must_use]
pub fn free() -> SocketAddr {
    const FIRST: u16 = 18_000;
    const COUNT: u16 = 14_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that start one after another begin far from each other.
    let begin = std::process::id().wrapping_mul(97) % u32::from(COUNT);
    loop {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from((begin + step) % u32::from(COUNT)).expect("smaller than COUNT");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
