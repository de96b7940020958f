//! The matrix as text.

use std::io::{self, Write};

use crate::cell::Cell;
use crate::store::Impossible;
use crate::verdict::Verdict;

/// What became of a line.
pub(crate) type Outcome = Result<Verdict, Impossible>;

/// The head, and what the columns say.
pub(crate) fn head(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "Of each line's requests: those asked; those that finished, were hung up by their client, were cut off, or got no answer; of these \
         the ones\non record as they ended, as lost, otherwise; not on record and excused. In capitals what must be 0, as must be what is lost where no Envoy \
         dies.\n"
    )?;
    writeln!(
        out,
        "{:36} {:>5} {:>8} {:>7} {:>4} {:>9} | {:>8} {:>5} {:>9} {:>7} {:>7} {:>7} {:>8}",
        "",
        "asked",
        "finished",
        "hung up",
        "cut",
        "no answer",
        "as ended",
        "lost",
        "OTHERWISE",
        "excused",
        "MISSING",
        "DOUBLED",
        "SUMS OFF"
    )
}

/// One line.
pub(crate) fn line(out: &mut impl Write, cell: Cell, outcome: &Outcome) -> io::Result<()> {
    match outcome {
        Ok(verdict) => writeln!(
            out,
            "{cell:36} {:>5} {:>8} {:>7} {:>4} {:>9} | {:>8} {:>5} {:>9} {:>7} {:>7} {:>7} {:>8}",
            verdict.asked,
            verdict.finished,
            verdict.hung_up,
            verdict.cut,
            verdict.unanswered,
            verdict.as_ended,
            verdict.lost,
            verdict.otherwise,
            verdict.excused,
            verdict.missing,
            verdict.doubled,
            verdict.sums_off,
        ),
        Err(Impossible::Here(why)) => writeln!(out, "{cell:36} not played: {why}"),
        Err(Impossible::Failed(why)) => writeln!(out, "{cell:36} FAILED: {why}"),
    }
}

/// What of a line is to be looked at.
pub(crate) fn examples(out: &mut impl Write, cell: Cell, outcome: &Outcome) -> io::Result<()> {
    let Ok(verdict) = outcome else { return Ok(()) };
    let undrained = (verdict.in_spool > 0).then(|| format!("the spool still has {} entries", verdict.in_spool));
    let idle = (verdict.finished == 0).then(|| "no request finished".to_owned());
    let examples: Vec<&String> = verdict.examples.iter().chain(&undrained).chain(&idle).collect();
    if examples.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{cell}")?;
    examples.into_iter().try_for_each(|example| writeln!(out, "    {example}"))
}
