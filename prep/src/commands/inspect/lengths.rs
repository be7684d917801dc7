//! Distributions of lengths.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::number_format::grouped;

/// Bins of a histogram.
const MAX_BINS: u64 = 30;

/// Counts how often each length occurs.
///
/// Memory: 16 bytes for each distinct length.
#[derive(Debug, Default)]
pub struct LengthCounts(BTreeMap<u64, u64>);

/// A distribution in four numbers. Percentiles are lengths that occur, not means of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LengthSummary {
    /// The shortest.
    pub min: u64,
    /// 50 % are no longer.
    pub median: u64,
    /// 95 % are no longer.
    pub p95: u64,
    /// The longest.
    pub max: u64,
}

/// A range of lengths and how often they occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HistogramBin {
    /// The shortest length of the bin.
    pub from: u64,
    /// The longest length of the bin.
    pub to: u64,
    /// How often they occur.
    pub count: u64,
}

impl LengthCounts {
    /// Counts a length several times.
    pub fn add(&mut self, length: u64, count: u64) {
        *self.0.entry(length).or_default() += count;
    }

    /// The summary; `None` if no length was counted.
    pub fn summary(&self) -> Option<LengthSummary> {
        let (min, _) = self.0.first_key_value()?;
        let (max, _) = self.0.last_key_value()?;
        Some(LengthSummary { min: *min, median: self.percentile(0.5)?, p95: self.percentile(0.95)?, max: *max })
    }

    /// A histogram: at most 30 bins of a round width, and one more for the longest hundredth where it would need more bins. Empty if no
    /// length was counted.
    pub fn histogram(&self) -> Vec<HistogramBin> {
        self.bins_up_to(MAX_BINS)
    }

    fn bins_up_to(&self, max_bins: u64) -> Vec<HistogramBin> {
        let (Some((&first, _)), Some((&last, _))) = (self.0.first_key_value(), self.0.last_key_value()) else { return Vec::new() };
        let high = self.percentile(0.99).unwrap_or(last);
        let widths = (0..19).flat_map(|power| [1, 2, 5].map(|step| step * 10u64.pow(power)));
        let width = widths.into_iter().find(|width| high / width - first / width < max_bins).unwrap_or(u64::MAX);
        let bin = |at: u64| HistogramBin { from: at * width, to: at * width + (width - 1), count: 0 };
        let mut bins: Vec<HistogramBin> = (first / width..=high / width).map(bin).collect();
        let rest = (high / width + 1).saturating_mul(width);
        if last >= rest {
            bins.push(HistogramBin { from: rest, to: last, count: 0 });
        }
        for (&length, &count) in &self.0 {
            let at = ((length / width - first / width) as usize).min(bins.len() - 1);
            bins[at].count += count;
        }
        bins
    }

    /// The shortest length that this share of all is no longer than; `None` if no length was counted.
    fn percentile(&self, share: f64) -> Option<u64> {
        let total: u64 = self.0.values().sum();
        let mut rank = ((total as f64 * share).ceil() as u64).max(1);
        self.0.iter().find_map(|(length, count)| {
            let is_here = rank <= *count;
            rank = rank.saturating_sub(*count);
            is_here.then_some(*length)
        })
    }
}

/// The histograms of named lengths, without those of which none was counted.
pub fn histograms<'a>(lengths: impl IntoIterator<Item = (&'static str, &'a LengthCounts)>) -> BTreeMap<&'static str, Vec<HistogramBin>> {
    lengths.into_iter().map(|(name, lengths)| (name, lengths.histogram())).filter(|(_, bins)| !bins.is_empty()).collect()
}

impl std::fmt::Display for LengthSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "min {}, median {}, p95 {}, max {}", grouped(self.min), grouped(self.median), grouped(self.p95), grouped(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_summarized() {
        let summary = |lengths: &[(u64, u64)]| {
            let mut all = LengthCounts::default();
            lengths.iter().for_each(|&(length, count)| all.add(length, count));
            all.summary().map(|summary| (summary.min, summary.median, summary.p95, summary.max))
        };
        for (lengths, expected) in [
            (&[][..], None),
            (&[(7, 1)], Some((7, 7, 7, 7))),
            (&[(1, 2), (2, 2)], Some((1, 1, 2, 2))),
            (&[(1, 50), (5, 45), (9, 5)], Some((1, 1, 5, 9))),
            (&[(1, 50), (5, 44), (9, 6)], Some((1, 1, 9, 9))),
        ] {
            assert_eq!(summary(lengths), expected, "{lengths:?}");
        }
    }

    #[test]
    fn histograms_have_round_bins() {
        let bins = |lengths: &[(u64, u64)]| {
            let mut all = LengthCounts::default();
            lengths.iter().for_each(|&(length, count)| all.add(length, count));
            let bins: Vec<String> = all.bins_up_to(4).iter().map(|bin| format!("{}-{}:{}", bin.from, bin.to, bin.count)).collect();
            bins.join(" ")
        };
        for (lengths, expected) in [
            (&[][..], ""),
            (&[(7, 3)], "7-7:3"),
            (&[(0, 1), (3, 2)], "0-0:1 1-1:0 2-2:0 3-3:2"),
            (&[(1, 1), (5, 2)], "0-1:1 2-3:0 4-5:2"),
            (&[(12, 1), (48, 1)], "10-19:1 20-29:0 30-39:0 40-49:1"),
            (&[(1, 500), (3, 500), (9000, 1)], "1-1:500 2-2:0 3-3:500 4-9000:1"),
        ] {
            assert_eq!(bins(lengths), expected, "{lengths:?}");
        }
    }
}
