//! What the contexts ask of Envoy, put the way Envoy wants it.
//!
//! The methods of proxy-wasm's context traits unwrap what the host answers, and a panic here would cost the worker its VM:
//! so the `hostcalls` beneath them are used. They give back what is expected to go wrong, and panic on the rest: a body is only
//! written where there is one.

use std::{
    cell::RefCell,
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::UNIX_EPOCH,
};

use proxy_wasm::{
    hostcalls,
    types::{BufferType, LogLevel, MapType},
};
use tollgate_core::{
    exchange::{Head, Reply},
    vm::Vm,
    words::Millis,
};

thread_local! {
    /// A VM has one thread: its state is what all contexts of both roles share.
    static VM: RefCell<Option<Vm>> = const { RefCell::new(None) };
}

/// Makes the state of this VM, unless an earlier root context did.
pub(crate) fn start_vm(make: impl FnOnce() -> Vm) {
    VM.with_borrow_mut(|vm| {
        vm.get_or_insert_with(make);
    });
}

/// Lends the state of this VM; `None` before [`start_vm`].
pub(crate) fn with_vm<T>(action: impl FnOnce(&mut Vm) -> T) -> Option<T> {
    VM.with_borrow_mut(|vm| vm.as_mut().map(action))
}

/// The host's clock.
pub(crate) fn now() -> Millis {
    let since_epoch = hostcalls::get_current_time().ok().and_then(|now| now.duration_since(UNIX_EPOCH).ok());
    Millis(since_epoch.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}

/// Random bits: SipHash of nothing under a key that the standard library took from the host (WASI's `random_get`) when the
/// VM started and steps each time.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// 128 random bits.
pub(crate) fn random_wide() -> u128 {
    u128::from(random()) << 64 | u128::from(random())
}

/// A line in Envoy's log.
pub(crate) fn log(level: LogLevel, message: &str) {
    // Where even logging fails there is nobody left to tell.
    let _ = hostcalls::log(level, message);
}

/// Tells of a host call that failed: the request goes on as it can.
pub(crate) fn check<T>(what: &str, result: Result<T, proxy_wasm::types::Status>) -> Option<T> {
    result.inspect_err(|status| log(LogLevel::Error, &format!("{what} failed: {status:?}"))).ok()
}

/// A head as it stands. Read as bytes: the string variant of this call panics on values that are not UTF-8.
pub(crate) fn read_head(map: MapType) -> Head {
    let pairs = check("reading headers", hostcalls::get_map_bytes(map)).unwrap_or_default();
    let text = |value: Vec<u8>| {
        String::from_utf8(value).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
    };
    Head(pairs.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// Puts a whole head in the place of what stands.
pub(crate) fn write_head(map: MapType, head: &[(String, String)]) {
    let pairs = head.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    check("writing headers", hostcalls::set_map(map, pairs));
}

/// Gives one header this value, or takes it out.
pub(crate) fn write_header(map: MapType, name: &str, value: Option<&str>) {
    check("writing a header", hostcalls::set_map_value(map, name, value));
}

/// What is in a body buffer of this size, whole. One of no size need not be there.
pub(crate) fn read_body(buffer: BufferType, size: usize) -> Vec<u8> {
    if size == 0 {
        return Vec::new();
    }
    check("reading a body", hostcalls::get_buffer(buffer, 0, size)).flatten().unwrap_or_default()
}

/// Puts `bytes` in the place of the whole buffer.
pub(crate) fn write_body(buffer: BufferType, bytes: &[u8]) {
    check("writing a body", hostcalls::set_buffer(buffer, 0, usize::MAX, bytes));
}

/// A property of the stream, as bytes.
pub(crate) fn property(path: &[&str]) -> Option<Vec<u8>> {
    hostcalls::get_property(path.to_vec()).ok().flatten()
}

/// Answers the request from here.
pub(crate) fn reply(reply: &Reply) {
    let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    check("replying", hostcalls::send_http_response(u32::from(reply.status), headers, Some(&reply.body)));
}

/// Where the gate leaves the exchange's id for the attempts after the first: Envoy's filter state, which every attempt sees
/// and no provider. A property costs as much as all other calls of an attempt together (docs/adr/0001), so it is set only
/// where there may be a second attempt.
pub(crate) const EXCHANGE_PROPERTY: &str = "tollgate.exchange";
