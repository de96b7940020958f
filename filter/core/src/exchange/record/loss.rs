//! What a translation could not carry, as much of it as goes on record.

use super::said::clean;
use crate::canonical::{Loss, Losses};

/// Most losses that are told apart on one record.
const MAX_LISTED: usize = 32;
/// Longest path of one, in bytes: it may repeat names that the client chose.
const MAX_PATH: usize = 256;

/// The first losses, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LossList {
    /// The first 32, in the order in which they were met.
    pub first: Vec<Loss>,
    /// Of all.
    pub count: u32,
}

impl LossList {
    /// What the request lost, then what the answer lost.
    #[must_use]
    pub fn of(lists: [&Losses; 2]) -> Self {
        let all = lists.into_iter().flat_map(Losses::iter);
        let first = all.take(MAX_LISTED).map(|loss| Loss { path: clean(&loss.path, MAX_PATH).into(), ..*loss });
        let count = lists.into_iter().map(Losses::len).fold(0, usize::saturating_add);
        Self { first: first.collect(), count: u32::try_from(count).unwrap_or(u32::MAX) }
    }

    /// As [`Record::size`](super::Record::size).
    pub(super) fn size(&self) -> usize {
        let of_one = |loss: &Loss| size_of::<Loss>().saturating_add(loss.path.len()).saturating_add(loss.reason.len());
        self.first.iter().map(of_one).fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::LossKind;

    #[test]
    fn the_first_losses_are_listed_and_all_are_counted() {
        let (mut request, mut answer) = (Losses::default(), Losses::default());
        (0..30).for_each(|n| request.declare(format!("member.{n}"), "unknown"));
        (0..30).for_each(|n| answer.approximate(format!("\0{}", "é".repeat(200 + n)), "clamped"));
        let lost = LossList::of([&request, &answer]);
        assert_eq!((lost.first.len(), lost.count), (32, 60));
        assert_eq!((&*lost.first[29].path, lost.first[29].kind), ("member.29", LossKind::Dropped));
        let last = &lost.first[31];
        assert_eq!((last.kind, last.path.len()), (LossKind::Approximated, 255), "cut between characters");
        assert!(last.path.starts_with("?é"));
    }
}
