//! What the fuzzing script needs of the targets: their names, seeds and words, and one input run again.
//!
//! ```text
//! fuzz-inputs targets               their names, a line each
//! fuzz-inputs seeds TARGET FOLDER   write the seeds into a folder
//! fuzz-inputs words                 the words that readers know, as a dictionary of libFuzzer
//! fuzz-inputs replay TARGET FILE    run one input; the fault shows as a panic
//! ```

use std::{env, fs, io, path::Path, process::ExitCode};

use tollgate_fuzz::{TARGETS, Target, mutate::TOKENS, target};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match (&*words, words.get(1).and_then(|name| target(name))) {
        (["targets"], _) => print(TARGETS.iter().map(|target| format!("{}\n", target.name))),
        (["words"], _) => {
            print(TOKENS.iter().map(|token| format!("\"{}\"\n", token.as_bytes().iter().map(hex).collect::<String>())))
        }
        (["seeds", _, folder], Some(target)) => write_seeds(target, Path::new(folder)),
        (["replay", _, file], Some(target)) => fs::read(file).map(|input| (target.run)(&input)),
        _ => Err(io::Error::other("usage: fuzz-inputs targets | seeds TARGET FOLDER | words | replay TARGET FILE")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn hex(byte: &u8) -> String {
    format!("\\x{byte:02x}")
}

fn print(lines: impl Iterator<Item = String>) -> io::Result<()> {
    io::Write::write_all(&mut io::stdout().lock(), lines.collect::<String>().as_bytes())
}

fn write_seeds(target: Target, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let write = |(index, seed): (usize, Vec<u8>)| fs::write(folder.join(format!("seed-{index:05}")), seed);
    (target.seeds)().into_iter().enumerate().try_for_each(write)
}
