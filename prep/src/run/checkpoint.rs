//! What a run keeps on disk to be gone on with.
//!
//! A run is a row of units, each a range of the inputs with shards of its own. When a unit is done, its shards are closed and synced, and then
//! [`PROGRESS_FILE`] is replaced: from there the run goes on. Where units end depends on the inputs and settings alone, so a run that was
//! stopped anywhere ends with the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use schemas::atomic_file::write_json;
use schemas::manifest::{Damage, InputFile, MANIFEST_FILE, PROGRESS_FILE, Shard};
use schemas::{Counter, Manifest, Row, ShardFolder, ShardWriter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::{Common, OutputArgs};
use crate::input::read::Position;

/// What must be the same for a run to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub program: String,
    pub command: String,
    pub config: Value,
    /// Gazetteers, as they were read.
    pub gazetteers: Vec<InputFile>,
    pub inputs: Vec<Known>,
}

/// What is known of an input before it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub path: String,
    pub bytes: u64,
    /// Hash of a shard; of a dump it is seen when the run goes on.
    pub blake3: Option<String>,
}

/// How far a run has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// What comes next.
    pub next: Position,
    pub counters: BTreeMap<String, Counter>,
    /// Inputs that ended.
    pub inputs: Vec<InputFile>,
    pub damage: Vec<Damage>,
    /// Bytes of the file that `--report` names.
    pub report_bytes: u64,
}

/// The progress file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub settings: Settings,
    pub state: State,
    pub shards: Vec<Shard>,
    /// Names that were found, by number, and how often.
    pub matches: Vec<(u32, u64)>,
}

/// How a run begins.
pub(crate) enum Start {
    New,
    From(Box<Saved>),
    /// Nothing is to be done.
    Complete,
}

impl Start {
    /// Looks at what is in the output folder.
    ///
    /// # Errors
    /// A run that did not end and is not to be gone on with, or one with other inputs or settings.
    pub(crate) fn find(output: &OutputArgs, settings: &Settings) -> anyhow::Result<Self> {
        let dir = output.output.as_path();
        if output.overwrite {
            return Ok(Self::New);
        }
        let saved = Saved::read(dir)?;
        if !output.resume {
            let name = dir.display();
            ensure!(
                saved.is_none(),
                "{name} holds a run that did not end; go on with --resume, replace it with --overwrite, or give another folder with -o"
            );
            return Ok(Self::New);
        }
        let manifest = dir.join(MANIFEST_FILE).is_file().then(|| ShardFolder::open_any(dir)).transpose()?;
        let (changes, start) = match (manifest.map(|folder| folder.manifest().clone()), saved) {
            (Some(manifest), _) if manifest.complete => (settings.changes_since(&Settings::of(&manifest, settings)), Self::Complete),
            (_, Some(saved)) => (settings.changes_since(&saved.settings), Self::From(Box::new(saved))),
            (Some(manifest), None) => {
                let before = Settings { gazetteers: settings.gazetteers.clone(), ..Settings::of(&manifest, settings) };
                (settings.changes_since(&before), Self::New)
            }
            (None, None) => (Vec::new(), Self::New),
        };
        if !changes.is_empty() {
            bail!(
                "cannot go on with {}: {}; use what it was begun with, or make it anew with --overwrite",
                dir.display(),
                changes.join("; ")
            );
        }
        Ok(start)
    }
}

/// Begins a folder from nothing. With `--resume` what a run left that had not come far is removed.
///
/// # Errors
/// A folder that holds something else, or that cannot be written.
pub(crate) fn create<R: Row>(output: &OutputArgs, manifest: Manifest) -> anyhow::Result<ShardWriter<R>> {
    Ok(if output.resume {
        ShardWriter::resume(&output.output, manifest, Vec::new())?
    } else {
        ShardWriter::create(&output.output, output.overwrite, manifest)?
    })
}

/// There is nothing to go on with.
pub(crate) fn say_complete(dir: &Path, common: &Common) {
    if !common.quiet {
        eprintln!("{} is complete: nothing to do", dir.display());
    }
}

impl Saved {
    fn read(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = dir.join(PROGRESS_FILE);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        // Another version may have written it otherwise.
        let program = serde_json::from_slice::<Value>(&json).ok().and_then(|saved| Some(saved["settings"]["program"].as_str()?.to_owned()));
        let told = || {
            format!("{} is not the progress of a run of this program, but of {}", path.display(), program.as_deref().unwrap_or("another"))
        };
        serde_json::from_slice(&json).map(Some).with_context(told)
    }

    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        Ok(write_json(&dir.join(PROGRESS_FILE), self)?)
    }
}

