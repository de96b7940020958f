//! A short run of every target: its seeds, what failed before, and so many damaged seeds. Nothing is drawn by chance, so
//! that it fails for a change of the code and not for a day of the week.

#![expect(clippy::expect_used, reason = "a test that fails panics")]

use std::{fs, panic};

use fastrand::Rng;
use tollgate_fuzz::{failures, mutate::mutate, target};

/// Damaged inputs for each target.
const EXECUTIONS: usize = 2000;

fn run_short(name: &str) {
    let target = target(name).expect("a target of this name");
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "there are no fixtures to begin from");
    let mut random = Rng::with_seed(1);
    let damaged = (0..EXECUTIONS).map(|_| {
        let [seed, other] = [0; 2].map(|_| &seeds[random.usize(..seeds.len())]);
        mutate(seed, other, &mut random)
    });
    let failed_before = fs::read_dir(failures()).into_iter().flatten().flatten();
    let failed_before = failed_before
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{name}-")))
        .filter_map(|entry| fs::read(entry.path()).ok());
    for input in seeds.iter().cloned().chain(failed_before).chain(damaged) {
        if let Err(fault) = panic::catch_unwind(|| (target.run)(&input)) {
            fs::create_dir_all(failures()).expect("a folder for failures");
            let file = failures().join(format!("{name}-short"));
            fs::write(&file, &input).expect("a file for the failure");
            let file = file.display();
            eprintln!("the input is in {file}; to run it alone: tools/fuzz --replay {name} {file}");
            panic::resume_unwind(fault);
        }
    }
}

#[test]
fn sse_survives_damage() {
    run_short("sse");
}

#[test]
fn eventstream_survives_damage() {
    run_short("eventstream");
}

#[test]
fn array_survives_damage() {
    run_short("array");
}

#[test]
fn envelope_survives_damage() {
    run_short("envelope");
}

#[test]
fn node_survives_damage() {
    run_short("node");
}

#[test]
fn watch_survives_damage() {
    run_short("watch");
}

#[test]
fn request_survives_damage() {
    run_short("request");
}

#[test]
fn relay_survives_damage() {
    run_short("relay");
}

#[test]
fn error_survives_damage() {
    run_short("error");
}
