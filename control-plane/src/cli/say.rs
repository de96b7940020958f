//! What commands print.

use std::io::Write as _;

/// Writes for the user; a reader that has gone is not an error.
pub(super) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}
