//! `prep names wikidata`: names out of the JSON dump of Wikidata.

use anyhow::{Context, bail, ensure};
use serde_json::json;

use super::pages::read_rules;
use crate::commands::terminal::ProgressReporter;
use crate::commands::{interrupt, terminal};
use crate::config::Runtime;
use crate::config::names::NamesWikidataConfig;
use crate::run::observer::RunObserver;
use crate::run::wikidata_job::{DumpEvent, WikidataJob};
use crate::source::BytesRead;

/// Runs `prep names wikidata`.
///
/// # Errors
/// Rules that cannot be read or have no classes; a dump that cannot be read to its end; an output that cannot be written.
pub fn run(config: &NamesWikidataConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let rules = read_rules(&config.types)?;
    let labels: Vec<_> = rules.wikidata_classes()?.into_iter().filter(|label| !label.classes.is_empty()).collect();
    ensure!(
        !labels.is_empty(),
        "--types {}: no [[wikidata]] says which classes have a label, as in [[wikidata]] label = \"PER\" classes = [\"Q5\"]",
        config.types
    );
    let bytes_read = BytesRead::default();
    let job = WikidataJob {
        dump: &config.dump,
        output: &config.output,
        selection: &config.selection,
        labels: &labels,
        unit_bytes: config.unit_bytes,
        limits: runtime.limits(),
        decoder_threads: runtime.decoder_threads(),
        bytes_read: bytes_read.clone(),
        interrupted: interrupt::flag(),
    };
    let manifest_config = json!({
        "types": config.types,
        "classes": labels,
        "lang": config.selection.lang,
        "wiki": config.selection.wiki,
    });
    let Some(start) = job.start(manifest_config)? else {
        terminal::say_complete(&config.output.dir, runtime);
        return Ok(());
    };
    let total = if config.dump.is_file() {
        std::fs::metadata(&config.dump).with_context(|| format!("cannot open {}", config.dump.display()))?.len()
    } else {
        0
    };
    let resumed = start.resumed_entities();
    let mut progress = ProgressReporter::new(runtime, total, bytes_read, resumed.unwrap_or_default()).with_noun("entities");
    if let Some(entities) = resumed {
        progress.note(&format!("resuming {} after {entities} entities", config.output.dir.display()));
    }
    interrupt::watch();
    let outcome = job.run(start, &mut |event| match event {
        DumpEvent::Entities(entities) => progress.show_pages(entities),
        DumpEvent::Partitions(_) => {}
        DumpEvent::Warning(warning) => progress.warn(&format!("{}: {warning}", config.dump.display())),
    })?;
    progress.print_summary(&outcome.manifest, &config.output.dir);
    match outcome.fatal {
        Some(fault) => bail!("{fault}; {} holds the names before that and is marked not complete", config.output.dir.display()),
        None => Ok(()),
    }
}
