//! `_manifest.json`: what a folder of shards was made from, what it holds, and whether it is complete.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::counter::Counter;
use crate::row::SCHEMA_VERSION;

/// Name of the manifest in its folder.
pub const MANIFEST_FILE: &str = "_manifest.json";
/// Name of the checkpoint beside it, from which `--resume` continues; removed when the folder is complete.
pub const PROGRESS_FILE: &str = "_progress.json";

/// The manifest of a folder of shards.
///
/// Deterministic: it holds nothing that differs between runs with the same input and settings, such as a time or a number of
/// threads.
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
    /// All settings that affect the rows, defaults included.
    pub config: serde_json::Value,
    /// Every input, in the order it was read.
    pub inputs: Vec<InputFile>,
    /// Every shard, in row order.
    pub shards: Vec<Shard>,
    /// What came in, went out and was skipped, by kind of item.
    pub counters: BTreeMap<String, Counter>,
    /// Parts of the inputs that could not be read and were skipped, where the command was told to continue after damage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<Damage>,
    /// Templates in the running text that no table of templates knows, which left nothing of what they showed: the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vanished_templates: Vec<VanishedTemplate>,
    /// Further results of the command, such as the coverage of gazetteers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<serde_json::Value>,
    /// Whether the run finished. A folder without it must not be read as finished.
    pub complete: bool,
    /// What stopped the run, where it is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Manifest {
    /// The manifest of an empty folder; the shard writer fills it.
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
            vanished_templates: Vec::new(),
            report: None,
            complete: false,
            error: None,
        }
    }

    /// Why the folder is not complete; `None` where it is.
    pub fn incomplete_reason(&self) -> Option<&str> {
        (!self.complete).then(|| self.error.as_deref().unwrap_or("the run that wrote it was stopped or is still running"))
    }

    /// Rows of all shards.
    pub fn rows(&self) -> u64 {
        self.shards.iter().map(|shard| shard.rows).sum()
    }

    /// BLAKE3 of the hashes of all shards in row order, in hexadecimal: two folders that hold the same shards have the same.
    pub fn content_hash(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for shard in &self.shards {
            hash.update(shard.blake3.as_bytes());
        }
        hash.finalize().to_string()
    }
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path as it was given; `-` for standard input.
    pub path: String,
    /// Bytes read: the size of the file, unless its stream broke before the end.
    pub bytes: u64,
    /// BLAKE3 of those bytes, in hexadecimal.
    pub blake3: String,
}

/// A template that left nothing in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VanishedTemplate {
    /// Its name in lower case.
    pub name: String,
    /// Number of times.
    pub count: u64,
    /// How it was written the first time.
    pub example: String,
}

/// A part of an input that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// The input's path.
    pub path: String,
    /// What is wrong, and where.
    pub what: String,
    /// What is lost.
    pub lost: String,
}

/// A Parquet file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Path within the folder: a file name, or a partition and a file name, as in `entities=1-3/part-00000.parquet`.
    pub file: String,
    /// Number of rows.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// BLAKE3 of the file, in hexadecimal.
    pub blake3: String,
}

impl Shard {
    /// The partition's folder; empty for a shard in the folder itself.
    pub fn partition(&self) -> &str {
        self.file.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}
