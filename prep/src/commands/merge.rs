//! `prep merge`: joins the output folders of all parts of a plan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use indicatif::{HumanBytes, HumanCount};
use schemas::manifest::InputFile;
use schemas::shard::merge_folders;
use schemas::{Counter, Manifest, ShardFolder};
use serde_json::{Value, json};

use crate::config::Runtime;
use crate::config::plan::MergeConfig;
use crate::input::plan::PlannedPart;
use crate::wikitext::VanishedTemplates;

/// The output folder of a part.
struct PartFolder {
    dir: PathBuf,
    planned: PlannedPart,
    manifest: Manifest,
}

/// Runs `prep merge`.
///
/// # Errors
/// Folders that are not all parts of one plan, each once, complete, and made with the same settings; a shard that differs from what its
/// manifest says.
pub fn run(config: &MergeConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let mut parts = config.dirs.iter().map(|dir| PartFolder::open(dir)).collect::<anyhow::Result<Vec<_>>>()?;
    parts.sort_by_key(|part| part.planned.part);
    let first = parts.first().context("no folder is given")?;
    for part in &parts {
        part.check_same_run(first)?;
    }
    check_all_present(&parts)?;
    let manifest = merged_manifest(&parts)?;
    let folders: Vec<(&Path, &Manifest)> = parts.iter().map(|part| (part.dir.as_path(), &part.manifest)).collect();
    let manifest = merge_folders(&config.output, config.overwrite, &folders, manifest)?;
    if !runtime.quiet {
        let bytes: u64 = manifest.shards.iter().map(|shard| shard.bytes).sum();
        let (rows, shards) = (HumanCount(manifest.rows()), manifest.shards.len());
        eprintln!("{} parts, {rows} rows in {shards} shards ({}) in {}", parts.len(), HumanBytes(bytes), config.output.display());
    }
    Ok(())
}

impl PartFolder {
    fn open(dir: &Path) -> anyhow::Result<Self> {
        let folder = ShardFolder::open_any(dir)?;
        let mut manifest = folder.manifest().clone();
        let name = dir.display();
        let plan = manifest.config.get_mut("plan").map_or(Value::Null, Value::take);
        ensure!(!plan.is_null(), "{name} is not a part of a plan: it was not made with --plan and --part");
        let planned: PlannedPart = serde_json::from_value(plan).with_context(|| format!("{name}: the manifest's config.plan"))?;
        if let Some(reason) = manifest.incomplete_reason() {
            bail!("{name}, part {}, is not complete ({reason}); finish it with --resume", planned.part);
        }
        Ok(Self { dir: dir.to_owned(), planned, manifest })
    }

    /// Checks that two folders were made from the same plan with the same program and settings.
    fn check_same_run(&self, other: &Self) -> anyhow::Result<()> {
        let names = format!("{} and {}", other.dir.display(), self.dir.display());
        ensure!(self.planned.plan == other.planned.plan, "{names} are parts of different plans");
        let (mine, others) = (&self.manifest, &other.manifest);
        ensure!(mine.program == others.program, "{names} were made by different programs: {} and {}", others.program, mine.program);
        ensure!(mine.command == others.command, "{names} were made by different commands: {} and {}", others.command, mine.command);
        let (config, other_config) = (&mine.config, &others.config);
        let keys = config.as_object().into_iter().chain(other_config.as_object()).flat_map(serde_json::Map::keys);
        if let Some(key) = keys.filter(|&key| *key != "plan").find(|&key| config.get(key) != other_config.get(key)) {
            bail!("{names} were made with different settings of {key}");
        }
        let schemas = (&mine.schema, mine.schema_version) == (&others.schema, others.schema_version);
        ensure!(schemas, "{names} are of different schemas");
        ensure!(self.gazetteers().eq(other.gazetteers()), "{names} were made with different gazetteers");
        Ok(())
    }

    /// Inputs other than the dumps of the plan: the gazetteers.
    fn gazetteers(&self) -> impl Iterator<Item = &InputFile> {
        self.manifest.inputs.iter().filter(|input| self.planned.dumps.iter().all(|dump| dump.path != input.path))
    }
}

/// Checks that each part of the plan is given, and none twice. `parts` are ordered by number.
fn check_all_present(parts: &[PartFolder]) -> anyhow::Result<()> {
    for pair in parts.windows(2) {
        let (one, other) = (&pair[0], &pair[1]);
        let part = one.planned.part;
        ensure!(part != other.planned.part, "{} and {} are both part {part}", one.dir.display(), other.dir.display());
    }
    let count = parts.first().map_or(0, |first| first.planned.parts);
    let missing: Vec<String> =
        (0..count).filter(|&number| parts.iter().all(|part| part.planned.part != number)).map(|number| number.to_string()).collect();
    ensure!(
        missing.is_empty(),
        "of the plan's parts 0 to {} these are missing: {}; give the folders of all parts",
        count - 1,
        missing.join(", ")
    );
    Ok(())
}

/// The manifest that one run over all parts would have written.
fn merged_manifest(parts: &[PartFolder]) -> anyhow::Result<Manifest> {
    let first = parts.first().context("no folder is given")?;
    let mut manifest = Manifest { shards: Vec::new(), ..first.manifest.clone() };
    if let Some(config) = manifest.config.as_object_mut() {
        config.remove("plan");
    }
    manifest.damage = parts.iter().flat_map(|part| part.manifest.damage.iter().cloned()).collect();
    let vanished = parts.iter().flat_map(|part| part.manifest.vanished_templates.iter().cloned());
    manifest.vanished_templates = VanishedTemplates::joined(vanished);
    let mut counters: BTreeMap<String, Counter> = BTreeMap::new();
    for part in parts {
        for (name, counter) in &part.manifest.counters {
            counters.entry(name.clone()).or_default().add(counter);
        }
    }
    // Each part loads all names, and counts the inputs that it reads.
    if let Some(names) = first.manifest.counters.get("names") {
        counters.insert("names".to_owned(), names.clone());
    }
    let mut inputs = Counter::default();
    first.gazetteers().for_each(|_| inputs.keep());
    for dump in &first.planned.dumps {
        let damaged = manifest.damage.iter().any(|damage| damage.path == dump.path);
        if damaged { inputs.skip("damaged") } else { inputs.keep() }
    }
    counters.insert("inputs".to_owned(), inputs);
    manifest.inputs = first.gazetteers().chain(&first.planned.dumps).cloned().collect();
    manifest.counters = counters;
    // The reports cannot be joined: no part knows which of its names were found in other parts.
    manifest.report = first.manifest.report.is_some().then(|| {
        let reports: Vec<&Option<Value>> = parts.iter().map(|part| &part.manifest.report).collect();
        json!({"parts": reports})
    });
    Ok(manifest)
}
