//! Buckets: sentences partitioned by their number of spans.

use std::str::FromStr;

use serde::Serialize;

/// Ranges of numbers of spans, ascending and without overlaps, as in `1-3,4-6,7+`.
///
/// ```
/// use prep::label::buckets::Buckets;
///
/// let buckets: Buckets = "1-3,4+".parse()?;
/// assert_eq!([0, 2, 9].map(|spans| buckets.of(spans)), [None, Some(0), Some(1)]);
/// assert!(buckets.folders().eq(["entities=1-3", "entities=4+"]));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets(Vec<Bucket>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bucket {
    first: usize,
    /// `None`: without an upper limit.
    last: Option<usize>,
}

impl Buckets {
    /// Number of the bucket that a sentence with so many spans belongs to.
    pub fn of(&self, spans: usize) -> Option<usize> {
        self.0.iter().position(|bucket| bucket.first <= spans && bucket.last.is_none_or(|last| spans <= last))
    }

    /// Folders of the buckets, named as readers of Hive-partitioned Parquet expect.
    pub fn folders(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|bucket| format!("entities={bucket}"))
    }
}

impl FromStr for Buckets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut buckets: Vec<Bucket> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let number = |text: &str| text.trim().parse::<usize>().ok();
            let bucket = match (part.strip_suffix('+'), part.split_once('-')) {
                (Some(first), _) => number(first).map(|first| Bucket { first, last: None }),
                (None, Some((first, last))) => number(first).zip(number(last)).map(|(first, last)| Bucket { first, last: Some(last) }),
                (None, None) => number(part).map(|only| Bucket { first: only, last: Some(only) }),
            };
            let Some(bucket) = bucket.filter(|bucket| bucket.last.is_none_or(|last| bucket.first <= last)) else {
                return Err(format!("`{part}` is not a range of numbers; expected ranges as in 1-3,4-6,7+"));
            };
            if buckets.last().is_some_and(|before| before.last.is_none_or(|last| bucket.first <= last)) {
                return Err(format!("`{part}` does not begin after the range before it; expected ascending ranges, as in 1-3,4-6,7+"));
            }
            buckets.push(bucket);
        }
        Ok(Self(buckets))
    }
}

impl std::fmt::Display for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.last {
            None => write!(f, "{}+", self.first),
            Some(last) if last == self.first => write!(f, "{last}"),
            Some(last) => write!(f, "{}-{last}", self.first),
        }
    }
}

impl Serialize for Buckets {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Bucket::to_string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_parsed() {
        let buckets: Buckets = "0, 1-3,5+".parse().unwrap();
        assert_eq!([0, 1, 3, 4, 5, 99].map(|spans| buckets.of(spans)), [Some(0), Some(1), Some(1), None, Some(2), Some(2)]);
        assert_eq!(buckets.folders().collect::<Vec<_>>(), ["entities=0", "entities=1-3", "entities=5+"]);
        for wrong in ["", "a", "3-1", "1-3,3-4", "4+,5", "1-", "-2", "1-2-3", "1,,2"] {
            assert!(wrong.parse::<Buckets>().is_err(), "{wrong}");
        }
    }
}
