//! Which tables answer for which part of a range of time: whole days and hours from the roll-ups, the ragged ends from the
//! records.

use crate::domain::calendar::{DAY_MS, HOUR_MS};

/// Where sums are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Records,
    Hours,
    Days,
}

/// A table with the part of the range that it answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) source: Source,
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
}

/// The parts of a range, none of them empty and none overlapping, with nothing coarser than `coarsest`.
pub(super) fn parts(from: Option<i64>, to: Option<i64>, coarsest: Source) -> Vec<Part> {
    let mut parts = Vec::new();
    split(from, to, coarsest, &mut parts);
    parts
}

/// The whole units of the source in the middle, and what is before and after them from what is finer.
fn split(from: Option<i64>, to: Option<i64>, source: Source, parts: &mut Vec<Part>) {
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return;
    }
    let (unit, finer) = match source {
        Source::Records => return parts.push(Part { source, from, to }),
        Source::Hours => (HOUR_MS, Source::Records),
        Source::Days => (DAY_MS, Source::Hours),
    };
    let first = from.map(|from| from.saturating_add(unit - 1).div_euclid(unit).saturating_mul(unit));
    let end = to.map(|to| to.div_euclid(unit).saturating_mul(unit));
    if first.zip(end).is_some_and(|(first, end)| first >= end) {
        return split(from, to, finer, parts);
    }
    if first.is_some() {
        split(from, first, finer, parts);
    }
    parts.push(Part { source, from: first, to: end });
    if end.is_some() {
        split(end, to, finer, parts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_units_come_from_rollups_and_the_ends_from_records() {
        let shown = |from, to, coarsest| -> Vec<_> {
            parts(from, to, coarsest).into_iter().map(|part| (part.source, part.from, part.to)).collect()
        };
        let (from, to) = (DAY_MS - HOUR_MS - 1, 3 * DAY_MS + 1);
        assert_eq!(
            shown(Some(from), Some(to), Source::Days),
            [
                (Source::Records, Some(from), Some(DAY_MS - HOUR_MS)),
                (Source::Hours, Some(DAY_MS - HOUR_MS), Some(DAY_MS)),
                (Source::Days, Some(DAY_MS), Some(3 * DAY_MS)),
                (Source::Records, Some(3 * DAY_MS), Some(to)),
            ]
        );
        assert_eq!(shown(None, None, Source::Days), [(Source::Days, None, None)]);
        assert_eq!(shown(Some(1), Some(5), Source::Days), [(Source::Records, Some(1), Some(5))]);
        assert_eq!(shown(Some(5), Some(5), Source::Days), []);
        assert_eq!(shown(Some(0), Some(HOUR_MS), Source::Hours), [(Source::Hours, Some(0), Some(HOUR_MS))]);
    }

    #[test]
    fn every_moment_of_a_range_is_in_one_part() {
        for from in (0..3 * DAY_MS).step_by(7_777_777) {
            for to in (from + 1..3 * DAY_MS).step_by(9_999_991) {
                let parts = parts(Some(from), Some(to), Source::Days);
                let mut at = from;
                for part in &parts {
                    assert_eq!(part.from, Some(at));
                    at = part.to.expect("an end");
                }
                assert_eq!(at, to);
            }
        }
    }
}
