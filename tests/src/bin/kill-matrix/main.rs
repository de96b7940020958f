//! `kill-matrix`: what is lost when parts of the system die, as a table (tests/README.md).

mod cell;
mod options;
mod random;
mod round;
mod store;
mod table;
mod traffic;
mod verdict;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::SystemTime;

use clap::Parser as _;
use tokio::sync::Semaphore;
use tokio::task::{LocalSet, spawn_local};

use cell::Cell;
use options::Options;
use random::Random;
use store::Impossible;
use table::Outcome;
use verdict::Verdict;

/// The exit status where all that was played holds, but not all was played.
const UNPLAYED: u8 = 3;

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    // What waits for parts of a system stays on one thread; the traffic and the providers have the others.
    LocalSet::new().run_until(run(Rc::new(Options::parse()))).await
}

async fn run(options: Rc<Options>) -> io::Result<ExitCode> {
    let cells = options.cells();
    let mut out = io::stdout();
    if options.list {
        cells.iter().try_for_each(|cell| writeln!(out, "{cell}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    if cells.is_empty() {
        eprintln!("error: there is no such line; --list names them");
        return Ok(ExitCode::from(2));
    }
    let seed = options.seed.unwrap_or_else(seed_of_now);
    writeln!(out, "seed {seed}")?;
    table::head(&mut out)?;

    // Each line is drawn from the seed by itself, so that --only plays what the whole matrix played.
    let free = Rc::new(Semaphore::new(options.parallel as usize));
    let lines: Vec<_> =
        cells.iter().map(|cell| spawn_local(rounds(*cell, seed, Rc::clone(&options), Rc::clone(&free)))).collect();
    let mut outcomes = Vec::new();
    for (cell, line) in cells.into_iter().zip(lines) {
        let outcome = line.await.unwrap_or_else(|panic| Err(Impossible::Failed(panic.to_string())));
        table::line(&mut out, cell, &outcome)?;
        out.flush()?;
        outcomes.push((cell, outcome));
    }
    outcomes.iter().try_for_each(|(cell, outcome)| table::examples(&mut out, *cell, outcome))?;
    let well = |outcome: &Outcome| match outcome {
        Ok(verdict) => verdict.holds(),
        Err(impossible) => matches!(impossible, Impossible::Here(_)),
    };
    let holds = outcomes.iter().all(|(_, outcome)| well(outcome));
    let unplayed: Vec<String> = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Err(Impossible::Here(_))))
        .map(|(cell, _)| cell.to_string())
        .collect();
    if !unplayed.is_empty() {
        writeln!(out, "\n{} of {} lines not played: {}", unplayed.len(), outcomes.len(), unplayed.join("; "))?;
    }
    Ok(match (holds, unplayed.is_empty() || options.allow_unplayed) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => ExitCode::from(UNPLAYED),
        (true, true) => ExitCode::SUCCESS,
    })
}

/// All rounds of a line, one after another.
async fn rounds(cell: Cell, seed: u64, options: Rc<Options>, free: Rc<Semaphore>) -> Outcome {
    let name = cell.to_string();
    let seed = name.bytes().fold(seed, |seed, byte| Random::new(seed ^ u64::from(byte)).next());
    let mut sum = Verdict::default();
    for round in 0..options.rounds {
        let _permit = free.acquire().await;
        let sessions = format!("{}-{round}", name.replace([' ', ':', ','], "-"));
        sum.add(round::play(cell, &sessions, seed.wrapping_add(u64::from(round)), &options).await?);
    }
    Ok(sum)
}

fn seed_of_now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs()
}
