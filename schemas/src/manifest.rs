//! `_manifest.json`: what a folder of shards was made from, what it holds, and whether it is whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::SCHEMA_VERSION;

/// Name of the manifest in its folder.
pub const FILE_NAME: &str = "_manifest.json";
/// Name of the file beside it that says how far a run has come; gone when the folder is complete.
pub const PROGRESS_NAME: &str = "_progress.json";

/// The manifest of a folder of shards.
///
/// It holds nothing that differs from run to run with the same input and settings: no time, no number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Program and version that wrote the folder, as in `prep 0.1.0`.
    pub program: String,
    /// Its subcommand.
    pub command: String,
    /// Schema of the shards: `pages` or `triples`.
    pub schema: String,
    /// [`SCHEMA_VERSION`] at the time of writing.
    pub schema_version: u32,
    /// All settings that shape the rows, defaults included.
    pub config: serde_json::Value,
    /// Every input, in the order it was read.
    pub inputs: Vec<Input>,
    /// Every shard, in row order.
    pub shards: Vec<Shard>,
    /// What came in, what went out and what was left out and why, by kind of thing.
    pub counters: BTreeMap<String, Tally>,
    /// What could not be read of the inputs and was given up, where the command was told to go on after damage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<Damage>,
    /// What else the command has to report, such as how well gazetteers cover the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<serde_json::Value>,
    /// Whether the run came to its end with nothing lost. Never read a folder without it as finished.
    pub complete: bool,
    /// What stopped the run, where it is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Manifest {
    /// A manifest of nothing yet, to be filled by the shard writer.
    pub fn new(program: &str, command: &str, config: serde_json::Value) -> Self {
        Self {
            program: program.to_owned(),
            command: command.to_owned(),
            schema: String::new(),
            schema_version: SCHEMA_VERSION,
            config,
            inputs: Vec::new(),
            shards: Vec::new(),
            counters: BTreeMap::new(),
            damage: Vec::new(),
            report: None,
            complete: false,
            error: None,
        }
    }

    /// Rows of all shards.
    pub fn rows(&self) -> u64 {
        self.shards.iter().map(|shard| shard.rows).sum()
    }
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The path as it was given; `-` for standard input.
    pub path: String,
    /// Bytes read: the file's size, unless its stream broke before the end.
    pub bytes: u64,
    /// BLAKE3 of those bytes.
    pub blake3: String,
}

/// A stretch of an input that is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// The input's path.
    pub path: String,
    /// What is wrong, and where.
    pub what: String,
    /// What is lost by it.
    pub lost: String,
}

/// A Parquet file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Path within the folder: a name, or a partition's folder and a name, as in `entities=1-3/part-00000.parquet`.
    pub file: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its bytes.
    pub blake3: String,
}

impl Shard {
    /// The partition's folder; empty for a shard in the folder itself.
    pub fn folder(&self) -> &str {
        self.file.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// A count of things that adds up: `in = out + skipped`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Things seen.
    #[serde(rename = "in")]
    pub seen: u64,
    /// Things that went on.
    pub out: u64,
    /// Things left out, by reason.
    #[serde(default)]
    pub skipped: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts a thing that went on.
    pub fn keep(&mut self) {
        self.seen += 1;
        self.out += 1;
    }

    /// Counts a thing that was left out.
    pub fn skip(&mut self, reason: &str) {
        self.seen += 1;
        if let Some(count) = self.skipped.get_mut(reason) {
            *count += 1;
        } else {
            self.skipped.insert(reason.to_owned(), 1);
        }
    }

    /// Adds another count of the same kind of thing.
    pub fn add(&mut self, other: &Self) {
        self.seen += other.seen;
        self.out += other.out;
        for (reason, count) in &other.skipped {
            *self.skipped.entry(reason.clone()).or_default() += count;
        }
    }

    /// Whether nothing was lost without a reason.
    pub fn adds_up(&self) -> bool {
        self.seen == self.out + self.skipped.values().sum::<u64>()
    }
}

impl std::fmt::Display for Tally {
    /// `206 in, 205 out, 1 skipped (other model 1)`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in, {} out", self.seen, self.out)?;
        if self.skipped.is_empty() {
            return Ok(());
        }
        let reasons: Vec<String> = self.skipped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        write!(f, ", {} skipped ({})", self.skipped.values().sum::<u64>(), reasons.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_adds_up() {
        let mut tally = Tally::default();
        tally.keep();
        tally.skip("empty");
        tally.skip("empty");
        let mut total = Tally::default();
        total.add(&tally);
        total.add(&tally);
        assert!(total.adds_up());
        assert_eq!(total.to_string(), "6 in, 2 out, 4 skipped (empty 4)");
        total.seen += 1;
        assert!(!total.adds_up());
    }
}
