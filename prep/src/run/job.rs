//! A run from its inputs to a folder: batches are read on one thread, made rows of on several and written on this one, unit by unit.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail, ensure};
use schemas::shard::SHARD_BYTES;
use schemas::{Manifest, Row, ShardWriter};

use super::checkpoint::{self, Saved, Settings, Start, State};
use super::progress::Reporter;
use super::settings::Config;
use super::work::{Done, RowsOf, Sink, Worker};
use crate::cli::{Common, DumpArgs, OutputArgs, PagesArgs};
use crate::gazetteer::Gazetteer;
use crate::gazetteer::coverage::{CoverageReport, MatchCounts};
use crate::gazetteer::load::LoadSummary;
use crate::input::read::{INTERRUPTED, read_all};
use crate::input::redirects::Redirects;
use crate::input::sources::Sources;
use crate::{PROGRAM, ordered_map};

/// What a command asks for.
pub(crate) struct Job<'a> {
    pub command: &'a str,
    pub output: &'a OutputArgs,
    pub dump: &'a DumpArgs,
    pub common: &'a Common,
    /// What rows are typed by.
    pub names: Option<NamesOf<'a>>,
    /// Folders for the rows, if not all go into one.
    pub partitions: Option<Vec<String>>,
}

/// A gazetteer, and what is to be said about it.
pub(crate) struct NamesOf<'a> {
    pub gazetteer: &'a Gazetteer,
    pub loaded: LoadSummary,
    pub labels: Vec<&'a str>,
    pub paths: Vec<String>,
}

impl NamesOf<'_> {
    fn report(&self, coverage: &MatchCounts) -> CoverageReport {
        CoverageReport::new(coverage, self.gazetteer, &self.labels, &self.paths)
    }
}

/// Why a run ended before its inputs did.
enum End {
    /// An input cannot be read on. What was read before is kept, but the folder is not complete.
    Fault(String),
    /// What is in no finished unit is given up.
    Stopped(anyhow::Error),
}

impl From<anyhow::Error> for End {
    fn from(error: anyhow::Error) -> Self {
        Self::Stopped(error)
    }
}

impl<'a> Job<'a> {
    /// One without a gazetteer, whose rows go into one folder.
    pub(crate) fn new(command: &'a str, args: &'a PagesArgs, common: &'a Common) -> Self {
        Self { command, output: &args.output, dump: &args.dump, common, names: None, partitions: None }
    }
}

