//! libFuzzer around the target that `FUZZ_TARGET` names. `tools/fuzz` builds and runs it.

#![no_main]

use std::{env, process::exit, sync::OnceLock};

use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::{Target, target};

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
