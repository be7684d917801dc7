//! Whether a run starts at the beginning, is resumed, or has nothing to do.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};
use schemas::manifest::MANIFEST_FILE;
use schemas::shard::remove_leftovers;
use schemas::{Manifest, ShardFolder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::checkpoint::{Checkpoint, RunSettings, RunState};
use super::output::{OutputMode, OutputSettings};
use crate::input::fingerprint::InputFingerprint;

/// How a run starts. `S` is the state of its checkpoints.
#[derive(Debug)]
pub enum RunStart<S = RunState> {
    /// At the beginning.
    New,
    /// From a checkpoint.
    Resume(Box<Checkpoint<S>>),
    /// Not at all: the output folder is complete.
    Complete,
}

impl<S: Serialize + DeserializeOwned> RunStart<S> {
    /// Decides by what is in the output folder.
    ///
    /// # Errors
    /// A run that is not complete where it is not to be resumed, or one with other inputs or settings.
    pub fn find(output: &OutputSettings, settings: &RunSettings) -> anyhow::Result<Self> {
        let dir = output.dir.as_path();
        if output.mode == OutputMode::Overwrite {
            return Ok(Self::New);
        }
        let manifest = dir.join(MANIFEST_FILE).is_file().then(|| ShardFolder::open_any(dir)).transpose()?;
        let manifest = manifest.map(|folder| folder.manifest().clone());
        let is_complete = manifest.as_ref().is_some_and(|manifest| manifest.complete);
        // What a complete folder has of a checkpoint was left by a run that was killed at its very end.
        let checkpoint = if is_complete { None } else { Checkpoint::<S>::read(dir)? };
        if output.mode == OutputMode::Create {
            let name = dir.display();
            ensure!(
                checkpoint.is_none(),
                "{name} holds a run that did not end; resume it with --resume, replace it with --overwrite, or give another folder with -o"
            );
            return Ok(Self::New);
        }
        let (changes, start) = match (manifest, checkpoint) {
            (Some(manifest), _) if manifest.complete => {
                (settings.changes_since(&RunSettings::of_manifest(&manifest, settings)), Self::Complete)
            }
            (_, Some(checkpoint)) => (settings.changes_since(&checkpoint.settings), Self::Resume(Box::new(checkpoint))),
            (Some(manifest), None) => {
                let before = RunSettings { gazetteers: settings.gazetteers.clone(), ..RunSettings::of_manifest(&manifest, settings) };
                (settings.changes_since(&before), Self::New)
            }
            (None, None) => (Vec::new(), Self::New),
        };
        if !changes.is_empty() {
            bail!(
                "cannot resume {}: {}; use the settings and inputs that it was started with, or replace it with --overwrite",
                dir.display(),
                changes.join("; ")
            );
        }
        if matches!(start, Self::Complete) {
            remove_leftovers(dir)?;
        }
        Ok(start)
    }
}

impl RunSettings {
    /// The settings of a folder that is complete or has no checkpoint. Its manifest lists the bytes that were read: an input that was not
    /// read to its end, or not without damage, is taken to be as it is `now`.
    fn of_manifest(manifest: &Manifest, now: &Self) -> Self {
        let (gazetteers, inputs) = manifest.inputs.split_at(now.gazetteers.len().min(manifest.inputs.len()));
        let recorded = |fingerprint: &InputFingerprint| {
            let is_damaged = manifest.damage.iter().any(|damage| damage.path == fingerprint.path);
            let input = inputs.iter().find(|input| input.path == fingerprint.path).filter(|_| !is_damaged)?;
            let blake3 = fingerprint.blake3.as_ref().map(|_| input.blake3.clone());
            Some(InputFingerprint { path: input.path.clone(), bytes: input.bytes, blake3 })
        };
        Self {
            program: manifest.program.clone(),
            command: manifest.command.clone(),
            config: manifest.config.clone(),
            gazetteers: gazetteers.to_vec(),
            inputs: now.inputs.iter().map(|input| recorded(input).unwrap_or_else(|| input.clone())).collect(),
        }
    }

    /// The differences from earlier settings, one phrase each.
    fn changes_since(&self, before: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self.program != before.program {
            changes.push(format!("it was started by {}, this is {}", before.program, self.program));
        }
        if self.command != before.command {
            changes.push(format!("it was started by `prep {}`, this is `prep {}`", before.command, self.command));
            return changes;
        }
        let empty = serde_json::Map::new();
        let (now, then) = (self.config.as_object().unwrap_or(&empty), before.config.as_object().unwrap_or(&empty));
        for key in now.keys().chain(then.keys()).collect::<BTreeSet<_>>() {
            let (now, then) = (now.get(key).unwrap_or(&Value::Null), then.get(key).unwrap_or(&Value::Null));
            if now != then {
                let (now, then) = (now.to_string(), then.to_string());
                let is_short = now.len() + then.len() < 200;
                changes.push(if is_short { format!("{key} was {then}, is {now}") } else { format!("{key} has changed") });
            }
        }
        let (now, then) = (self.fingerprints(), before.fingerprints());
        let paths = |inputs: &[InputFingerprint]| inputs.iter().map(|input| input.path.clone()).collect::<Vec<_>>();
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

    /// Gazetteers and inputs.
    fn fingerprints(&self) -> Vec<InputFingerprint> {
        let gazetteers = self.gazetteers.iter().map(|input| InputFingerprint {
            path: input.path.clone(),
            bytes: input.bytes,
            blake3: Some(input.blake3.clone()),
        });
        gazetteers.chain(self.inputs.iter().cloned()).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use schemas::manifest::InputFile;
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_listed() {
        let input = |path: &str, bytes| InputFingerprint { path: path.to_owned(), bytes, blake3: None };
        let settings = RunSettings {
            program: "prep 1".to_owned(),
            command: "esi".to_owned(),
            config: json!({"min_entities": 1, "long": "x".repeat(300)}),
            gazetteers: vec![InputFile { path: "names".to_owned(), bytes: 5, blake3: "a".to_owned() }],
            inputs: vec![input("dump", 10)],
        };
        let check = |change: &dyn Fn(&mut RunSettings), expected: &str| {
            let mut now = settings.clone();
            change(&mut now);
            assert_eq!(now.changes_since(&settings).join("; "), expected);
        };
        check(&|_| (), "");
        check(&|now| now.program = "prep 2".to_owned(), "it was started by prep 1, this is prep 2");
        check(&|now| now.command = "nee".to_owned(), "it was started by `prep esi`, this is `prep nee`");
        check(&|now| now.config["min_entities"] = json!(2), "min_entities was 1, is 2");
        check(&|now| now.config["long"] = json!("y"), "long has changed");
        check(&|now| now.config["strict"] = json!(true), "strict was null, is true");
        check(&|now| now.gazetteers[0].blake3 = "b".to_owned(), "names has changed");
        check(&|now| now.inputs[0].bytes = 11, "dump had 10 bytes, has 11");
        check(&|now| now.inputs.push(input("more", 1)), "inputs were names dump, are names dump more");
    }
}
