//! `prep names pages`: names out of folders of pages.
//!
//! The pages are read three times: for their titles and what these are, for the links to those that have a label, and for the names in the text.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use schemas::manifest::InputFile;
use schemas::{Counter, Manifest, ShardFolder};
use serde_json::json;

use crate::commands::terminal::ProgressReporter;
use crate::commands::{interrupt, terminal};
use crate::config::names::NamesPagesConfig;
use crate::config::{Runtime, UsageError};
use crate::gazetteer::name_file::NameFile;
use crate::input::inputs::Inputs;
use crate::input::read_pass::ReadPass;
use crate::input::settings::{InputSelection, InputSettings};
use crate::names::language_rules::KnownLists;
use crate::names::name_counts::{NamesByLang, count_links, count_mentions};
use crate::names::name_rows::rows_of_wiki;
use crate::names::page_pass::PassSettings;
use crate::names::titles::{TitleCounts, Titles, read_titles};
use crate::names::type_rules::{BUILT_IN, TypeRules};
use crate::run::checkpoint::RunSettings;
use crate::run::program::PROGRAM;
use crate::run::resume::RunStart;

/// Columns of pages that tell what a page is; folders of earlier versions have none.
const METADATA_COLUMNS: [&str; 3] = ["categories", "templates", "description"];

/// Runs `prep names pages`.
///
/// # Errors
/// Inputs that are not complete folders of pages with metadata; a file of rules or of a list that cannot be read or is malformed; an output
/// that cannot be written.
pub fn run(config: &NamesPagesConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let rules = read_rules(&config.types)?;
    let settings = InputSettings {
        selection: InputSelection::Paths { paths: config.dirs.clone(), indexes: Vec::new() },
        lang: None,
        resolve_redirects: false,
        skip_damaged: false,
    };
    config.dirs.iter().try_for_each(|dir| check_folder(dir))?;
    let (known, list_files) = read_lists(config, &rules)?;
    let inputs = Inputs::open(&settings, runtime.decoder_threads())?;
    let input_files: Vec<InputFile> = inputs
        .fingerprints()
        .into_iter()
        .map(|input| InputFile { path: input.path, bytes: input.bytes, blake3: input.blake3.unwrap_or_default() })
        .collect();
    let read_files: Vec<InputFile> = list_files.into_iter().chain(input_files).collect();
    let known_config: Vec<String> = config.known.iter().map(|known| format!("{}={}", known.list, known.file)).collect();
    let sites: BTreeMap<_, _> = inputs.sites.iter().map(|(lang, site)| (lang, &site.namespaces)).collect();
    let manifest_config = json!({
        "types": config.types,
        "rules": rules.hash,
        "labels": rules.labels,
        "known": known_config,
        "encoding": config.encoding.name(),
        "sites": sites,
    });
    let run_settings = RunSettings {
        program: PROGRAM.to_owned(),
        command: "names".to_owned(),
        config: manifest_config.clone(),
        gazetteers: read_files.clone(),
        inputs: Vec::new(),
    };
    // There are no checkpoints: an incomplete run starts at the beginning.
    if let RunStart::Complete = <RunStart>::find(&config.output, &run_settings)? {
        terminal::say_complete(&config.output.dir, runtime);
        return Ok(());
    }
    let mut writer = config.output.create(Manifest::new(PROGRAM, "names", manifest_config))?;
    let counted = match count_names(inputs, &settings, &rules, &known, runtime) {
        Ok(counted) => counted,
        Err(error) => {
            writer.abort(read_files, BTreeMap::new(), format!("{error:#}"))?;
            return Err(error);
        }
    };
    let mut rows = Counter::default();
    for (lang, titles) in &counted.titles {
        for row in rows_of_wiki(lang, &rules.labels, titles, &counted.names[lang]) {
            rows.keep();
            writer.write(row)?;
        }
    }
    let CountedNames { title_counts, links, progress, .. } = counted;
    let counters = [
        ("pages", title_counts.pages),
        ("redirects", title_counts.redirects),
        ("titles without page", title_counts.linked),
        ("links", links),
        ("names", rows),
    ];
    let counters = counters.into_iter().map(|(name, counter)| (name.to_owned(), counter)).collect();
    let manifest = writer.finish(read_files, counters, None)?;
    progress.print_summary(&manifest, &config.output.dir);
    Ok(())
}

