//! Writes the rows of a run, and a checkpoint after each unit.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use schemas::shard::SHARD_BYTES;
use schemas::{Row, ShardWriter};
use tracing::{debug, info};

use super::batch_worker::BatchResult;
use super::checkpoint::{Checkpoint, RunSettings, RunState};
use super::job_outcome::JobOutcome;
use super::observer::RunObserver;
use super::page_report::PageReport;
use crate::counters::CounterKey;
use crate::gazetteer::coverage::{CoverageReport, NameMatchCounts};
use crate::input::position::PendingPosition;

/// Why a run ends before its inputs do.
pub(super) enum Ending {
    /// An input cannot be read further. What was read before is kept in the folder, which is not complete.
    InputFault(String),
    /// An interruption, or a failure to write. What is in no finished unit is dropped.
    Stopped(anyhow::Error),
}

impl From<anyhow::Error> for Ending {
    fn from(error: anyhow::Error) -> Self {
        Self::Stopped(error)
    }
}

/// The output of a run.
pub(super) struct UnitWriter<'a, R: Row> {
    dir: &'a Path,
    writer: ShardWriter<R>,
    settings: RunSettings,
    /// The state so far, but for the position.
    state: RunState,
    /// The position; `None` at the start.
    next: Option<PendingPosition>,
    /// The state in the last checkpoint.
    saved: RunState,
    coverage: Option<NameMatchCounts>,
    report: Option<PageReport>,
    /// Bytes of text in a unit.
    unit_bytes: u64,
    /// Bytes of text since the last unit ended.
    pending_bytes: u64,
}

impl<'a, R: Row> UnitWriter<'a, R> {
    pub(super) fn new(dir: &'a Path, writer: ShardWriter<R>, settings: RunSettings, state: RunState, unit_bytes: u64) -> Self {
        Self {
            dir,
            // Shards end where units do, not by their size.
            writer: writer.with_shard_bytes(usize::MAX),
            settings,
            saved: state.clone(),
            state,
            next: None,
            coverage: None,
            report: None,
            unit_bytes,
            pending_bytes: 0,
        }
    }

    pub(super) fn with_partitions(mut self, partitions: Option<&[String]>) -> Self {
        if let Some(partitions) = partitions {
            self.writer = self.writer.with_partitions(partitions.iter().cloned());
        }
        self
    }

    pub(super) fn with_coverage(self, coverage: Option<NameMatchCounts>) -> Self {
        Self { coverage, ..self }
    }

    pub(super) fn with_report(self, report: Option<PageReport>) -> Self {
        Self { report, ..self }
    }

    /// Writes the result of a batch, and ends the unit if it is full.
    pub(super) fn write(&mut self, result: BatchResult<R>, interrupted: &AtomicBool, observer: &mut dyn RunObserver) -> Result<(), Ending> {
        self.state.counters.add(&result.counters);
        self.state.vanished.merge(result.vanished);
        if let Some(coverage) = &mut self.coverage {
            result.matches.iter().for_each(|&name| coverage.add(name, 1));
        }
        for (partition, rows) in result.rows.with_context(|| self.dir.display().to_string())? {
            self.writer.write_batch(partition, &rows).map_err(anyhow::Error::new)?;
        }
        if let Some(report) = &mut self.report {
            report.write_lines(&result.report)?;
            report.write_lines(result.damage.iter().map(|damage| serde_json::to_string(damage).expect("it is plain data")))?;
        }
        result.warnings.iter().for_each(|warning| observer.warn(warning));
        for damage in &result.damage {
            observer.warn(&format!("{}: {}; lost: {}", damage.path, damage.what, damage.lost));
        }
        self.state.damage.extend(result.damage);
        let inputs = self.state.counters.of(CounterKey::Inputs);
        if result.fatal.is_some() {
            inputs.skip("not read to its end");
        }
        for input in result.finished_inputs {
            let is_damaged = self.state.damage.iter().any(|damage| damage.path == input.path);
            if is_damaged {
                inputs.skip("damaged")
            } else {
                inputs.keep()
            }
            self.state.finished_inputs.push(input);
        }
        self.next = Some(result.next);
        observer.progress(&self.state.counters);
        if let Some(fault) = result.fatal {
            return Err(Ending::InputFault(fault));
        }
        if interrupted.load(Ordering::Relaxed) {
            return Err(Ending::Stopped(anyhow::anyhow!("interrupted")));
        }
        self.pending_bytes += result.bytes;
        debug!(target: "units", pages = self.state.pages(), next = ?self.next, pending_bytes = self.pending_bytes, "batch written");
        if self.pending_bytes >= self.unit_bytes || self.writer.open_bytes() >= SHARD_BYTES {
            self.end_unit()?;
        }
        Ok(())
    }

