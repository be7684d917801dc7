//! `train pipeline`: the four stages in order, from one file of settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use toml::{Table, Value};

use crate::cli::{Cli, Command};
use crate::config::{self, Config, TrainConfig, UsageError};
use crate::run;
use crate::stage::Training;

/// The stages in their order.
const STAGES: [&str; 4] = ["esi", "nee", "fet", "finetune"];

/// What only the first stage can use: the others start from the one before.
const OF_THE_FIRST: [&str; 3] = ["encoder", "vocab", "lowercase"];

/// What the pipeline itself says.
const RESERVED: [&str; 3] = ["out", "overwrite", "init"];

/// The stages of one file, each as the command line that it stands for.
#[derive(Debug)]
pub struct Pipeline {
    stages: Vec<(PathBuf, Command)>,
    quiet: bool,
    threads: usize,
}

impl Pipeline {
    /// Reads a file of settings.
    ///
    /// ```toml
    /// out = "runs"            # the runs are runs/esi, runs/nee, runs/fet and runs/finetune
    /// encoder = "tiny"        # what the first stage starts from; each other one starts from the stage before
    /// seed = 7                # options of all stages, by their names on the command line
    /// [esi]                   # a stage that has no table is left out
    /// data = "esi"
    /// lr = 1e-3               # options of this stage
    /// [nee]
    /// data = "nee"
    /// [fet]                   # without data: the last round of nee
    /// [finetune]
    /// data = "gold/train"
    /// dev = "gold/dev"
    /// ```
    ///
    /// # Errors
    /// [`UsageError`] for what is no setting, by its table.
    pub fn read(path: &Path, quiet: bool, threads: usize) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let wrong = |what: String| UsageError::new(format!("{}: {what}", path.display()));
        let mut all: Table = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let out = match all.remove("out") {
            Some(Value::String(out)) => PathBuf::from(out),
            _ => return Err(wrong("it needs `out`, the folder of the runs".to_owned()).into()),
        };
        let tables: Vec<(&str, Value)> = STAGES.iter().filter_map(|stage| Some((*stage, all.remove(*stage)?))).collect();
        let mut stages: Vec<(PathBuf, Command)> = Vec::new();
        for (stage, own) in tables {
            let Value::Table(own) = own else { return Err(wrong(format!("`{stage}` is not a table")).into()) };
            if let Some(key) = own.keys().chain(all.keys()).find(|key| RESERVED.contains(&key.as_str())) {
                return Err(wrong(format!("[{stage}]: `{key}` is the pipeline's own to say")).into());
            }
            let mut options: BTreeMap<String, Value> = BTreeMap::new();
            let common = all.iter().filter(|(key, _)| stages.is_empty() || !OF_THE_FIRST.contains(&key.as_str()));
            options.extend(common.chain(&own).map(|(key, value)| (key.replace('_', "-"), value.clone())));
            let run = out.join(stage);
            options.insert("out".to_owned(), text_of(&run));
            if let Some((before, command)) = stages.last() {
                options.insert("init".to_owned(), text_of(before));
                if stage == "fet" && matches!(command, Command::Nee(_)) {
                    options.entry("data".to_owned()).or_insert_with(|| text_of(before));
                }
            }
            let line = command_line(stage, options).map_err(|what| wrong(format!("[{stage}]: {what}")))?;
            let parsed = Cli::try_parse_from(line).map_err(|error| {
                let said = error.to_string();
                let said = said.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
                wrong(format!("[{stage}]: {}", said.trim_start_matches("error: ")))
            })?;
            stages.push((run, parsed.command));
        }
        if stages.is_empty() {
            return Err(wrong(format!("it has none of the tables {}", STAGES.map(|stage| format!("[{stage}]")).join(" "))).into());
        }
        Ok(Self { stages, quiet, threads })
    }

    /// Threads of the processor; 0: one for each core.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs what is not finished yet.
    ///
    /// # Errors
    /// A stage's own; a run that was made with other settings than the file's.
    pub fn run(self) -> Result<()> {
        let count = self.stages.len();
        let runs: Vec<PathBuf> = self.stages.iter().map(|(dir, _)| dir.clone()).collect();
        for (number, (dir, command)) in self.stages.into_iter().enumerate() {
            let Config::Train(mut config) = config::resolve(Cli { command })? else { unreachable!("only stages are parsed") };
            config.environment.quiet |= self.quiet;
            config.environment.threads = self.threads;
            let started = run::is_run(&dir);
            if started {
                same_settings(&dir, &config)?;
            }
            let finished = run::is_finished(&dir);
            if !self.quiet {
                let what = if finished {
                    "finished, kept"
                } else if started {
                    "goes on"
                } else {
                    "starts"
                };
                eprintln!("stage {} of {count}: {} in {}: {what}", number + 1, config.stage.name(), dir.display());
            }
            if !finished {
                config.environment.device.run(Training { config: *config, resume: started })?;
            }
        }
        if !self.quiet {
            eprint!("{}", summary(&runs)?);
        }
        Ok(())
    }
}

