//! The orders in which a route's targets can be tried, each with its share of the traffic.

use super::target::Target;

/// Most orders that a route may have: each may need an Envoy cluster of its own.
pub const MAX_CHAINS: usize = 64;

/// An ordered list of targets with its weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Indexes into the targets of the route.
    pub order: Vec<usize>,
    /// Its share among the weights of all chains of the route, whose sum fits 64 bits.
    pub weight: u64,
}

/// Why a route's targets make no chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchainable {
    /// There would be so many orders.
    TooMany(usize),
    /// The weights of all priorities multiply to more than 64 bits.
    TooFine,
}

/// Every order of `targets`, which are sorted by priority.
///
/// Each priority is a group. One target of a group is drawn by weight, the others follow in rotation, so a group of n
/// targets has at most n orders: those that begin with a target of weight above 0. Orders of groups multiply, and so do
/// their weights, exactly; what the weights of a group have in common is left out first.
///
/// # Errors
/// When there are too many, or their weights are too large to be exact.
pub fn chains(targets: &[Target]) -> Result<Vec<Chain>, Unchainable> {
    let groups = groups(targets);
    let count = groups.iter().fold(1, |count: usize, group| count.saturating_mul(group.leaders.len()));
    if count > MAX_CHAINS {
        return Err(Unchainable::TooMany(count));
    }
    let sums = groups.iter().map(|group| group.leaders.iter().map(|leader| leader.weight).sum());
    sums.into_iter().try_fold(1, u64::checked_mul).ok_or(Unchainable::TooFine)?;
    let none = Chain { order: Vec::new(), weight: 1 };
    Ok(groups.iter().fold(vec![none], |chains, group| {
        chains.iter().flat_map(|chain| group.leaders.iter().map(|leader| group.after(chain, leader))).collect()
    }))
}

/// The targets of one priority.
struct Group {
    members: Vec<usize>,
    leaders: Vec<Leader>,
}

/// A target that can be drawn.
struct Leader {
    /// Its position among the members.
    at: usize,
    /// Without what the weights of the group have in common.
    weight: u64,
}

impl Group {
    /// A chain of the priorities before, with this one's members behind it, `leader` first.
    fn after(&self, chain: &Chain, leader: &Leader) -> Chain {
        let mut rotation = self.members.clone();
        rotation.rotate_left(leader.at);
        Chain { order: [&chain.order[..], &rotation].concat(), weight: chain.weight * leader.weight }
    }
}

fn groups(targets: &[Target]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut first = 0;
    for same in targets.chunk_by(|a, b| a.priority == b.priority) {
        let common = same.iter().fold(0, |common, target| divisor(common, u64::from(target.weight))).max(1);
        let weights = same.iter().map(|target| u64::from(target.weight) / common).enumerate();
        let leaders = weights.filter(|(_, weight)| *weight > 0).map(|(at, weight)| Leader { at, weight }).collect();
        groups.push(Group { members: (first..first + same.len()).collect(), leaders });
        first += same.len();
    }
    groups
}

/// The greatest common divisor; of 0 and another number the other.
fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(weights_and_priorities: &[(u32, u32)]) -> Result<Vec<(Vec<usize>, u64)>, Unchainable> {
        let target = |&(weight, priority)| Target { provider: "p".to_owned(), model: None, weight, priority };
        let targets: Vec<Target> = weights_and_priorities.iter().map(target).collect();
        Ok(chains(&targets)?.into_iter().map(|chain| (chain.order, chain.weight)).collect())
    }

    #[test]
    fn one_target_has_one_order() {
        assert_eq!(made(&[(7, 0)]), Ok(vec![(vec![0], 1)]));
    }

    #[test]
    fn a_group_rotates_and_weight_zero_never_leads() {
        assert_eq!(made(&[(90, 0), (10, 0), (0, 0)]), Ok(vec![(vec![0, 1, 2], 9), (vec![1, 2, 0], 1)]));
    }

    #[test]
    fn orders_and_weights_of_groups_multiply() {
        let expected = [([0, 1, 2, 3, 4], 6), ([0, 1, 2, 4, 3], 3), ([1, 0, 2, 3, 4], 2), ([1, 0, 2, 4, 3], 1)];
        let expected = expected.map(|(order, weight)| (order.to_vec(), weight)).to_vec();
        assert_eq!(made(&[(3, 0), (1, 0), (1, 5), (2, 7), (1, 7)]), Ok(expected));
    }

    #[test]
    fn shares_are_those_of_each_group_multiplied() {
        let groups = [vec![3, 5], vec![0, 2, 7], vec![1_000_000, 999_999]];
        let targets: Vec<(u32, u32)> = (0_u32..)
            .zip(&groups)
            .flat_map(|(priority, weights)| weights.iter().map(move |weight| (*weight, priority)))
            .collect();
        let chains = made(&targets).unwrap();
        let total: u128 = chains.iter().map(|(_, weight)| u128::from(*weight)).sum();
        for (order, weight) in &chains {
            let firsts = [order[0], order[2], order[5]].map(|target| u128::from(targets[target].0));
            let sums = groups.iter().map(|weights| weights.iter().map(|weight| u128::from(*weight)).sum::<u128>());
            let (share, whole) = (firsts.iter().product::<u128>(), sums.product::<u128>());
            assert_eq!(u128::from(*weight) * whole, share * total, "{order:?}");
        }
    }

    #[test]
    fn what_cannot_be_served_is_said() {
        assert_eq!(made(&[(1, 0); 65]), Err(Unchainable::TooMany(65)));
        let fine: Vec<(u32, u32)> = (0..4).flat_map(|priority| [(1_000_000, priority), (999_999, priority)]).collect();
        assert_eq!(made(&fine), Err(Unchainable::TooFine));
    }
}