    /// Ends a unit: closes its shards and writes a checkpoint.
    pub(super) fn end_unit(&mut self) -> anyhow::Result<()> {
        let shards = self.writer.commit()?;
        if let Some(report) = &mut self.report {
            self.state.report_bytes = report.sync()?;
        }
        let matches = self.coverage.as_ref().map(|coverage| coverage.found().collect()).unwrap_or_default();
        self.pending_bytes = 0;
        if let Some(next) = &self.next {
            self.state.next = next.wait();
        }
        self.saved = self.state.clone();
        let rows: u64 = shards.iter().map(|shard| shard.rows).sum();
        info!(target: "units", pages = self.state.pages(), rows, shards = shards.len(), next = ?self.state.next, "checkpoint");
        Checkpoint { settings: self.settings.clone(), state: self.state.clone(), shards, matches }.write(self.dir)
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// The reason why the run was stopped, or a failure to write. The last checkpoint is kept then.
    pub(super) fn finish(
        mut self,
        ending: Result<(), Ending>,
        coverage_report: impl FnOnce(&NameMatchCounts) -> Option<CoverageReport>,
    ) -> anyhow::Result<JobOutcome> {
        let fatal = match ending {
            Err(Ending::Stopped(error)) => return Err(self.stop(error)),
            Err(Ending::InputFault(fault)) => Some(fault),
            Ok(()) => self.no_text_fault(),
        };
        // Whatever may fail comes before the manifest.
        if let Err(error) = self.close() {
            return Err(self.stop(error));
        }
        let inputs = self.settings.gazetteers.into_iter().chain(self.state.finished_inputs).collect();
        self.writer.set_damage(self.state.damage);
        self.writer.set_vanished_templates(self.state.vanished.most_frequent());
        let coverage = self.coverage.as_ref().and_then(coverage_report);
        if let Some(coverage) = &coverage {
            self.writer.set_report(serde_json::to_value(coverage).context("report")?);
        }
        let manifest = self.writer.finish(inputs, self.state.counters.into_manifest(), fatal.clone())?;
        Ok(JobOutcome { manifest, coverage, fatal })
    }

    /// Pages were read, and not one has text or is a redirect: they are not what somebody wanted.
    fn no_text_fault(&mut self) -> Option<String> {
        let texts = self.state.counters.of(CounterKey::Texts);
        let is_without_text = texts.seen > 0 && texts.skipped.get("empty") == Some(&texts.seen);
        is_without_text.then(|| format!("none of the {} pages has text: the input is a dump without texts, such as stubs", texts.seen))
    }

    fn close(&mut self) -> anyhow::Result<()> {
        self.writer.commit()?;
        self.report.as_mut().map_or(Ok(()), |report| report.sync().map(|_| ()))
    }

    /// Leaves the folder as the last checkpoint describes it.
    fn stop(self, error: anyhow::Error) -> anyhow::Error {
        let pages = self.saved.pages();
        // On a full disk this fails too; the checkpoint is on disk already.
        let _ = self.writer.abort(self.saved.finished_inputs, self.saved.counters.into_manifest(), format!("{error:#}"));
        error.context(format!("stopped; resume with --resume, {} holds the first {pages} pages", self.dir.display()))
    }
}