/// A table of finished runs: their steps and scores.
fn summary(runs: &[PathBuf]) -> Result<String> {
    let names: Vec<String> = runs.iter().map(|dir| dir.display().to_string()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().max(3);
    let mut table = format!("{:<width$} {:>8} {:>7} {:>8} {:>8}\n", "run", "steps", "epochs", "dev F1", "test F1");
    for (dir, name) in runs.iter().zip(&names) {
        let result = run::result(dir)?;
        let number = |key: &str| result[key].as_u64().map_or_else(|| "–".to_owned(), |number| number.to_string());
        let f1 = |set: &str| result[set]["f1"].as_f64().map_or_else(|| "–".to_owned(), |f1| format!("{f1:.4}"));
        let (steps, epochs, dev, test) = (number("steps"), number("epochs"), f1("dev"), f1("test"));
        table += &format!("{name:<width$} {steps:>8} {epochs:>7} {dev:>8} {test:>8}\n");
    }
    Ok(table)
}

fn same_settings(dir: &Path, config: &TrainConfig) -> Result<()> {
    let (now, then) = (toml::to_string(config)?, toml::to_string(&run::settings(dir)?)?);
    let differs = now.lines().zip(then.lines()).find(|(now, then)| now != then);
    let (now, then) = differs.unwrap_or_default();
    ensure!(
        now == then,
        "run {} was started with other settings ({then} there, {now} here); remove it to have it made anew, or give another `out`",
        dir.display()
    );
    Ok(())
}

fn text_of(path: &Path) -> Value {
    Value::String(path.display().to_string())
}

/// The command line that a stage's options stand for.
fn command_line(stage: &str, options: BTreeMap<String, Value>) -> Result<Vec<String>, String> {
    let mut line = vec!["train".to_owned(), stage.to_owned()];
    for (key, value) in options {
        match value {
            Value::Boolean(false) => {}
            Value::Boolean(true) => line.push(format!("--{key}")),
            Value::String(value) => line.push(format!("--{key}={value}")),
            Value::Integer(value) => line.push(format!("--{key}={value}")),
            Value::Float(value) => line.push(format!("--{key}={value}")),
            other => return Err(format!("`{key}` is {}, expected a string, a number or a boolean", other.type_str())),
        }
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Pipeline> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stages.toml");
        std::fs::write(&path, text).unwrap();
        Pipeline::read(&path, true, 0)
    }

    #[test]
    fn each_stage_starts_from_the_one_before() {
        let text = "out = 'runs'\nencoder = 'tiny'\nlowercase = true\nseed = 7\n[esi]\ndata = 'a'\n[nee]\ndata = 'b'\nseed = 8\nrelabel_growth = true\n[fet]\n";
        let pipeline = read(text).unwrap();
        let [(_, Command::Esi(esi)), (_, Command::Nee(nee)), (run, Command::Fet(fet))] = &pipeline.stages[..] else { panic!() };
        assert_eq!((esi.seed, nee.stage.seed, fet.stage.seed), (7, 8, 7));
        assert!(esi.lowercase && esi.init.is_none() && nee.relabel_growth);
        assert_eq!(nee.stage.init.as_deref(), Some(Path::new("runs/esi")));
        assert_eq!((fet.stage.data.as_path(), run.as_path()), (Path::new("runs/nee"), Path::new("runs/fet")));
    }

    #[test]
    fn what_is_no_setting_is_told_by_its_table() {
        for (text, expected) in [
            ("[esi]\ndata = 'a'", "it needs `out`"),
            ("out = 'runs'", "it has none of the tables [esi] [nee] [fet] [finetune]"),
            ("out = 'runs'\n[esi]\nencoder = 'tiny'", "[esi]: the following required arguments were not provided:"),
            ("out = 'runs'\n[esi]\ndata = 'a'\nspeed = 3", "[esi]: unexpected argument '--speed' found"),
            ("out = 'runs'\n[esi]\ndata = ['a']", "[esi]: `data` is array, expected"),
            ("out = 'runs'\n[esi]\nout = 'b'", "[esi]: `out` is the pipeline's own to say"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(expected) && error.is::<UsageError>(), "{error}");
        }
    }
}
