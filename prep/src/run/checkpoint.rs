//! Checkpoints: the file beside the shards from which a run is resumed.
//!
//! A unit is the work between two checkpoints: a range of the inputs with shards of its own. At its end the shards are closed and synced, then
//! [`PROGRESS_FILE`] is replaced. Where units end depends on inputs and settings alone, so a run that is stopped anywhere and resumed writes
//! the same bytes as one that is not.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use schemas::Counter;
use schemas::atomic_file::write_json;
use schemas::manifest::{Damage, InputFile, PROGRESS_FILE, Shard};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::counters::{CounterKey, Counters};
use crate::input::fingerprint::InputFingerprint;
use crate::input::position::ReadPosition;
use crate::wikitext::VanishedTemplates;

/// What shapes the output of a run: a run can be resumed only with the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Name and version of the program.
    pub program: String,
    /// Its subcommand.
    pub command: String,
    /// The settings as the manifest records them.
    pub config: Value,
    /// Gazetteers and other inputs that are read before the run starts.
    pub gazetteers: Vec<InputFile>,
    /// The inputs of the run.
    pub inputs: Vec<InputFingerprint>,
}

/// State of a run between two units.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunState {
    /// Position of the next batch.
    pub next: ReadPosition,
    /// What was counted so far.
    pub counters: Counters,
    /// Inputs that were read to their end.
    #[serde(rename = "inputs")]
    pub finished_inputs: Vec<InputFile>,
    /// Damage that was skipped.
    pub damage: Vec<Damage>,
    /// Templates in the running text that left nothing.
    #[serde(default, skip_serializing_if = "VanishedTemplates::is_empty")]
    pub vanished: VanishedTemplates,
    /// Length of the page report in bytes.
    pub report_bytes: u64,
}

impl RunState {
    /// Number of pages read so far.
    pub fn pages(&self) -> u64 {
        self.counters.seen(CounterKey::Pages)
    }

    /// Records the counter of work that was done before the run starts.
    pub fn record(&mut self, key: CounterKey, counter: &Counter) {
        *self.counters.of(key) = counter.clone();
    }
}

/// The content of the checkpoint file. `S` is where the run is: of one over pages, a [`RunState`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint<S = RunState> {
    /// What shapes the output.
    pub settings: RunSettings,
    /// Where the run is.
    pub state: S,
    /// The shards that are complete.
    pub shards: Vec<Shard>,
    /// Gazetteer names by number, each with the number of its matches.
    pub matches: Vec<(u32, u64)>,
}

impl<S: Serialize + DeserializeOwned> Checkpoint<S> {
    /// Reads the checkpoint of an output folder, if there is one.
    ///
    /// # Errors
    /// A file that cannot be read, or that another version of the program wrote.
    pub fn read(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = dir.join(PROGRESS_FILE);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        // The format may differ between versions; the name of the program is at the same place in all of them.
        let program = || {
            let json: Value = serde_json::from_slice(&json).ok()?;
            Some(json["settings"]["program"].as_str()?.to_owned())
        };
        serde_json::from_slice(&json).map(Some).with_context(|| {
            let program = program().unwrap_or_else(|| "another program".to_owned());
            format!("{} is not a checkpoint of this program, but of {program}; finish the run with that program", path.display())
        })
    }

    /// Replaces the checkpoint of an output folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        Ok(write_json(&dir.join(PROGRESS_FILE), self)?)
    }
}
