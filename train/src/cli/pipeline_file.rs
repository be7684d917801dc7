//! The file of `train pipeline`: the options of several stages, in TOML.
//!
//! ```toml
//! out = "runs"            # the runs are runs/esi, runs/nee, runs/fet and runs/finetune
//! encoder = "tiny"        # what the first stage starts from; each other one starts from the stage before
//! seed = 7                # options of all stages, by their names on the command line
//! [esi]                   # a stage without a table is left out
//! data = "esi"
//! lr = 1e-3               # options of this stage
//! [nee]
//! data = "nee"
//! [fet]                   # without data: the last round of nee
//! [finetune]
//! data = "gold/train"
//! dev = "gold/dev"
//! ```

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::resolve_stage::{esi, fet, finetune, nee};
use super::run_args::PipelineArgs;
use super::stage_args::{FetArgs, NeeArgs, StageArgs};
use crate::config::{PipelineConfig, TrainConfig, UsageError};

/// The stages in their order; a table each.
const STAGES: [&str; 4] = ["esi", "nee", "fet", "finetune"];

/// Options of the first stage alone: the others start from the run before.
const FIRST_STAGE_ONLY: [&str; 3] = ["encoder", "vocab", "lowercase"];

/// Options that the pipeline sets itself.
const RESERVED: [&str; 3] = ["out", "overwrite", "init"];

/// Reads the file and resolves the settings of its stages.
///
/// # Errors
/// [`UsageError`] for what is wrong in the file, by line, table and key; the file cannot be read.
pub fn read(args: &PipelineArgs) -> Result<PipelineConfig> {
    let path = &args.file;
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut stages = parse(&text).map_err(|mistake| UsageError::new(format!("{}{}", path.display(), mistake.describe(&text))))?;
    // Threads are started once, for all stages.
    let of_file = stages.iter().map(|stage| stage.threads).max().unwrap_or(0);
    let threads = if args.threads > 0 { args.threads } else { of_file };
    for stage in &mut stages {
        stage.threads = threads;
        stage.quiet |= args.quiet;
    }
    Ok(PipelineConfig { stages, threads, quiet: args.quiet })
}

/// What is wrong in the file.
#[derive(Debug)]
struct Mistake {
    /// Bytes of the file.
    place: Option<Range<usize>>,
    table: Option<&'static str>,
    message: String,
}

impl Mistake {
    fn new(place: Option<Range<usize>>, message: impl Into<String>) -> Self {
        Self { place, table: None, message: message.into() }
    }

    /// What follows the file's name in a message: line, table, message.
    fn describe(&self, text: &str) -> String {
        let line = self.place.as_ref().map(|place| text[..place.start].matches('\n').count() + 1);
        let line = line.map_or(String::new(), |line| format!(", line {line}"));
        let table = self.table.map_or(String::new(), |table| format!(" [{table}]:"));
        format!("{line}:{table} {}", self.message)
    }
}

impl From<toml::de::Error> for Mistake {
    fn from(error: toml::de::Error) -> Self {
        Self::new(error.span(), error.message())
    }
}

fn parse(text: &str) -> Result<Vec<TrainConfig>, Mistake> {
    let mut common = with_dashes(DeTable::parse(text)?.into_inner());
    let out = match take(&mut common, "out") {
        Some((_, value)) if value.get_ref().is_str() => PathBuf::from(value.get_ref().as_str().unwrap_or_default()),
        Some((_, value)) => {
            let message = format!("`out` is {}, expected a string, the folder of the runs", a(value.get_ref().type_str()));
            return Err(Mistake::new(Some(value.span()), message));
        }
        None => return Err(Mistake::new(None, "`out` is missing: the folder of the runs")),
    };
    let tables: Vec<_> = STAGES.into_iter().filter_map(|stage| Some((stage, take(&mut common, stage)?))).collect();
    if tables.is_empty() {
        return Err(Mistake::new(None, format!("it has none of the tables {}", STAGES.map(|stage| format!("[{stage}]")).join(" "))));
    }
    check_keys(&common, &options::<StageArgs>(), "an option of every stage; options of one stage belong into its table")?;
    let mut stages: Vec<TrainConfig> = Vec::new();
    let mut before: Option<(&str, PathBuf)> = None;
    for (name, (_, value)) in tables {
        let run = out.join(name);
        let stage = stage(name, value, &common, &run, before.as_ref().map(|(name, run)| (*name, run.as_path())));
        stages.push(stage.map_err(|mistake| Mistake { table: Some(name), ..mistake })?);
        before = Some((name, run));
    }
    Ok(stages)
}

