//! The units of a dump of Wikidata: what was read of it, in a file for each, and how far that is.

use std::path::Path;

use schemas::manifest::InputFile;
use schemas::shard::spill_file;
use schemas::{Counter, Name, ShardWriter};
use serde::{Deserialize, Serialize};
use tracing::info;

use super::checkpoint::{Checkpoint, RunSettings};
use super::spill::SpillUnit;
use crate::names::wikidata::lines::{ArrayBracket, LineRecords};
use crate::source::{PendingResumePoint, ResumePoint};

/// Bytes of names at which a unit ends, however little of the dump it has read.
const MAX_UNIT_NAMES: usize = 128 << 20;
/// Malformed lines that are reported one by one; all are counted.
const REPORTED: u64 = 5;

/// What happens in a run.
#[derive(Debug, Clone, Copy)]
pub enum DumpEvent<'a> {
    /// So many entities were read.
    Entities(u64),
    /// The dump is read, and so many of its partitions are rows.
    Partitions(usize),
    /// Something is odd.
    Warning(&'a str),
}

/// How far a dump was read, between two units.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DumpState {
    /// Byte of the decompressed dump at which the next line begins.
    pub offset: u64,
    /// Lines before it.
    pub lines: u64,
    /// Where in the file to start decompression.
    pub place: Option<ResumePoint>,
    /// Units, each with a file.
    pub units: u32,
    /// What became of the entities.
    pub entities: Counter,
    /// Whether an array of entities is open.
    pub in_array: bool,
    /// The dump, once it is read to its end.
    pub input: Option<InputFile>,
}

/// What follows a batch.
#[derive(Clone)]
pub(super) enum NextLine {
    At { offset: u64, place: PendingResumePoint },
    End(InputFile),
    Fault(String),
}

/// What was read of a batch.
pub(super) struct BatchRecords {
    pub records: LineRecords,
    /// Bytes of JSON.
    pub bytes: u64,
    /// Lines that were skipped.
    pub too_long: u64,
    pub next: NextLine,
}

/// Why the lines of a dump end early.
pub(super) enum UnitEnding {
    /// The dump cannot be read further.
    Fault(String),
    /// A unit cannot be written.
    Stopped(anyhow::Error),
}

impl From<anyhow::Error> for UnitEnding {
    fn from(error: anyhow::Error) -> Self {
        Self::Stopped(error)
    }
}

/// The units of a dump, while it is read.
pub(super) struct DumpUnits<'a> {
    dir: &'a Path,
    settings: RunSettings,
    pub state: DumpState,
    /// The state in the last checkpoint.
    saved: DumpState,
    unit: SpillUnit,
    /// Bytes of JSON in the unit.
    unit_bytes: u64,
}

impl<'a> DumpUnits<'a> {
    /// The units of a run that continues from a state.
    pub fn new(dir: &'a Path, settings: RunSettings, state: DumpState) -> Self {
        Self { dir, settings, saved: state.clone(), state, unit: SpillUnit::default(), unit_bytes: 0 }
    }

    /// Adds what was read of a batch, and ends the unit if it is full.
    ///
    /// # Errors
    /// The dump cannot be read further, or the unit cannot be written.
    pub fn add(
        &mut self,
        batch: BatchRecords,
        max_unit_bytes: u64,
        on_event: &mut (dyn FnMut(DumpEvent<'_>) + Send),
    ) -> Result<(), UnitEnding> {
        let BatchRecords { records, bytes, too_long, next } = batch;
        let mut start = 0;
        for (partition, length) in records.partitions {
            let end = start + length as usize;
            self.unit.add_records(partition, &records.records[start..end]);
            start = end;
        }
        self.unit.add_edges(&records.edges);
        let malformed = |counter: &Counter| counter.skipped.get("malformed").copied().unwrap_or_default();
        for (number, (line, message)) in (malformed(&self.state.entities)..REPORTED).zip(&records.malformed) {
            let line = self.state.lines + line + 1;
            let more = if number + 1 == REPORTED { "; further ones are counted, not shown" } else { "" };
            on_event(DumpEvent::Warning(&format!("line {line}: {message}{more}")));
        }
        self.state.entities.add(&records.entities);
        (0..too_long).for_each(|_| self.state.entities.skip("longer than 64 MiB"));
        self.state.lines += records.lines + too_long;
        self.state.in_array = records.bracket.map_or(self.state.in_array, |bracket| bracket == ArrayBracket::Open);
        self.unit_bytes += bytes;
        on_event(DumpEvent::Entities(self.state.entities.seen));
        match next {
            NextLine::Fault(fault) => return Err(UnitEnding::Fault(fault)),
            NextLine::End(input) => self.state.input = Some(input),
            NextLine::At { offset, place } => {
                self.state.offset = offset;
                if self.unit_bytes >= max_unit_bytes || self.unit.bytes() >= MAX_UNIT_NAMES {
                    self.end_unit(Some(&place))?;
                }
            }
        }
        Ok(())
    }

    /// Ends a unit: writes its file and a checkpoint. `place` is where the next one begins.
    ///
    /// # Errors
    /// A failed write.
    pub fn end_unit(&mut self, place: Option<&PendingResumePoint>) -> anyhow::Result<()> {
        self.write_unit()?;
        self.state.place = place.map(PendingResumePoint::wait);
        self.saved = self.state.clone();
        info!(target: "units", entities = self.state.entities.seen, units = self.state.units, offset = self.state.offset, "checkpoint");
        Checkpoint { settings: self.settings.clone(), state: self.state.clone(), shards: Vec::new(), matches: Vec::new() }.write(self.dir)
    }

    /// Writes the file of a unit.
    ///
    /// # Errors
    /// A failed write.
    pub fn write_unit(&mut self) -> anyhow::Result<()> {
        let path = self.dir.join(spill_file(self.state.units));
        std::mem::take(&mut self.unit).write(&path)?;
        self.unit_bytes = 0;
        self.state.units += 1;
        Ok(())
    }

    /// Leaves the folder as the last checkpoint describes it.
    pub fn stop(self, writer: ShardWriter<Name>, error: anyhow::Error) -> anyhow::Error {
        let entities = self.saved.entities.seen;
        // On a full disk this fails too; the checkpoint is on disk already.
        let counters = [("entities".to_owned(), self.saved.entities)].into_iter().collect();
        let _ = writer.abort(Vec::new(), counters, format!("{error:#}"));
        error.context(format!("stopped; resume with --resume, {} holds the first {entities} entities", self.dir.display()))
    }
}
