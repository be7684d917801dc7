//! Numbers of clusters that stay the same from epoch to epoch.

/// How many points each pair of an old and a new cluster has in common.
#[derive(Debug, Clone)]
pub struct Overlap(Vec<Vec<i64>>);

impl Overlap {
    /// No points, in so many clusters.
    pub fn new(clusters: usize) -> Self {
        Self(vec![vec![0; clusters]; clusters])
    }

    /// Adds a point by its old and its new cluster.
    ///
    /// # Panics
    /// There is no such cluster.
    pub fn add(&mut self, old: u32, new: u32) {
        self.0[new as usize][old as usize] += 1;
    }

    /// A number for each new cluster, so that as many points as possible keep the number that they had: the assignment problem on the
    /// overlaps (Kuhn 1955).
    pub fn numbers(&self) -> Vec<u32> {
        let cost: Vec<Vec<i64>> = self.0.iter().map(|row| row.iter().map(|points| -points).collect()).collect();
        hungarian_assignment(&cost).into_iter().map(|number| number as u32).collect()
    }
}

/// The column of each row, each column used once, at the least total cost: the Hungarian method by shortest augmenting paths (Jonker and
/// Volgenant 1987). Takes time by the cube of the size.
fn hungarian_assignment(cost: &[Vec<i64>]) -> Vec<usize> {
    let size = cost.len();
    // Column 0 is where each path starts; rows and columns count from 1. The potentials are the dual variables of rows and columns.
    let (mut row_potential, mut column_potential) = (vec![0i64; size + 1], vec![0i64; size + 1]);
    let mut row_at = vec![0usize; size + 1];
    for row in 1..=size {
        row_at[0] = row;
        let mut column = 0;
        let mut least = vec![i64::MAX; size + 1];
        let mut from = vec![0usize; size + 1];
        let mut seen = vec![false; size + 1];
        while row_at[column] != 0 {
            seen[column] = true;
            let (row, mut step, mut next) = (row_at[column], i64::MAX, 0);
            for other in 1..=size {
                if seen[other] {
                    continue;
                }
                let reduced = cost[row - 1][other - 1] - row_potential[row] - column_potential[other];
                if reduced < least[other] {
                    least[other] = reduced;
                    from[other] = column;
                }
                if least[other] < step {
                    step = least[other];
                    next = other;
                }
            }
            for other in 0..=size {
                if seen[other] {
                    row_potential[row_at[other]] += step;
                    column_potential[other] -= step;
                } else {
                    least[other] -= step;
                }
            }
            column = next;
        }
        while column != 0 {
            row_at[column] = row_at[from[column]];
            column = from[column];
        }
    }
    let mut columns = vec![0; size];
    (1..=size).for_each(|column| columns[row_at[column] - 1] = column - 1);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &[u32], now: &[u32], count: usize, expected: &[u32]) {
        let mut overlap = Overlap::new(count);
        before.iter().zip(now).for_each(|(&old, &new)| overlap.add(old, new));
        let numbers = overlap.numbers();
        assert_eq!(now.iter().map(|&cluster| numbers[cluster as usize]).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn most_points_keep_their_number() {
        check(&[0, 0, 1, 1, 2], &[2, 2, 0, 0, 1], 3, &[0, 0, 1, 1, 2]);
        // The larger overlap keeps its number; the other takes what is left.
        check(&[0, 0, 0, 0, 1], &[0, 0, 1, 1, 1], 2, &[0, 0, 1, 1, 1]);
        check(&[], &[], 3, &[]);
    }

    #[test]
    fn the_assignment_has_the_least_cost_of_all_permutations() {
        // Against all permutations of 5.
        fn best(cost: &[Vec<i64>], row: usize, free: &mut Vec<usize>) -> i64 {
            if row == cost.len() {
                return 0;
            }
            let totals = (0..free.len()).map(|at| {
                let column = free.remove(at);
                let total = cost[row][column] + best(cost, row + 1, free);
                free.insert(at, column);
                total
            });
            totals.collect::<Vec<_>>().into_iter().min().unwrap()
        }
        let mut state = 1u64;
        for _ in 0..50 {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as i64 % 20 - 10
            };
            let cost: Vec<Vec<i64>> = (0..5).map(|_| (0..5).map(|_| next()).collect()).collect();
            let columns = hungarian_assignment(&cost);
            let total: i64 = columns.iter().enumerate().map(|(row, &column)| cost[row][column]).sum();
            assert_eq!(total, best(&cost, 0, &mut (0..5).collect()), "{cost:?}");
        }
    }
}
