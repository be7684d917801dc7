//! A job: pages from the inputs to rows in an output folder, unit by unit.
//!
//! Batches are read on one thread, made into rows and encoded on several, and appended to the shards on another.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use schemas::{Manifest, ShardWriter};

use super::batch_worker::{BatchWorker, PageToRows, RowSink};
use super::checkpoint::{Checkpoint, RunSettings, RunState};
use super::job_outcome::JobOutcome;
use super::manifest_config::ManifestConfig;
use super::observer::RunObserver;
use super::output::OutputSettings;
use super::page_report::PageReport;
use super::program::PROGRAM;
use super::resume::RunStart;
use super::unit_writer::{Ending, UnitWriter};
use crate::counters::CounterKey;
use crate::gazetteer::Gazetteer;
use crate::gazetteer::coverage::{CoverageReport, NameMatchCounts};
use crate::gazetteer::load::LoadSummary;
use crate::input::batch_reader::read_batches;
use crate::input::inputs::Inputs;
use crate::input::read_pass::ReadPass;
use crate::input::redirects::Redirects;
use crate::ordered_map::{Limits, TaskQueue, ordered_map};

/// What a command does with its inputs.
pub struct Job<'a> {
    /// Name of the command.
    pub command: &'a str,
    /// Where the rows go.
    pub output: &'a OutputSettings,
    /// File of the page report.
    pub report: Option<&'a Path>,
    /// Bytes of text in a unit.
    pub unit_bytes: u64,
    /// Limits of what is in flight.
    pub limits: Limits,
    /// What rows are labelled by.
    pub gazetteer: Option<JobGazetteer<'a>>,
    /// Folders of the partitions, if the rows are partitioned.
    pub partitions: Option<Vec<String>>,
}

/// The gazetteer of a job, with what its report names.
pub struct JobGazetteer<'a> {
    /// The names.
    pub gazetteer: &'a Gazetteer,
    /// What was read of the files.
    pub loaded: LoadSummary,
    /// The labels of the query set.
    pub labels: Vec<&'a str>,
    /// Paths of the files, in the order in which they were given.
    pub paths: Vec<String>,
}

/// Where a job starts.
pub struct JobStart {
    settings: RunSettings,
    checkpoint: Option<Checkpoint>,
}

impl JobStart {
    /// Number of pages that an earlier run read; `None` if nothing is resumed.
    pub fn resumed_pages(&self) -> Option<u64> {
        self.checkpoint.as_ref().map(|checkpoint| checkpoint.state.pages())
    }
}

impl Job<'_> {
    /// Decides where the job starts, and moves the inputs there. Returns `None` if the output folder is complete.
    ///
    /// # Errors
    /// An output folder that cannot be used, or an earlier run with other inputs or settings.
    pub fn start(&self, inputs: &mut Inputs, config: &ManifestConfig) -> anyhow::Result<Option<JobStart>> {
        let settings = RunSettings {
            program: PROGRAM.to_owned(),
            command: self.command.to_owned(),
            config: serde_json::to_value(config).context("settings")?,
            gazetteers: self.gazetteer.as_ref().map(|gazetteer| gazetteer.loaded.inputs.clone()).unwrap_or_default(),
            inputs: inputs.fingerprints(),
        };
        Ok(match <RunStart>::find(self.output, &settings)? {
            RunStart::Complete => None,
            RunStart::New => Some(JobStart { settings, checkpoint: None }),
            RunStart::Resume(checkpoint) => {
                inputs.seek(&checkpoint.state.next, &checkpoint.state.finished_inputs)?;
                Some(JobStart { settings, checkpoint: Some(*checkpoint) })
            }
        })
    }

    /// The state at the beginning of a run.
    fn initial_state(&self, redirects: Option<&Redirects>) -> RunState {
        let mut state = RunState::default();
        if let Some(redirects) = redirects {
            state.record(CounterKey::Redirects, redirects.counter());
        }
        if let Some(gazetteer) = &self.gazetteer {
            state.record(CounterKey::Names, &gazetteer.loaded.names);
            gazetteer.loaded.inputs.iter().for_each(|_| state.counters.of(CounterKey::Inputs).keep());
        }
        state
    }

    /// Reads the inputs and writes the rows that `page_to_rows` makes of each page. `redirects` are resolved in the anchors.
    ///
    /// # Errors
    /// An interruption, or an output that cannot be written: the finished units are kept for `--resume`. A fault of an input is no error
    /// here: it is in the outcome, and the folder is marked not complete.
    pub fn run<S: RowSink>(
        &self,
        start: JobStart,
        inputs: Inputs,
        worker: &BatchWorker<'_>,
        pass: ReadPass<'_>,
        observer: &mut dyn RunObserver,
        page_to_rows: impl PageToRows<S>,
    ) -> anyhow::Result<JobOutcome> {
        let JobStart { settings, checkpoint } = start;
        let dir = self.output.dir.as_path();
        let manifest = Manifest::new(&settings.program, &settings.command, settings.config.clone());
        let mut coverage = self.gazetteer.as_ref().map(|gazetteer| NameMatchCounts::new(gazetteer.gazetteer));
        let (state, writer) = match checkpoint {
            Some(Checkpoint { state, shards, matches, .. }) => {
                if let Some(coverage) = &mut coverage {
                    matches.iter().for_each(|&(name, count)| coverage.add(name, count));
                }
                (state, ShardWriter::<S::Row>::resume(dir, manifest, shards)?)
            }
            None => (self.initial_state(worker.redirects()), self.output.create(manifest)?),
        };
        let from = state.next.clone();
        let report = self.report.map(|path| PageReport::open(path, state.report_bytes)).transpose()?;
        let tasks = TaskQueue::default();
        let writer = writer.with_executor(Arc::new(tasks.clone()));
        let mut units = UnitWriter::new(dir, writer, settings, state, self.unit_bytes)
            .with_partitions(self.partitions.as_deref())
            .with_coverage(coverage)
            .with_report(report);
        units.end_unit()?;
        let (read_to_end, written) = ordered_map(
            self.limits,
            &tasks,
            move |feed| read_batches(inputs.opened, from, feed, pass),
            |batch| worker.process(batch, &page_to_rows),
            |result| units.write(result, pass.interrupted, observer),
        );
        let ending = match written {
            Ok(()) if !read_to_end => Err(Ending::Stopped(anyhow::anyhow!("interrupted"))),
            written => written,
        };
        let coverage_report = |coverage: &NameMatchCounts| {
            self.gazetteer.as_ref().map(|gazetteer| CoverageReport::new(coverage, gazetteer.gazetteer, &gazetteer.labels, &gazetteer.paths))
        };
        units.finish(ending, coverage_report)
    }
}