/// The settings of a stage with its own options and those of all stages; `before` is the stage that it starts from.
fn stage(
    name: &str,
    value: Spanned<DeValue<'_>>,
    common: &DeTable<'_>,
    run: &Path,
    before: Option<(&str, &Path)>,
) -> Result<TrainConfig, Mistake> {
    let place = value.span();
    let DeValue::Table(own) = value.into_inner() else { return Err(Mistake::new(Some(place), "expected a table")) };
    let own = with_dashes(own);
    let known = match name {
        "nee" => options::<NeeArgs>(),
        "fet" => options::<FetArgs>(),
        _ => options::<StageArgs>(),
    };
    check_keys(&own, &known, &format!("an option of {name}, which `train {name} --help` lists"))?;
    if before.is_some()
        && let Some((key, _)) = own.iter().find(|(key, _)| FIRST_STAGE_ONLY.contains(&key.get_ref().as_ref()))
    {
        let message = format!("`{}` is an option of the first stage: this one starts from the run before", key.get_ref());
        return Err(Mistake::new(Some(key.span()), message));
    }
    let mut options = common.clone();
    if before.is_some() {
        for key in FIRST_STAGE_ONLY {
            take(&mut options, key);
        }
    }
    for (key, value) in own {
        take(&mut options, key.get_ref());
        options.insert(key, value);
    }

    let mut args: StageArgs = deserialize(&options, &place)?;
    args.common = deserialize(&options, &place)?;
    run.clone_into(&mut args.out);
    args.init = before.map(|(_, run)| run.to_owned());
    if args.data.as_os_str().is_empty() {
        args.data = match before {
            Some(("nee", run)) if name == "fet" => run.to_owned(),
            _ => return Err(Mistake::new(Some(place), "`data` is missing: the folder of triples to train on")),
        };
    }
    let resolved = match name {
        "esi" => esi(args),
        "nee" => nee(NeeArgs { stage: args, ..deserialize(&options, &place)? }),
        "fet" => fet(FetArgs { stage: args, ..deserialize(&options, &place)? }),
        _ => finetune(args),
    };
    resolved.map_err(|error| Mistake::new(Some(place), error.to_string()))
}

/// The options of a struct of arguments, by their names on the command line.
fn options<A: Args>() -> BTreeSet<String> {
    let command = A::augment_args(clap::Command::new("stage"));
    command.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned).collect()
}

/// Checks that all keys are known and none is the pipeline's own.
fn check_keys(table: &DeTable<'_>, known: &BTreeSet<String>, expected: &str) -> Result<(), Mistake> {
    for key in table.keys() {
        let name = key.get_ref().as_ref();
        if RESERVED.contains(&name) {
            return Err(Mistake::new(
                Some(key.span()),
                format!("`{name}` is set by the pipeline; only `out`, before all tables, is given"),
            ));
        }
        if !known.contains(name) {
            return Err(Mistake::new(Some(key.span()), format!("`{name}` is not {expected}")));
        }
    }
    Ok(())
}

/// Reads options of a type out of a table that may hold others too. `table_place` is where the table is in the file.
fn deserialize<T: DeserializeOwned>(options: &DeTable<'_>, table_place: &Range<usize>) -> Result<T, Mistake> {
    T::deserialize(Spanned::new(table_place.clone(), options.clone()).into_deserializer()).map_err(|error| {
        let place = error.span();
        let is_at = |value: &Spanned<DeValue<'_>>| place.as_ref().is_some_and(|place| value.span().contains(&place.start));
        let key = options.iter().find(|(_, value)| is_at(value)).map_or(String::new(), |(key, _)| format!("`{}`: ", key.get_ref()));
        // serde names Rust's types.
        let message = error.message().replace("expected f64", "expected a number").replace("expected f32", "expected a number");
        let message = message.replace("expected usize", "expected a whole number").replace("expected u64", "expected a whole number");
        Mistake::new(place, format!("{key}{}", message.trim_end()))
    })
}

/// The table with its keys as on the command line: `eval_every` means `eval-every`.
fn with_dashes(table: DeTable<'_>) -> DeTable<'_> {
    table.into_iter().map(|(key, value)| (Spanned::new(key.span(), key.into_inner().replace('_', "-").into()), value)).collect()
}

/// Removes an entry by its key.
fn take<'i>(table: &mut DeTable<'i>, key: &str) -> Option<(Range<usize>, Spanned<DeValue<'i>>)> {
    let found = table.keys().find(|found| found.get_ref() == key)?.clone();
    let value = table.remove(&found)?;
    Some((found.span(), value))
}

/// A noun with its article.
fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

#[cfg(test)]
mod tests;
