//! Reports problems of a folder.

/// Problems that are reported one by one; all are counted.
const REPORTED: u64 = 20;

/// Counts problems and reports the first ones.
pub struct Problems<F> {
    count: u64,
    report: F,
}

impl<F: FnMut(String)> Problems<F> {
    /// No problem yet. `report` receives a line for each of the first problems.
    pub fn new(report: F) -> Self {
        Self { count: 0, report }
    }

    /// Adds a problem: where it is, and what was found and expected.
    pub fn add(&mut self, problem: String) {
        self.count += 1;
        if self.count <= REPORTED {
            (self.report)(format!("problem: {problem}"));
        }
    }

    /// Reports how many problems were not reported, and returns the number of all.
    pub fn finish(mut self) -> u64 {
        if self.count > REPORTED {
            (self.report)(format!("problem: and {} more", self.count - REPORTED));
        }
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_problems_are_reported_and_all_counted() {
        let mut lines = Vec::new();
        let mut problems = Problems::new(|line| lines.push(line));
        (0..25).for_each(|number| problems.add(number.to_string()));
        assert_eq!(problems.finish(), 25);
        assert_eq!((lines.len(), lines[19].as_str(), lines[20].as_str()), (21, "problem: 19", "problem: and 5 more"));
    }
}
