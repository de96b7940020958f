//! How often Envoy and the filter call each other for one exchange: Envoy writes a line for every crossing when its
//! `wasm` logger is at trace. Counted after the timed rounds, because those lines are what costs then.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use tokio::time::Instant;

use crate::{error::Error, load::Connection, measure::Side, stack::Stack, workload::Workload};

/// The crossings of one exchange, those for its key and its session left out.
#[derive(Debug, Serialize)]
pub(crate) struct Calls {
    pub(crate) workload: &'static str,
    pub(crate) lane: Side,
    /// From Envoy into the filter.
    pub(crate) callbacks: u32,
    /// From the filter into Envoy.
    pub(crate) host_calls: u32,
    pub(crate) by_name: BTreeMap<String, u32>,
}

/// Counts for each workload in both lanes.
pub(crate) async fn count(stack: &mut Stack, workloads: &[&Workload]) -> Result<Vec<Calls>, Error> {
    stack.set_wasm_log_level("trace").await?;
    let mut counted = Vec::new();
    for &workload in workloads {
        for lane in [Side::Identity, Side::Canonical] {
            let call = lane.call(stack, workload);
            let before = stack.gateway_log()?.len();
            let outcome = Connection::new(call.address).exchange(&call, None).await;
            if let Err(failure) = outcome {
                let reason = failure.to_string();
                return Err(Error::WrongAnswer { workload: workload.name, side: lane.name(), reason });
            }
            counted.push(read(stack, before, workload.name, lane).await?);
        }
    }
    stack.set_wasm_log_level("warning").await?;
    Ok(counted)
}

/// Envoy's log from `before` on, once the exchange's last callback is in it.
async fn read(stack: &mut Stack, before: usize, workload: &'static str, lane: Side) -> Result<Calls, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        stack.check()?;
        let log = stack.gateway_log()?;
        let log = log.get(before..).unwrap_or_default();
        if let Some(by_name) = tally(log) {
            let sum = |callback: bool| {
                by_name.iter().filter(|(name, _)| name.starts_with(CALLBACK) == callback).map(|(_, count)| count).sum()
            };
            let (callbacks, host_calls) = (sum(true), sum(false));
            return Ok(Calls { workload, lane, callbacks, host_calls, by_name });
        }
        if Instant::now() > deadline {
            return Err(Error::Uncounted);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
const CALLBACK: &str = "proxy_on_";

/// `None` until the gate's context is deleted. A line: `[time][thread][trace][wasm] [file:line] [host->vm] name(…)`,
/// `[vm->host] env.name(…)` inside; `[host<-vm] name return: …` is the way back.
fn tally(log: &str) -> Option<BTreeMap<String, u32>> {
    let mut by_name = BTreeMap::new();
    // Callbacks of a root context, by thread: what happens inside is not the exchange's.
    let mut in_root: BTreeMap<&str, &str> = BTreeMap::new();
    let mut logged = false;
    for line in log.lines() {
        let Some((thread, crossing)) = parse(line) else { continue };
        match crossing {
            Crossing::In(name) if ROOT.contains(&name) => {
                in_root.insert(thread, name);
            }
            Crossing::Back(name) if in_root.get(thread) == Some(&name) => {
                in_root.remove(thread);
            }
            Crossing::Back(name) => {
                if logged && name == "proxy_on_delete" {
                    return Some(by_name);
                }
            }
            Crossing::In(name) | Crossing::Out(name) if !in_root.contains_key(thread) => {
                logged |= name == "proxy_on_log";
                *by_name.entry(name.to_owned()).or_default() += 1;
            }
            Crossing::In(_) | Crossing::Out(_) => {}
        }
    }
    None
}

const ROOT: [&str; 4] =
    ["proxy_on_tick", "proxy_on_grpc_receive", "proxy_on_grpc_receive_initial_metadata", "proxy_on_grpc_close"];

enum Crossing<'l> {
    In(&'l str),
    Out(&'l str),
    Back(&'l str),
}

fn parse(line: &str) -> Option<(&str, Crossing<'_>)> {
    let thread = line.split(']').nth(1)?.strip_prefix('[')?;
    let name = |rest: &'_ str| rest.find(['(', ' ']).unwrap_or(rest.len());
    if let Some((_, rest)) = line.split_once("[host->vm] ") {
        return Some((thread, Crossing::In(&rest[..name(rest)])));
    }
    if let Some((_, rest)) = line.split_once("[vm->host] env.") {
        return Some((thread, Crossing::Out(&rest[..name(rest)])));
    }
    let (_, rest) = line.split_once("[host<-vm] ")?;
    Some((thread, Crossing::Back(&rest[..name(rest)])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tick_does_is_not_the_exchanges() {
        let log = "\
            [t][7][trace][wasm] [f:1] [host->vm] proxy_on_request_headers(5, 1, 0)\n\
            [t][8][trace][wasm] [f:1] [host->vm] proxy_on_tick(2)\n\
            [t][8][trace][wasm] [f:1] [vm->host] env.proxy_get_current_time_nanoseconds(1)\n\
            [t][7][trace][wasm] [f:1] [vm->host] env.proxy_get_buffer_bytes(0, 0, 1, 2, 3)\n\
            [t][8][trace][wasm] [f:1] [vm<-host] env.proxy_get_current_time_nanoseconds return: 0\n\
            [t][8][trace][wasm] [f:1] [host<-vm] proxy_on_tick return: void\n\
            [t][7][trace][wasm] [f:1] [host<-vm] proxy_on_request_headers return: 0\n\
            [t][7][trace][wasm] [f:1] [host->vm] proxy_on_log(5)\n\
            [t][7][trace][wasm] [f:1] [host<-vm] proxy_on_log return: void\n";
        assert!(tally(log).is_none());
        let end = "[t][7][trace][wasm] [f:1] [host->vm] proxy_on_delete(5)\n\
            [t][7][trace][wasm] [f:1] [host<-vm] proxy_on_delete return: void\n";
        let by_name = tally(&format!("{log}{end}")).unwrap();
        let names: Vec<_> = by_name.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let expected = [
            ("proxy_get_buffer_bytes", 1),
            ("proxy_on_delete", 1),
            ("proxy_on_log", 1),
            ("proxy_on_request_headers", 1),
        ];
        assert_eq!(names, expected);
    }
}
