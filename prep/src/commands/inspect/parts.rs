//! A folder's shards as lazy frames of limited size.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use polars::prelude::{DataFrame, DataType, ExplodeOptions, Expr, LazyFrame, PlRefPath, ScanArgsParquet, col, cols, len};
use schemas::Manifest;

/// Rows of a part: a few row groups of triples, so that reading one reads little else.
const PART_ROWS: u32 = 32_768;

/// The rows of a folder in parts that fit in memory.
pub struct Parts {
    shards: Vec<PathBuf>,
    parts: Vec<Part>,
}

struct Part {
    shard: usize,
    offset: u32,
    rows: u32,
}

impl Parts {
    /// The shards the manifest names; where it is not complete, and so may name none, those that lie in the folder.
    ///
    /// # Errors
    /// A shard that is missing or not Parquet.
    pub fn open(dir: &Path, manifest: &Manifest) -> anyhow::Result<Self> {
        let shards = if manifest.complete { manifest.shards.iter().map(|shard| dir.join(&shard.file)).collect() } else { lying_in(dir)? };
        let mut parts = Vec::new();
        for (shard, path) in shards.iter().enumerate() {
            ensure!(path.is_file(), "{} is missing; see `prep verify`", path.display());
            let count = scan(path)?.select([len().alias("rows")]).collect().with_context(|| format!("cannot read {}", path.display()))?;
            let rows = count.column("rows")?.u32()?.get(0).unwrap_or(0);
            let offsets = (0..rows).step_by(PART_ROWS as usize);
            parts.extend(offsets.map(|offset| Part { shard, offset, rows: PART_ROWS.min(rows - offset) }));
        }
        Ok(Self { shards, parts })
    }

    /// The shards.
    pub fn shards(&self) -> &[PathBuf] {
        &self.shards
    }

    /// How many parts there are.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// The rows of a part.
    ///
    /// # Errors
    /// A path that polars cannot take.
    pub fn frame(&self, part: usize) -> anyhow::Result<LazyFrame> {
        let Part { shard, offset, rows } = self.parts[part];
        Ok(scan(&self.shards[shard])?.slice(i64::from(offset), rows))
    }
}

fn scan(path: &Path) -> anyhow::Result<LazyFrame> {
    // A path may hold what a glob would read as a pattern.
    let args = ScanArgsParquet { glob: false, cache: false, ..ScanArgsParquet::default() };
    let at = PlRefPath::try_from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    LazyFrame::scan_parquet(at, args).with_context(|| format!("cannot read {}", path.display()))
}

fn lying_in(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut shards = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry.with_context(|| format!("cannot read {}", dir.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.contains('=') && path.is_dir() {
            shards.extend(lying_in(&path)?);
        } else if name.starts_with("part-") && name.ends_with(".parquet") {
            shards.push(path);
        }
    }
    shards.sort();
    Ok(shards)
}

/// Items of a list column, one a row.
pub fn exploded(frame: LazyFrame, column: &str) -> LazyFrame {
    frame.select([col(column)]).explode(cols([column]), ExplodeOptions { empty_as_null: false, keep_nulls: false })
}

/// How often each value comes, in order of first appearance.
///
/// # Errors
/// What polars says.
pub fn value_counts(frame: LazyFrame, value: Expr) -> anyhow::Result<Vec<(String, u64)>> {
    let counts = frame
        .select([value.cast(DataType::String).alias("value")])
        .group_by_stable([col("value")])
        .agg([len().alias("count")])
        .collect()?;
    let (values, counts) = (counts.column("value")?.str()?, counts.column("count")?.u32()?);
    Ok(values.iter().zip(counts.iter()).filter_map(|(value, count)| Some((value?.to_owned(), u64::from(count?)))).collect())
}

/// Which rows to show, as (part, row within its wanted rows): `count` of them, spread evenly over all that are wanted. `wanted` is how
/// many each part has.
pub fn spread(wanted: &[u64], count: usize) -> Vec<(usize, u64)> {
    let total: u64 = wanted.iter().sum();
    let count = (count as u64).min(total);
    let mut before = 0;
    let mut parts = wanted.iter().enumerate();
    let mut part = parts.next();
    let mut rows = Vec::new();
    for number in 0..count {
        // Wide enough: total * count overflows only with more rows than disks hold.
        let row = (u128::from(total) * u128::from(number) / u128::from(count)) as u64;
        while let Some((_, here)) = part
            && row >= before + here
        {
            before += here;
            part = parts.next();
        }
        let (at, _) = part.expect("rows are counted by part");
        rows.push((at, row - before));
    }
    rows
}

/// The rows that [`spread`] chooses, each as a frame of one row. `frame`: the wanted rows of a part.
///
/// # Errors
/// What polars says.
pub fn chosen(wanted: &[u64], count: usize, frame: impl Fn(usize) -> anyhow::Result<LazyFrame>) -> anyhow::Result<Vec<DataFrame>> {
    let mut rows = Vec::new();
    for part in spread(wanted, count).chunk_by(|one, other| one.0 == other.0) {
        let frame = frame(part[0].0)?.collect()?;
        for (_, row) in part {
            rows.push(frame.slice(i64::try_from(*row)?, 1));
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread() {
        for (wanted, count, expected) in [
            (&[10u64][..], 2, &[(0, 0), (0, 5)][..]),
            (&[3, 0, 3], 3, &[(0, 0), (0, 2), (2, 1)]),
            (&[1, 1], 9, &[(0, 0), (1, 0)]),
            (&[], 3, &[]),
            (&[0, 4], 1, &[(1, 0)]),
        ] {
            assert_eq!(spread(wanted, count), expected, "{wanted:?} {count}");
        }
    }
}
