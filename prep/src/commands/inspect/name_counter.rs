//! Counts the names of a folder, shard by shard.

use std::path::Path;

use anyhow::bail;
use schemas::{Name, Row};

use super::name_statistics::{ListedName, NameStatistics};
use super::row_chunks::RowChunks;
use super::sample::Sample;
use crate::ordered_map::{Limits, TaskQueue, ordered_map};

/// The statistics of the names of a label, or of all.
///
/// # Errors
/// A shard cannot be read, or no row has the label.
pub fn count_names(chunks: &RowChunks, limits: Limits, label: Option<&str>, samples: usize) -> anyhow::Result<NameStatistics> {
    let mut statistics = NameStatistics::default();
    let (_, counted) = ordered_map(
        limits,
        &TaskQueue::default(),
        |feed| chunks.shards().iter().all(|shard| feed.send(shard, 0)),
        |shard| {
            let mut of_shard = NameStatistics::default();
            for_each_row(shard, label, |row| of_shard.add(row)).map(|()| of_shard)
        },
        |of_shard: anyhow::Result<NameStatistics>| -> anyhow::Result<()> {
            statistics.merge(of_shard?);
            Ok(())
        },
    );
    counted?;
    if let (Some(label), 0) = (label, statistics.rows) {
        let mut all = NameStatistics::default();
        chunks.shards().iter().try_for_each(|shard| for_each_row(shard, None, |row| all.add(row)))?;
        bail!("no row of label `{label}`; the folder has {}", all.labels.into_keys().collect::<Vec<_>>().join(", "));
    }
    let total = statistics.rows;
    let wanted = (samples as u64).min(total);
    let mut rows = 0u64;
    for shard in chunks.shards() {
        for_each_row(shard, label, |row| {
            // Evenly spread: the first row, and each that begins another of the `wanted` equal parts.
            let part = |row: u64| u128::from(row) * u128::from(wanted) / u128::from(total);
            if wanted > 0 && (rows == 0 || part(rows) > part(rows - 1)) {
                statistics.samples.push(sample_of_row(row));
            }
            rows += 1;
        })?;
    }
    Ok(statistics)
}

/// Calls `take` with the rows of a shard that have the label.
fn for_each_row(shard: &Path, label: Option<&str>, mut take: impl FnMut(&Name)) -> anyhow::Result<()> {
    for batch in schemas::shard::open_shard(shard)? {
        let rows = Name::from_batch(&batch?)?;
        rows.iter().filter(|row| label.is_none() || row.label.as_deref() == label).for_each(&mut take);
    }
    Ok(())
}

fn sample_of_row(row: &Name) -> Sample {
    let listed = ListedName::from(row).to_string();
    let label = row.label.clone().unwrap_or_else(|| "no name".to_owned());
    let id = format!("{label}, {}", row.origin.name());
    Sample { id, query: None, label: Some(label), highlighted: listed.clone(), text: listed, spans: Vec::new() }
}
