//! What `prep pages`, `prep esi` and `prep nee` share: a job over pages, with progress and summary.

use anyhow::bail;
use tracing::info;

use super::terminal::ProgressReporter;
use super::{interrupt, terminal};
use crate::config::Runtime;
use crate::config::pages::PageJobConfig;
use crate::input::inputs::Inputs;
use crate::input::read_pass::ReadPass;
use crate::input::redirects::Redirects;
use crate::run::batch_worker::{BatchWorker, PageToRows, RowSink};
use crate::run::extractors::Extractors;
use crate::run::job::{Job, JobGazetteer};
use crate::run::manifest_config::{ManifestConfig, ManifestTripleConfig};
use crate::run::observer::RunObserver;

/// The inputs of a command, opened.
pub(super) struct PageJob<'a> {
    pub config: &'a PageJobConfig,
    pub runtime: &'a Runtime,
    pub inputs: Inputs,
    extractors: Extractors,
}

/// What a command adds to a job.
#[derive(Default)]
pub(super) struct Additions<'a> {
    pub gazetteer: Option<JobGazetteer<'a>>,
    /// Folders of the partitions.
    pub partitions: Option<Vec<String>>,
    /// What the manifest records beyond the settings of pages.
    pub triples: Option<ManifestTripleConfig>,
}

impl<'a> PageJob<'a> {
    /// Opens the inputs.
    pub fn open(config: &'a PageJobConfig, runtime: &'a Runtime) -> anyhow::Result<Self> {
        let (workers, decoders, limits) = (runtime.threads, runtime.decoder_threads(), runtime.limits());
        info!(target: "threads", workers, decoders, memory = runtime.memory, in_flight_budget = limits.budget, "started");
        let inputs = Inputs::open(&config.inputs, decoders)?;
        let extractors = Extractors::new(&inputs.sites, &config.pages)?;
        Ok(Self { config, runtime, inputs, extractors })
    }

    /// Runs the job, and prints what came of it.
    pub fn run<S: RowSink>(self, command: &str, additions: Additions<'_>, page_to_rows: impl PageToRows<S>) -> anyhow::Result<()> {
        let Self { config, runtime, mut inputs, extractors } = self;
        let PageJobConfig { inputs: reading, pages, output, report, unit_bytes } = config;
        let Additions { gazetteer, partitions, triples } = additions;
        let manifest_config = ManifestConfig::new(&inputs, reading, pages, &extractors, *unit_bytes).with_triples(triples);
        let (report, unit_bytes, limits) = (report.as_deref(), *unit_bytes, runtime.limits());
        let job = Job { command, output, report, unit_bytes, limits, gazetteer, partitions };
        let Some(start) = job.start(&mut inputs, &manifest_config)? else {
            terminal::say_complete(&output.dir, runtime);
            return Ok(());
        };
        let redirects = if reading.resolve_redirects { Some(read_redirects(&inputs, config, runtime)?) } else { None };
        let worker = BatchWorker::new(&inputs, &extractors, pages, redirects);
        let resumed_pages = start.resumed_pages();
        let mut progress = ProgressReporter::new(runtime, inputs.bytes, inputs.bytes_read.clone(), resumed_pages.unwrap_or_default());
        extractors.warnings().for_each(|warning| progress.warn(&warning));
        if let Some(pages) = resumed_pages {
            progress.note(&format!("resuming {} after {pages} pages", output.dir.display()));
        }
        interrupt::watch();
        let pass = ReadPass { name: "rows", skip_damaged: reading.skip_damaged, interrupted: interrupt::flag() };
        let outcome = job.run(start, inputs, &worker, pass, &mut progress, page_to_rows)?;
        progress.print_summary(&outcome.manifest, &output.dir);
        if let Some(coverage) = outcome.coverage.filter(|_| !runtime.quiet) {
            eprint!("{coverage}");
        }
        match outcome.fatal {
            Some(fault) => bail!("{fault}; {} holds what was read before and is marked not complete", output.dir.display()),
            None => Ok(()),
        }
    }
}

/// Reads the redirects of all inputs.
fn read_redirects(inputs: &Inputs, config: &PageJobConfig, runtime: &Runtime) -> anyhow::Result<Redirects> {
    let again = inputs.reopen(&config.inputs, runtime.decoder_threads())?;
    let mut progress = ProgressReporter::new(runtime, again.bytes, again.bytes_read.clone(), 0);
    let pass = ReadPass { name: "redirects", skip_damaged: true, interrupted: interrupt::flag() };
    Redirects::read(again, runtime.limits(), pass, |pages| progress.show_pages(pages))
}