/// What the passes over the pages found.
struct CountedNames {
    titles: Titles,
    names: NamesByLang,
    title_counts: TitleCounts,
    /// The links.
    links: Counter,
    /// The reporter of the last pass.
    progress: ProgressReporter,
}

/// Reads the pages three times.
fn count_names(
    inputs: Inputs,
    settings: &InputSettings,
    rules: &TypeRules,
    known: &KnownLists,
    runtime: &Runtime,
) -> anyhow::Result<CountedNames> {
    interrupt::watch();
    let pass =
        |name| PassSettings { limits: runtime.limits(), pass: ReadPass { name, skip_damaged: false, interrupted: interrupt::flag() } };
    let reporter = |inputs: &Inputs| ProgressReporter::new(runtime, inputs.bytes, inputs.bytes_read.clone(), 0);
    let second = inputs.reopen(settings, runtime.decoder_threads())?;
    let third = inputs.reopen(settings, runtime.decoder_threads())?;
    let mut progress = reporter(&inputs);
    let (titles, title_counts) = read_titles(inputs, rules, known, pass("titles"), |pages| progress.show_pages(pages))?;
    let mut progress = reporter(&second);
    let (mut names, links) = count_links(second, &titles, pass("links"), |pages| progress.show_pages(pages))?;
    let mut progress = reporter(&third);
    count_mentions(third, &titles, &mut names, pass("mentions"), |pages| progress.show_pages(pages))?;
    Ok(CountedNames { titles, names, title_counts, links, progress })
}

/// A built-in set, or the one in a file. An unknown name is a usage error.
pub(super) fn read_rules(types: &str) -> anyhow::Result<TypeRules> {
    if let Some(rules) = TypeRules::built_in(types) {
        return Ok(rules);
    }
    if !Path::new(types).is_file() {
        return Err(
            UsageError::new(format!("--types: no set of rules and no file is named `{types}`; the built-in set is {BUILT_IN}")).into()
        );
    }
    let text = std::fs::read_to_string(types).with_context(|| format!("--types {types}"))?;
    TypeRules::parse(&text).with_context(|| format!("--types {types}"))
}

/// Checks that a folder of pages says what its pages are.
fn check_folder(dir: &Path) -> anyhow::Result<()> {
    let folder = ShardFolder::open::<schemas::Page>(dir)?;
    let Some(shard) = folder.shards().next() else { return Ok(()) };
    let schema = arrow::array::RecordBatchReader::schema(&schemas::shard::open_shard(&shard)?);
    let missing: Vec<&str> = METADATA_COLUMNS.into_iter().filter(|column| schema.field_with_name(column).is_err()).collect();
    ensure!(
        missing.is_empty(),
        "{} has no column {}: an earlier version of prep made it, and its pages do not say what they are; make it again with `prep pages`",
        dir.display(),
        missing.join(", ")
    );
    Ok(())
}

/// The entries of the user's lists, and the files that hold them.
fn read_lists(config: &NamesPagesConfig, rules: &TypeRules) -> anyhow::Result<(KnownLists, Vec<InputFile>)> {
    let (mut lists, mut files) = (KnownLists::new(), Vec::new());
    for known in &config.known {
        let given = || format!("--known {}={}", known.list, known.file);
        if !rules.lists().contains(known.list.as_str()) {
            let lists = rules.lists().into_iter().collect::<Vec<_>>().join(", ");
            return Err(UsageError::new(format!("{}: the rules have no list `{}`, expected one of {lists}", given(), known.list)).into());
        }
        let entries = lists.entry(known.list.clone()).or_default();
        let file = NameFile::resolve(&known.file).with_context(given)?;
        let read = file.read(config.encoding, |name| {
            let name = name.trim();
            if !name.is_empty() {
                entries.push(name.to_owned());
            }
            Ok(())
        });
        files.push(read.with_context(given)?.input);
    }
    Ok((lists, files))
}
