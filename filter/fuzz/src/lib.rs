//! Fuzzing of everything in the filter that reads bytes from outside. No input may panic, hang or grow without bound, and
//! how it was split may change nothing.
//!
//! A target is a plain function of bytes that panics when something is wrong. Two runners drive the same targets: a test
//! with a fixed number of mutated seeds, which always does the same (`tests/short.rs`), and libFuzzer, guided by coverage,
//! for as long as one likes (`make fuzz`).

mod framing;
pub mod mutate;
mod seeds;
mod split;
mod text;
mod translation;

use std::path::{Path, PathBuf};

/// One thing to fuzz.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line and in the names of failures.
    pub name: &'static str,
    /// Panics when these bytes show a fault.
    pub run: fn(&[u8]),
    /// Inputs to begin from, made of recordings.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 9] = [
    Target { name: "sse", run: framing::sse, seeds: seeds::streams },
    Target { name: "eventstream", run: framing::eventstream, seeds: seeds::streams },
    Target { name: "array", run: framing::array, seeds: seeds::arrays },
    Target { name: "envelope", run: text::envelope, seeds: seeds::texts },
    Target { name: "node", run: text::node, seeds: seeds::texts },
    Target { name: "watch", run: text::watch, seeds: seeds::texts },
    Target { name: "request", run: translation::request, seeds: seeds::requests },
    Target { name: "relay", run: translation::relay, seeds: seeds::answers },
    Target { name: "error", run: translation::error, seeds: seeds::answers },
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Where inputs that showed a fault are kept, as `<target>-<kind>-<hash>`.
#[must_use]
pub fn failures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("failures")
}
