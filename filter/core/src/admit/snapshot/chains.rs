//! The orders in which a route's targets can be tried, and the draw among them.

use std::rc::Rc;

use super::Target;

/// An order of targets and the Envoy cluster that has one priority for each.
#[derive(Debug)]
pub struct Chain {
    /// What each priority of the cluster stands for; never empty.
    pub targets: Vec<Rc<Target>>,
    /// The cluster's name.
    pub cluster: String,
}

/// The chains of a route that can be drawn: at least one.
#[derive(Debug)]
pub struct Chains {
    /// All but the last one, with their weights.
    others: Vec<(u64, Chain)>,
    last: Chain,
    /// The sum of all weights.
    total: u64,
}

impl Chains {
    /// Keeps the chains that have a weight above 0; none where there are none, or where the weights' sum overflows.
    pub(super) fn new(weighted: impl IntoIterator<Item = (u64, Chain)>) -> Option<Self> {
        let mut others: Vec<(u64, Chain)> = weighted.into_iter().filter(|(weight, _)| *weight > 0).collect();
        let total = others.iter().try_fold(0_u64, |sum, (weight, _)| sum.checked_add(*weight))?;
        let (_, last) = others.pop()?;
        Some(Self { others, last, total })
    }

    /// The chain that falls to these random bits: each gets the share of them that its weight is of the sum.
    #[must_use]
    pub fn draw(&self, random: u64) -> &Chain {
        let mut point = scale(random, self.total);
        for (weight, chain) in &self.others {
            match point.checked_sub(*weight) {
                Some(rest) => point = rest,
                None => return chain,
            }
        }
        &self.last
    }
}

/// From all of 64 bits to below `bound`, evenly.
fn scale(random: u64, bound: u64) -> u64 {
    let scaled = u128::from(random).saturating_mul(u128::from(bound)) >> 64;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chains(weights: &[u64]) -> Option<Chains> {
        let chain = |number: usize| Chain { targets: Vec::new(), cluster: number.to_string() };
        Chains::new(weights.iter().enumerate().map(|(number, weight)| (*weight, chain(number))))
    }

    fn drawn(chains: &Chains, random: u64) -> usize {
        chains.draw(random).cluster.parse().unwrap()
    }

    #[test]
    fn without_a_weight_there_is_nothing_to_draw() {
        assert!(chains(&[]).is_none());
        assert!(chains(&[0, 0]).is_none());
        assert!(chains(&[u64::MAX, 1]).is_none(), "a sum that overflows has no shares");
    }

    proptest! {
        #[test]
        fn each_chain_gets_its_share(weights in prop::collection::vec(0_u64..1000, 1..20)) {
            const DRAWS: u64 = 10_000;
            let total: u64 = weights.iter().sum();
            prop_assume!(total > 0);
            let chains = chains(&weights).unwrap();
            let mut counts = vec![0_u64; weights.len()];
            for draw in 0..DRAWS {
                counts[drawn(&chains, draw * (u64::MAX / DRAWS))] += 1;
            }
            for (count, weight) in counts.iter().zip(&weights) {
                let expected = weight * DRAWS / total;
                prop_assert!(count.abs_diff(expected) <= 2, "{count} draws, {expected} expected: {weights:?}");
                prop_assert!(*weight > 0 || *count == 0, "a chain of weight 0 was drawn: {weights:?}");
            }
        }

        #[test]
        fn every_chain_with_a_weight_can_be_drawn(weights in prop::collection::vec(0_u64..1 << 58, 1..64)) {
            let total: u64 = weights.iter().sum();
            prop_assume!(total > 0);
            let chains = chains(&weights).unwrap();
            let mut before = 0_u64;
            for (number, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
                // The first random bits that are scaled to the chain's own stretch.
                let random = ((u128::from(before) << 64).div_ceil(u128::from(total))) as u64;
                prop_assert_eq!(drawn(&chains, random), number);
                before += weight;
            }
        }
    }
}
