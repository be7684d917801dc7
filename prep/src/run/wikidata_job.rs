//! Names out of a dump of Wikidata, in two steps, for the classes of an item may come after it.
//!
//! 1. The dump is read once. What names need of it goes into a file for each unit, divided into partitions by name, with a checkpoint after
//!    each.
//! 2. The statements of classes tell which class leads to which label; then each partition is made into rows, on any thread.
//!
//! So memory is that of the batches in flight, of one unit's names, of the statements of classes, and of one partition for each thread. A run
//! that is stopped in the second step repeats that.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail, ensure};
use schemas::shard::{CheckedBatch, spill_file};
use schemas::{Counter, Manifest, Name, ShardWriter};
use serde_json::Value;
use tracing::info;

use super::checkpoint::RunSettings;
pub use super::dump_units::DumpEvent;
use super::dump_units::{BatchRecords, DumpState, DumpUnits, NextLine, UnitEnding};
use super::output::OutputSettings;
use super::program::PROGRAM;
use super::resume::RunStart;
use super::spill::{PARTITIONS, SpillFiles, partition_of};
use crate::input::fingerprint::InputFingerprint;
use crate::names::wikidata::class_graph::{ClassGraph, ClassLabels, LabelClasses};
use crate::names::wikidata::entity::NameSelection;
use crate::names::wikidata::lines::LineRecords;
use crate::names::wikidata::name_rows::NameRows;
use crate::ordered_map::{Feed, Limits, TaskQueue, ordered_map};
use crate::source::{BytesRead, FilePart, InputStream, LineBatch, LineBatches};

/// Weight of a partition against the in-flight budget, for each of its bytes on disk.
const PARTITION_WEIGHT: u64 = 2;

/// A job over a dump of Wikidata.
pub struct WikidataJob<'a> {
    /// The dump; `-` is standard input.
    pub dump: &'a Path,
    /// Where the rows go.
    pub output: &'a OutputSettings,
    /// Which names are read.
    pub selection: &'a NameSelection,
    /// The classes of each label.
    pub labels: &'a [LabelClasses],
    /// Bytes of JSON in a unit.
    pub unit_bytes: u64,
    /// Limits of what is in flight.
    pub limits: Limits,
    /// Threads that decode bzip2.
    pub decoder_threads: usize,
    /// Counts the bytes of the dump that were read.
    pub bytes_read: BytesRead,
    /// Set where the run is to stop.
    pub interrupted: &'a AtomicBool,
}

/// Where a job starts.
pub struct WikidataStart {
    settings: RunSettings,
    checkpoint: Option<DumpState>,
}

impl WikidataStart {
    /// Entities that an earlier run read; `None` if nothing is resumed.
    pub fn resumed_entities(&self) -> Option<u64> {
        self.checkpoint.as_ref().map(|state| state.entities.seen)
    }
}

/// What a job has made.
pub struct NamesOutcome {
    /// The manifest.
    pub manifest: Manifest,
    /// Why the dump was not read to its end.
    pub fatal: Option<String>,
}

/// Lines of the dump on their way to a worker.
struct DumpBatch {
    lines: LineBatch,
    next: NextLine,
}

