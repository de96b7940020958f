//! The orders in which a route's targets can be tried.

use crate::config::Target;

/// Most orders that a route may have: each may need an Envoy cluster of its own.
pub const MAX_CHAINS: usize = 64;

/// How many orders there are, without making them; `targets` by ascending priority.
pub fn chain_count(targets: &[Target]) -> usize {
    groups(targets).iter().fold(1, |count: usize, group| count.saturating_mul(group.leaders.len()))
}

/// Every order, as indexes into `targets`, which are sorted by priority.
///
/// Each priority is a group. The gate draws one target of a group by weight, the others follow in rotation, so a group
/// of n targets has at most n orders: those that begin with a target of weight above 0. Orders of groups multiply.
pub(super) fn chains(targets: &[Target]) -> Vec<Vec<usize>> {
    groups(targets).into_iter().fold(vec![Vec::new()], |chains, group| {
        let continued = |chain: &Vec<usize>| -> Vec<Vec<usize>> {
            group.rotations().map(|rotation| [chain.as_slice(), &rotation].concat()).collect()
        };
        chains.iter().flat_map(continued).collect()
    })
}

struct Group {
    members: Vec<usize>,
    /// Positions in `members` that can be drawn.
    leaders: Vec<usize>,
}

impl Group {
    fn rotations(&self) -> impl Iterator<Item = Vec<usize>> {
        self.leaders.iter().map(|&leader| {
            let mut rotation = self.members.clone();
            rotation.rotate_left(leader);
            rotation
        })
    }
}

fn groups(targets: &[Target]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut first = 0;
    for same in targets.chunk_by(|a, b| a.priority == b.priority) {
        let leaders = same.iter().enumerate().filter(|(_, target)| target.weight > 0).map(|(i, _)| i).collect();
        groups.push(Group { members: (first..first + same.len()).collect(), leaders });
        first += same.len();
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(weights_and_priorities: &[(u32, u32)]) -> Vec<Target> {
        let target = |&(weight, priority)| Target { provider: "p".to_owned(), model: None, weight, priority };
        weights_and_priorities.iter().map(target).collect()
    }

    #[test]
    fn one_target_has_one_order() {
        assert_eq!(chains(&targets(&[(1, 0)])), [[0]]);
    }

    #[test]
    fn a_group_rotates_and_weight_zero_never_leads() {
        assert_eq!(chains(&targets(&[(9, 0), (1, 0), (0, 0)])), [[0, 1, 2], [1, 2, 0]]);
    }

    #[test]
    fn orders_of_groups_multiply() {
        let targets = targets(&[(1, 0), (1, 0), (1, 5), (1, 7), (1, 7)]);
        let expected = [[0, 1, 2, 3, 4], [0, 1, 2, 4, 3], [1, 0, 2, 3, 4], [1, 0, 2, 4, 3]];
        assert_eq!(chains(&targets), expected);
        assert_eq!(chain_count(&targets), 4);
    }
}
