//! Which steps of a chain are walked where others are left out: the gate names them, and the chain's cluster has to know the name.

use std::fmt;

/// Some steps of a chain, in its order, by their places in it; never all of them.
///
/// A chain's cluster says at each of its endpoints which subsets it belongs to, and Envoy then walks only the endpoints of the one
/// that a request names
/// (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/subsets>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subset(Vec<usize>);

impl Subset {
    /// The request's header that names the subset; absent where nothing is left out.
    pub const HEADER: &str = "x-tollgate-steps";

    /// So many steps of a chain, from the first, can be left out in any combination. Each subset costs Envoy memory in every worker
    /// (docs/ENVOY.md), and their number doubles with each step.
    pub const FREE_STEPS: usize = 4;

    /// Every subset of a chain of so many steps. Of a chain with more than [`Self::FREE_STEPS`]: every subset of the first ones, and each
    /// further step alone. So there are at most 14, or 11 more than steps.
    #[must_use]
    pub fn all(steps: usize) -> Vec<Self> {
        let free = steps.min(Self::FREE_STEPS);
        let choices = (1_u32 << free).saturating_sub(1);
        let chosen = |bits: u32| Self((0..free).filter(|step| bits & (1 << step) != 0).collect());
        let alone = (free..steps).map(|step| Self(vec![step]));
        (1..=choices).map(chosen).chain(alone).filter(|subset| subset.0.len() < steps).collect()
    }

    /// The largest one of a chain of so many steps that has only steps of `usable`, which is ascending; of those that are as large, the
    /// one that begins first, so that the first usable step is always in it. `None` where all of the chain is usable, or nothing is.
    #[must_use]
    pub fn largest(usable: &[usize], steps: usize) -> Option<Self> {
        if usable.is_empty() || usable.len() >= steps {
            return None;
        }
        let free = usable.iter().filter(|step| **step < Self::FREE_STEPS).count();
        Some(Self(usable.iter().take(free.max(1)).copied().collect()))
    }

    /// Its steps, ascending.
    #[must_use]
    pub fn steps(&self) -> &[usize] {
        &self.0
    }
}

/// As the header and the metadata of endpoints name it: `0+2`.
impl fmt::Display for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            write!(f, "{}{step}", if index > 0 { "+" } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(steps: usize) -> Vec<String> {
        Subset::all(steps).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn short_chains_have_every_subset_and_longer_ones_a_bounded_choice() {
        assert!(names(1).is_empty(), "there is nothing to leave out");
        assert_eq!(names(2), ["0", "1"]);
        assert_eq!(names(3), ["0", "1", "0+1", "2", "0+2", "1+2"]);
        assert_eq!(names(4).len(), 14);
        let long = names(6);
        assert_eq!((long.len(), &long[14..]), (17, &["0+1+2+3".to_owned(), "4".to_owned(), "5".to_owned()][..]));
    }

    proptest! {
        #[test]
        fn each_is_a_part_of_the_chain_in_its_order_and_there_is_none_twice(steps in 1_usize..40) {
            let all = Subset::all(steps);
            prop_assert!(all.len() <= 14.max(steps + 11));
            for (index, subset) in all.iter().enumerate() {
                let kept = subset.steps();
                prop_assert!(!kept.is_empty() && kept.len() < steps, "{subset}");
                prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]) && kept.iter().all(|step| *step < steps), "{subset}");
                prop_assert!(!all[..index].contains(subset), "{subset} is there twice");
            }
        }

        #[test]
        fn the_largest_of_what_is_usable_is_one_that_the_cluster_has(steps in 2_usize..10, bits in any::<u16>()) {
            let usable: Vec<usize> = (0..steps).filter(|step| bits & (1 << step) != 0).collect();
            let all = Subset::all(steps);
            let Some(largest) = Subset::largest(&usable, steps) else {
                prop_assert!(usable.is_empty() || usable.len() == steps);
                return Ok(());
            };
            prop_assert!(all.contains(&largest), "{largest} of {usable:?}");
            prop_assert_eq!(largest.steps()[0], usable[0]);
            let fits = |subset: &&Subset| subset.steps().iter().all(|step| usable.contains(step));
            for other in all.iter().filter(fits) {
                let (size, other_size) = (largest.steps().len(), other.steps().len());
                prop_assert!(size > other_size || (size == other_size && largest.steps() <= other.steps()), "{largest}, {other}");
            }
        }
    }
}