impl Job<'_> {
    /// Makes rows of the pages, of which `rows_of` makes those of one.
    pub(crate) fn run<S: Sink>(&self, mut sources: Sources, config: &Config, rows_of: impl RowsOf<S>) -> anyhow::Result<()> {
        let dir = self.output.output.as_path();
        let settings = Settings {
            program: PROGRAM.to_owned(),
            command: self.command.to_owned(),
            config: serde_json::to_value(config).context("settings")?,
            gazetteers: self.names.as_ref().map(|names| names.loaded.inputs.clone()).unwrap_or_default(),
            inputs: sources.known(),
        };
        let saved = match Start::find(self.output, &settings)? {
            Start::Complete => {
                checkpoint::say_complete(dir, self.common);
                return Ok(());
            }
            Start::From(saved) => {
                sources.go_to(&saved.state.next, &saved.state.inputs)?;
                Some(*saved)
            }
            Start::New => None,
        };
        let redirects = self.dump.resolve_redirects.then(|| Redirects::read(&sources, self.dump, self.common)).transpose()?;
        // A second Ctrl-C does what it does without us.
        let _ = ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
        let mut run = self.begin::<S::Row>(settings, saved, &sources, redirects.as_ref())?;
        let from = run.state.next.clone();
        let worker = Worker::new(&sources, self.dump, redirects);
        let limits = self.common.limits();
        let skip_damaged = self.dump.skip_damaged;
        let (whole, result) = ordered_map::ordered(
            limits,
            move |feed| read_all(sources.sources, from, feed, skip_damaged),
            |batch| worker.work(batch, &rows_of),
            |done| run.take(done),
        );
        let result = if whole { result } else { result.and(Err(End::Stopped(anyhow::anyhow!("interrupted")))) };
        run.end(result, self.common.quiet)
    }

    fn begin<R: Row>(
        &self,
        settings: Settings,
        saved: Option<Saved>,
        sources: &Sources,
        redirects: Option<&Redirects>,
    ) -> anyhow::Result<Run<'_, R>> {
        let dir = self.output.output.as_path();
        let manifest = Manifest::new(&settings.program, &settings.command, settings.config.clone());
        let mut coverage = self.names.as_ref().map(|names| MatchCounts::new(names.gazetteer));
        let going_on = saved.is_some();
        let (state, mut writer) = match saved {
            Some(Saved { state, shards, matches, .. }) => {
                if let Some(coverage) = &mut coverage {
                    matches.iter().for_each(|&(name, count)| coverage.add(name, count));
                }
                (state, ShardWriter::<R>::resume(dir, manifest, shards)?)
            }
            None => (self.first_state(redirects), checkpoint::create(self.output, manifest)?),
        };
        // Shards end where units do.
        writer = writer.with_shard_bytes(usize::MAX);
        if let Some(partitions) = &self.partitions {
            writer = writer.with_partitions(partitions.iter().cloned());
        }
        let report = self.dump.report.as_deref().map(|path| PageReport::open(path, state.report_bytes)).transpose()?;
        let pages = state.counters.get("pages").map_or(0, |tally| tally.seen);
        let reporter = Reporter::new(self.common.quiet, sources.bytes, sources.progress.clone(), pages);
        if going_on {
            reporter.note(&format!("going on with {} after {pages} pages", dir.display()));
        }
        let unit = self.dump.unit.0;
        let mut run = Run {
            dir,
            writer,
            committed: state.clone(),
            state,
            settings,
            names: self.names.as_ref(),
            coverage,
            report,
            reporter,
            unit,
            since: 0,
        };
        run.commit()?;
        Ok(run)
    }

    fn first_state(&self, redirects: Option<&Redirects>) -> State {
        let mut state = State::default();
        if let Some(redirects) = redirects {
            state.counters.insert("redirects".to_owned(), redirects.tally.clone());
        }
        if let Some(names) = &self.names {
            state.counters.insert("names".to_owned(), names.loaded.names.clone());
            names.loaded.inputs.iter().for_each(|_| state.counters.entry("inputs".to_owned()).or_default().keep());
        }
        state
    }
}

/// A run on its way.
struct Run<'a, R: Row> {
    dir: &'a Path,
    writer: ShardWriter<R>,
    state: State,
    /// What the progress file says.
    committed: State,
    settings: Settings,
    names: Option<&'a NamesOf<'a>>,
    coverage: Option<MatchCounts>,
    report: Option<PageReport>,
    reporter: Reporter,
    unit: u64,
    /// Bytes of text since the last unit ended.
    since: u64,
}

