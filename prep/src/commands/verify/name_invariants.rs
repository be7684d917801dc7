//! The invariants of names.

use schemas::Name;

use super::row_invariants::{RowInvariants, RowProblem};

/// Checks names: neighbours with the same name and label have the same counts. What a row tells by itself, such as its share, is checked with
/// the row.
#[derive(Debug, Default)]
pub struct NameInvariants {
    last: Option<Name>,
}

/// What a slice of rows tells: problems within it, and the rows at its ends.
pub struct CheckedNames {
    problems: Vec<RowProblem>,
    ends: Option<(u64, Name, Name)>,
}

impl RowInvariants<Name> for NameInvariants {
    type Slice = CheckedNames;

    fn check_slice(first_row: u64, mut rows: Vec<Name>) -> Self::Slice {
        let mut problems = Vec::new();
        for (number, pair) in (first_row + 1..).zip(rows.windows(2)) {
            compare(&pair[0], &pair[1], number, &mut problems);
        }
        let ends = rows.pop().map(|last| (first_row, rows.into_iter().next().unwrap_or_else(|| last.clone()), last));
        CheckedNames { problems, ends }
    }

    fn join(&mut self, slice: Self::Slice, problems: &mut Vec<RowProblem>) -> bool {
        if let Some((number, first, last)) = slice.ends
            && let Some(before) = self.last.replace(last)
        {
            compare(&before, &first, number, problems);
        }
        problems.extend(slice.problems);
        true
    }

    fn check_rows(&mut self, first_row: u64, rows: Vec<Name>, problems: &mut Vec<RowProblem>) {
        self.join(Self::check_slice(first_row, rows), problems);
    }

    fn rows_missing(&mut self) {
        self.last = None;
    }

    fn check_end(&mut self, _: &mut dyn FnMut(String)) {}
}

/// Compares the counts of two neighbours.
fn compare(before: &Name, row: &Name, number: u64, problems: &mut Vec<RowProblem>) {
    let key = |row: &Name| (row.name.clone(), row.label.clone(), row.lang.clone());
    let counts = |row: &Name| (row.count, row.others, row.unlinked);
    if counts(before) != counts(row) && key(before) == key(row) {
        let (found, expected) = (counts(row), counts(before));
        problems.push((number, format!("{:?} has the counts {found:?}, the row before it {expected:?}", row.name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_name_have_the_same_counts() {
        let name = |name: &str, count| Name { name: name.to_owned(), count, ..Name::default() };
        let mut invariants = NameInvariants::default();
        let mut problems = Vec::new();
        for (first_row, rows) in
            [(0, vec![name("Arden", 1), name("Arden", 1), name("Oslo", 3)]), (3, vec![name("Oslo", 4), name("Oslo", 5)])]
        {
            assert!(invariants.join(NameInvariants::check_slice(first_row, rows), &mut problems));
        }
        let found: Vec<u64> = problems.iter().map(|(row, _)| *row).collect();
        assert_eq!(found, [3, 4]);
        assert_eq!(problems[0].1, "\"Oslo\" has the counts (4, 0, None), the row before it (3, 0, None)");
    }
}
