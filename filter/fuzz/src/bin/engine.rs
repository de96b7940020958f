//! libFuzzer around the target that `FUZZ_TARGET` names. `tools/fuzz` builds and runs it.

#![no_main]

use std::{env, process::exit, sync::OnceLock};

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use tollgate_fuzz::{Target, mutate::mutate, target};

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = env::var("FUZZ_TARGET").unwrap_or_default();
        let Some(target) = target(&name) else {
            eprintln!("FUZZ_TARGET names no target: {name:?}");
            exit(2);
        };
        let _ = TARGET.set(target);
    },
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(data);
        }
    }
);

// Every other change is one that knows JSON: the engine's own seldom leave a text that parses.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(2) {
        return fuzzer_mutate(data, size, max_size);
    }
    let input = data.get(..size).unwrap_or_default();
    let mutated = mutate(input, input, &mut fastrand::Rng::with_seed(seed.into()));
    let size = mutated.len().min(max_size).min(data.len());
    if let (Some(place), Some(mutated)) = (data.get_mut(..size), mutated.get(..size)) {
        place.copy_from_slice(mutated);
    }
    size
});