impl<R: Row> Run<'_, R> {
    /// Takes in what came of a batch.
    fn take(&mut self, done: Done<R>) -> Result<(), End> {
        for (thing, tally) in &done.counters.tallies {
            self.state.counters.entry(thing.name().to_owned()).or_default().add(tally);
        }
        if let Some(coverage) = &mut self.coverage {
            done.counters.names.iter().for_each(|&name| coverage.add(name, 1));
        }
        for (partition, rows) in done.rows.with_context(|| self.dir.display().to_string())? {
            self.writer.write_batch(partition, &rows).map_err(anyhow::Error::new)?;
        }
        if let Some(report) = &mut self.report {
            report.lines(&done.report)?;
            let lost = done.damage.iter().map(|damage| serde_json::to_string(damage).expect("it is plain data"));
            report.lines(&lost.collect::<Vec<_>>())?;
        }
        let lost = done.damage.iter().map(|damage| format!("{}: {}; lost: {}", damage.path, damage.what, damage.lost));
        self.reporter.warn(&done.warnings);
        self.reporter.warn(&lost.collect::<Vec<_>>());
        self.state.damage.extend(done.damage);
        let inputs = self.state.counters.entry("inputs".to_owned()).or_default();
        if done.fault.is_some() {
            inputs.skip("not read to its end");
        }
        for input in done.ended {
            let damaged = self.state.damage.iter().any(|damage| damage.path == input.path);
            if damaged {
                inputs.skip("damaged")
            } else {
                inputs.keep()
            }
            self.state.inputs.push(input);
        }
        self.state.next = done.next;
        self.reporter.show(&self.state.counters);
        if let Some(fault) = done.fault {
            return Err(End::Fault(fault));
        }
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Err(End::Stopped(anyhow::anyhow!("interrupted")));
        }
        self.since += done.bytes;
        if self.since >= self.unit || self.writer.open_bytes() >= SHARD_BYTES {
            self.commit()?;
        }
        Ok(())
    }

    /// Ends a unit.
    fn commit(&mut self) -> anyhow::Result<()> {
        let shards = self.writer.commit()?;
        if let Some(report) = &mut self.report {
            self.state.report_bytes = report.sync()?;
        }
        let matches = self.coverage.as_ref().map(|coverage| coverage.found().collect()).unwrap_or_default();
        self.since = 0;
        self.committed = self.state.clone();
        Saved { settings: self.settings.clone(), state: self.state.clone(), shards, matches }.write(self.dir)
    }

    /// Writes the manifest, and says what came of the run.
    fn end(mut self, result: Result<(), End>, quiet: bool) -> anyhow::Result<()> {
        let error = match result {
            Err(End::Stopped(error)) => return Err(self.stop(error)),
            Err(End::Fault(fault)) => Some(fault),
            Ok(()) => None,
        };
        // What may fail comes before the manifest.
        if let Err(failed) = self.close() {
            return Err(self.stop(failed));
        }
        let gazetteers = self.settings.gazetteers.into_iter();
        let inputs = gazetteers.chain(self.state.inputs).collect();
        self.writer.set_damage(self.state.damage);
        let report = self.names.zip(self.coverage).map(|(names, coverage)| names.report(&coverage));
        if let Some(report) = &report {
            self.writer.set_report(serde_json::to_value(report).context("report")?);
        }
        let manifest = self.writer.finish(inputs, self.state.counters, error.clone())?;
        self.reporter.finish(&manifest, self.dir);
        if let Some(report) = report.filter(|_| !quiet) {
            eprint!("{report}");
        }
        match error {
            Some(error) => bail!("{error}; {} holds what was read before and is marked not complete", self.dir.display()),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> anyhow::Result<()> {
        self.writer.commit()?;
        self.report.as_mut().map_or(Ok(()), |report| report.sync().map(|_| ()))
    }

    /// Leaves what `--resume` needs.
    fn stop(self, error: anyhow::Error) -> anyhow::Error {
        self.reporter.end();
        let pages = self.committed.counters.get("pages").map_or(0, |tally| tally.seen);
        // Where the disk is full this may fail too; the progress file is there already.
        let _ = self.writer.abort(self.committed.inputs, self.committed.counters, format!("{error:#}"));
        error.context(format!("stopped; go on with --resume, {} holds the first {pages} pages", self.dir.display()))
    }
}

/// The file that `--report` names.
struct PageReport {
    path: String,
    file: BufWriter<File>,
    /// A pipe or a device has no length and is on no disk.
    regular: bool,
    bytes: u64,
}

impl PageReport {
    /// Makes it anew, or goes on after its first bytes.
    fn open(path: &Path, bytes: u64) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let cannot = || format!("cannot write {name}");
        let mut file = OpenOptions::new().write(true).create(true).truncate(bytes == 0).open(path).with_context(cannot)?;
        let meta = file.metadata().with_context(cannot)?;
        if meta.is_file() {
            ensure!(meta.len() >= bytes, "cannot go on with {name}: it has {} bytes, and had {bytes}", meta.len());
            file.set_len(bytes).and_then(|()| file.seek(SeekFrom::Start(bytes))).with_context(cannot)?;
        }
        Ok(Self { path: name, file: BufWriter::new(file), regular: meta.is_file(), bytes })
    }

    fn lines(&mut self, lines: &[String]) -> anyhow::Result<()> {
        for line in lines {
            writeln!(self.file, "{line}").with_context(|| format!("cannot write {}", self.path))?;
            self.bytes += line.len() as u64 + 1;
        }
        Ok(())
    }

    /// Lets all lines be on disk, and says how long the file is.
    fn sync(&mut self) -> anyhow::Result<u64> {
        let synced = self.file.flush().and_then(|()| if self.regular { self.file.get_ref().sync_data() } else { Ok(()) });
        synced.with_context(|| format!("cannot write {}", self.path))?;
        Ok(self.bytes)
    }
}