impl Settings {
    /// Those of a folder. Of inputs its manifest knows what was read: as far as that was not all, it is taken to be as it is `now`.
    fn of(manifest: &Manifest, now: &Self) -> Self {
        let (gazetteers, inputs) = manifest.inputs.split_at(now.gazetteers.len().min(manifest.inputs.len()));
        let read = |known: &Known| {
            let damaged = manifest.damage.iter().any(|damage| damage.path == known.path);
            let input = inputs.iter().find(|input| input.path == known.path).filter(|_| !damaged)?;
            Some(Known { path: input.path.clone(), bytes: input.bytes, blake3: known.blake3.as_ref().map(|_| input.blake3.clone()) })
        };
        Self {
            program: manifest.program.clone(),
            command: manifest.command.clone(),
            config: manifest.config.clone(),
            gazetteers: gazetteers.to_vec(),
            inputs: now.inputs.iter().map(|known| read(known).unwrap_or_else(|| known.clone())).collect(),
        }
    }

    /// What is not as it was, in words.
    fn changes_since(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self.program != before.program {
            changes.push(format!("it was begun by {}, this is {}", before.program, self.program));
        }
        if self.command != before.command {
            changes.push(format!("it was begun by `prep {}`, this is `prep {}`", before.command, self.command));
            return changes;
        }
        let none = serde_json::Map::new();
        let (now, then) = (self.config.as_object().unwrap_or(&none), before.config.as_object().unwrap_or(&none));
        for key in now.keys().chain(then.keys()).collect::<BTreeSet<_>>() {
            let (now, then) = (now.get(key).unwrap_or(&Value::Null), then.get(key).unwrap_or(&Value::Null));
            if now != then {
                let (now, then) = (now.to_string(), then.to_string());
                let short = now.len() + then.len() < 200;
                changes.push(if short { format!("{key} was {then}, is {now}") } else { format!("{key} has changed") });
            }
        }
        let gazetteer = |input: &InputFile| Known { path: input.path.clone(), bytes: input.bytes, blake3: Some(input.blake3.clone()) };
        let known = |settings: &Self| settings.gazetteers.iter().map(gazetteer).chain(settings.inputs.iter().cloned()).collect::<Vec<_>>();
        let (now, then) = (known(self), known(before));
        let paths = |known: &[Known]| known.iter().map(|known| known.path.clone()).collect::<Vec<_>>();
        if paths(&now) != paths(&then) {
            changes.push(format!("inputs were {}, are {}", paths(&then).join(" "), paths(&now).join(" ")));
            return changes;
        }
        for (now, then) in now.iter().zip(&then).filter(|(now, then)| now != then) {
            let what =
                if now.bytes == then.bytes { "has changed".to_owned() } else { format!("had {} bytes, has {}", then.bytes, now.bytes) };
            changes.push(format!("{} {what}", now.path));
        }
        changes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_told() {
        let known = |path: &str, bytes| Known { path: path.to_owned(), bytes, blake3: None };
        let settings = Settings {
            program: "prep 1".to_owned(),
            command: "esi".to_owned(),
            config: json!({"min_entities": 1, "long": "x".repeat(300)}),
            gazetteers: vec![InputFile { path: "names".to_owned(), bytes: 5, blake3: "a".to_owned() }],
            inputs: vec![known("dump", 10)],
        };
        let check = |change: &dyn Fn(&mut Settings), expected: &str| {
            let mut now = settings.clone();
            change(&mut now);
            assert_eq!(now.changes_since(&settings).join("; "), expected);
        };
        check(&|_| (), "");
        check(&|now| now.program = "prep 2".to_owned(), "it was begun by prep 1, this is prep 2");
        check(&|now| now.command = "nee".to_owned(), "it was begun by `prep esi`, this is `prep nee`");
        check(&|now| now.config["min_entities"] = json!(2), "min_entities was 1, is 2");
        check(&|now| now.config["long"] = json!("y"), "long has changed");
        check(&|now| now.config["strict"] = json!(true), "strict was null, is true");
        check(&|now| now.gazetteers[0].blake3 = "b".to_owned(), "names has changed");
        check(&|now| now.inputs[0].bytes = 11, "dump had 10 bytes, has 11");
        check(&|now| now.inputs.push(known("more", 1)), "inputs were names dump, are names dump more");
    }
}