impl WikidataJob<'_> {
    /// Decides where the job starts. Returns `None` if the output folder is complete.
    ///
    /// # Errors
    /// An output folder that cannot be used, an earlier run with another dump or other settings, or one that read standard input in part.
    pub fn start(&self, config: Value) -> anyhow::Result<Option<WikidataStart>> {
        let metadata = match self.dump.as_os_str() == "-" {
            true => None,
            false => Some(std::fs::metadata(self.dump).with_context(|| format!("cannot open {}", self.dump.display()))?),
        };
        let is_file = metadata.as_ref().is_some_and(std::fs::Metadata::is_file);
        let bytes = metadata.map_or(0, |metadata| metadata.len());
        let settings = RunSettings {
            program: PROGRAM.to_owned(),
            command: "names".to_owned(),
            config,
            gazetteers: Vec::new(),
            inputs: vec![InputFingerprint { path: self.dump.display().to_string(), bytes, blake3: None }],
        };
        let checkpoint = match RunStart::<DumpState>::find(self.output, &settings)? {
            RunStart::Complete => return Ok(None),
            RunStart::New => None,
            RunStart::Resume(checkpoint) => {
                let state = checkpoint.state;
                ensure!(
                    is_file || state.input.is_some() || state.units == 0,
                    "cannot resume {}: {} can be read only once, and was read in part; start again with --overwrite",
                    self.output.dir.display(),
                    self.dump.display()
                );
                Some(state)
            }
        };
        Ok(Some(WikidataStart { settings, checkpoint }))
    }

    /// Reads the dump and writes the rows of its names.
    ///
    /// # Errors
    /// An interruption, or an output that cannot be written: the finished units are kept for `--resume`. A fault of the dump is no error
    /// here: it is in the outcome, and the folder is marked not complete.
    pub fn run(&self, start: WikidataStart, on_event: &mut (dyn FnMut(DumpEvent<'_>) + Send)) -> anyhow::Result<NamesOutcome> {
        let dir = self.output.dir.as_path();
        let manifest = Manifest::new(&start.settings.program, &start.settings.command, start.settings.config.clone());
        let state = start.checkpoint.unwrap_or_default();
        // Without a unit there is nothing to keep.
        let mut writer = match state.units {
            0 => self.output.create(manifest)?,
            units => ShardWriter::<Name>::resume_spilled(dir, manifest, units)?,
        };
        let mut units = DumpUnits::new(dir, start.settings, state);
        let fatal = match self.read_dump(&mut units, on_event) {
            Ok(fatal) => fatal,
            Err(error) => return Err(units.stop(writer, error)),
        };
        let tasks = TaskQueue::default();
        writer = writer.with_executor(Arc::new(tasks.clone()));
        let written = self.write_rows(units.state.units, &mut writer, &tasks, on_event);
        let names = match written {
            Ok(names) => names,
            Err(error) => return Err(units.stop(writer, error)),
        };
        let state = units.state;
        let counters = [("entities".to_owned(), state.entities), ("names".to_owned(), names)].into_iter().collect();
        let manifest = writer.finish(state.input.into_iter().collect(), counters, fatal.clone())?;
        Ok(NamesOutcome { manifest, fatal })
    }

    /// Reads the dump from where the state is to its end. Returns why it was not read to its end, if it was not.
    fn read_dump(&self, units: &mut DumpUnits<'_>, on_event: &mut (dyn FnMut(DumpEvent<'_>) + Send)) -> anyhow::Result<Option<String>> {
        if units.state.input.is_some() {
            return Ok(None);
        }
        let lines = self.open(&units.state)?;
        let (in_time, consumed) = ordered_map(
            self.limits,
            &TaskQueue::default(),
            |feed| read_batches(lines, feed, self.interrupted),
            |batch: DumpBatch| BatchRecords {
                records: LineRecords::read(&batch.lines.pieces, self.selection, partition_of),
                bytes: batch.lines.bytes() as u64,
                too_long: batch.lines.too_long,
                next: batch.next,
            },
            |batch| units.add(batch, self.unit_bytes, on_event),
        );
        match consumed {
            Ok(()) if !in_time => bail!("interrupted"),
            Ok(()) => {}
            Err(UnitEnding::Stopped(error)) => return Err(error),
            Err(UnitEnding::Fault(fault)) => {
                units.write_unit()?;
                return Ok(Some(format!("{}: {fault}", self.dump.display())));
            }
        }
        let Counter { seen, skipped, .. } = &units.state.entities;
        if *seen == skipped.get("malformed").copied().unwrap_or_default() {
            units.state.input = None;
            return Ok(Some(format!("{} has no entity of Wikidata, expected its JSON dump, an entity a line", self.dump.display())));
        }
        if units.state.in_array {
            units.state.input = None;
            units.write_unit()?;
            let lines = units.state.lines;
            return Ok(Some(format!("{} is cut off: it ends after line {lines}, without the `]` at its end", self.dump.display())));
        }
        units.end_unit(None)?;
        Ok(None)
    }

    /// The lines of the dump from where the state is.
    fn open(&self, state: &DumpState) -> anyhow::Result<LineBatches<InputStream>> {
        let (threads, bytes_read) = (self.decoder_threads, self.bytes_read.clone());
        let stream = match &state.place {
            None => InputStream::open_with_threads(self.dump, threads, bytes_read)?,
            Some(place) => InputStream::open_part(self.dump, &FilePart::WHOLE, Some(place), threads, bytes_read)?,
        };
        let start = state.place.as_ref().and_then(|place| place.seek_point).map_or(0, |point| point.offset);
        LineBatches::new(stream, start, state.offset).with_context(|| format!("cannot read {}", self.dump.display()))
    }

    /// Makes the rows of all partitions.
    fn write_rows(
        &self,
        units: u32,
        writer: &mut ShardWriter<Name>,
        tasks: &TaskQueue,
        on_event: &mut (dyn FnMut(DumpEvent<'_>) + Send),
    ) -> anyhow::Result<Counter> {
        let dir = self.output.dir.as_path();
        let files = SpillFiles::open((0..units).map(|unit| dir.join(spill_file(unit))))?;
        let graph = ClassGraph::new(files.edges()?);
        let classes = ClassLabels::new(&graph, self.labels);
        info!(target: "classes", statements = graph.len(), with_label = classes.len(), "resolved");
        drop(graph);
        let rows = NameRows { labels: self.labels, classes: &classes, lang: &self.selection.lang };
        let (mut names, mut partitions) = (Counter::default(), 0);
        let (_, written) = ordered_map(
            self.limits,
            tasks,
            |feed| (0..PARTITIONS).all(|partition| feed.send(partition, files.compressed_bytes(partition) * PARTITION_WEIGHT)),
            |partition| -> anyhow::Result<_> {
                let (rows, counter) = rows.of_partition(&files.records(partition)?)?;
                Ok((CheckedBatch::from_rows(rows)?, counter))
            },
            |result| -> anyhow::Result<()> {
                let (batches, counter) = result?;
                ensure!(!self.interrupted.load(Ordering::Relaxed), "interrupted");
                names.add(&counter);
                batches.iter().try_for_each(|rows| writer.write_batch(0, rows))?;
                partitions += 1;
                on_event(DumpEvent::Partitions(partitions));
                Ok(())
            },
        );
        written.map(|()| names)
    }
}

/// Hands out the lines of a dump. Returns whether it was not interrupted.
fn read_batches(mut lines: LineBatches<InputStream>, feed: &mut Feed<'_, DumpBatch>, interrupted: &AtomicBool) -> bool {
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return false;
        }
        let (batch, next) = match lines.next_batch() {
            Ok(Some(batch)) => {
                let offset = lines.offset();
                (batch, NextLine::At { offset, place: lines.reader().resume_point(offset) })
            }
            Ok(None) => (LineBatch::default(), NextLine::End(lines.reader().input())),
            Err(error) => {
                (LineBatch::default(), NextLine::Fault(format!("truncated or corrupt at byte {} of the JSON: {error}", lines.offset())))
            }
        };
        let is_last = !matches!(next, NextLine::At { .. });
        let weight = batch.bytes() as u64;
        if !feed.send(DumpBatch { lines: batch, next }, weight) || is_last {
            return true;
        }
    }
}
