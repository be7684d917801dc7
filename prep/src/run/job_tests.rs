//! Jobs: what an observer receives, and that a stopped run is resumed to the same bytes.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use schemas::Page;

use super::batch_worker::BatchWorker;
use super::extractors::Extractors;
use super::job::Job;
use super::job_outcome::JobOutcome;
use super::manifest_config::ManifestConfig;
use super::observer::RunObserver;
use super::output::{OutputMode, OutputSettings};
use super::page_settings::PageSettings;
use crate::counters::{CounterKey, Counters};
use crate::input::inputs::Inputs;
use crate::input::read_pass::ReadPass;
use crate::input::settings::{InputSelection, InputSettings};
use crate::ordered_map::Limits;
use crate::wikitext::WikitextExtractor;

/// Records the events of a run.
#[derive(Default)]
struct Recorder<'a> {
    warnings: Vec<String>,
    pages: Vec<u64>,
    /// Interrupts the run after so many batches.
    interrupt: Option<(usize, &'a AtomicBool)>,
}

impl RunObserver for Recorder<'_> {
    fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }

    fn progress(&mut self, counters: &Counters) {
        self.pages.push(counters.seen(CounterKey::Pages));
        if let Some((batches, flag)) = self.interrupt
            && self.pages.len() == batches
        {
            flag.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

/// A dump of so many pages, of which each hundredth is malformed.
fn dump(dir: &Path, pages: usize) -> PathBuf {
    let page = |id: usize| {
        let ns = if id % 100 == 99 { "" } else { "<ns>0</ns>" };
        format!(
            "<page><title>Page {id}</title>{ns}<id>{id}</id><revision><id>{id}</id><timestamp>2020-01-01T00:00:00Z</timestamp>\
             <model>wikitext</model><text>Text of [[page {id}]].</text></revision></page>\n"
        )
    };
    let head = "<mediawiki version=\"0.11\" xml:lang=\"en\"><siteinfo><dbname>enwiki</dbname></siteinfo>";
    let path = dir.join("dump.xml");
    std::fs::write(&path, format!("{head}{}</mediawiki>", (0..pages).map(page).collect::<String>())).unwrap();
    path
}

/// Makes pages of a dump, with a checkpoint every few kilobytes.
fn run(dump: &Path, out: &Path, mode: OutputMode, interrupted: &AtomicBool, recorder: &mut Recorder<'_>) -> anyhow::Result<JobOutcome> {
    let selection = InputSelection::Paths { paths: vec![dump.to_owned()], indexes: Vec::new() };
    let reading = InputSettings { selection, lang: None, resolve_redirects: false, skip_damaged: false };
    let pages = PageSettings { namespaces: vec![0], variant: None, extra_segments: Vec::new(), templates: None, strict: false };
    let output = OutputSettings { dir: out.to_owned(), mode };
    let mut inputs = Inputs::open(&reading, 1)?;
    let extractors = Extractors::new(&inputs.sites, &pages)?;
    let config = ManifestConfig::new(&inputs, &reading, &pages, &extractors, 8 << 10);
    let limits = Limits { threads: 2, budget: 1 << 20 };
    let job = Job { command: "pages", output: &output, report: None, unit_bytes: 8 << 10, limits, gazetteer: None, partitions: None };
    let start = job.start(&mut inputs, &config)?.expect("the folder is not complete");
    let worker = BatchWorker::new(&inputs, &extractors, &pages, None);
    let pass = ReadPass { name: "test", skip_damaged: false, interrupted };
    job.run(start, inputs, &worker, pass, recorder, |page: Page<'_>, _: &WikitextExtractor, rows: &mut Vec<Page<'static>>| {
        rows.push(page.into_owned());
        Ok(())
    })
}

#[test]
fn an_observer_receives_pages_and_warnings() {
    let dir = tempfile::tempdir().unwrap();
    let dump = dump(dir.path(), 500);
    let mut recorder = Recorder::default();
    let outcome = run(&dump, &dir.path().join("out"), OutputMode::Create, &AtomicBool::new(false), &mut recorder).unwrap();
    assert!(outcome.manifest.complete && outcome.fatal.is_none());
    assert_eq!((recorder.warnings.len(), recorder.pages.last()), (5, Some(&500)));
    assert!(recorder.pages.is_sorted());
    assert!(
        recorder.warnings[0].contains("dump.xml: page at byte") && recorder.warnings[0].contains("(Page 99)"),
        "{}",
        recorder.warnings[0]
    );
    assert_eq!(outcome.manifest.counters["pages"].to_string(), "500 in, 495 out, 5 skipped (malformed: no ns 5)");
    assert!(outcome.manifest.counters.values().all(schemas::Counter::adds_up));
}

#[test]
fn an_interrupted_run_is_resumed_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let dump = dump(dir.path(), 2000);
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let expected = run(&dump, &whole, OutputMode::Create, &AtomicBool::new(false), &mut Recorder::default()).unwrap().manifest;
    let interrupted = AtomicBool::new(false);
    let mut recorder = Recorder { interrupt: Some((7, &interrupted)), ..Recorder::default() };
    let Err(error) = run(&dump, &parts, OutputMode::Create, &interrupted, &mut recorder) else { panic!("it was interrupted") };
    let message = format!("{error:#}");
    assert!(message.contains("resume with --resume") && message.contains("interrupted"), "{message}");
    let mut recorder = Recorder::default();
    let resumed = run(&dump, &parts, OutputMode::Resume, &AtomicBool::new(false), &mut recorder).unwrap().manifest;
    assert!(recorder.pages[0] > 64, "pages before the checkpoint are not read again: {:?}", recorder.pages);
    assert_eq!(resumed, expected);
}
