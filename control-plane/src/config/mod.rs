//! The configuration file: read strictly, every mistake reported with its line and column.
//!
//! Three steps, three shapes: the text is read into [`raw`] (what may be written where), its variables are expanded and
//! its values checked into the [`domain`](crate::domain) (what cannot be invalid), and [`compile`](mod@crate::compile)
//! makes a snapshot of that.

mod environment;
mod file;
mod problem;
mod raw;
mod resolve;
mod scalar;

use std::path::Path;

pub use environment::Environment;
pub use file::{Config, DEFAULT_MAX_BODY, DEFAULT_SPOOL, SpoolSetting};
pub use problem::{Problem, Problems};

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Every mistake of the file, or that it cannot be read.
    pub fn load(path: &Path, environment: &Environment) -> Result<Self, Problems> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text, environment),
            Err(error) => Err(Problems::whole_file(&file, format!("cannot be read: {error}"))),
        }
    }

    /// Reads and checks a text; `file` is the name that errors give.
    ///
    /// # Errors
    /// The first mistake of syntax, or every mistake of meaning in the order of the text.
    pub fn parse(file: &str, text: &str, environment: &Environment) -> Result<Self, Problems> {
        let raw = raw::read(file, text)?;
        resolve::resolve(file, raw, environment)
    }
}
