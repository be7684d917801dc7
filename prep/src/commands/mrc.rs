//! `prep mrc`: annotated files to triples with gold spans.
//!
//! Files are read twice: once to detect formats, tagging scheme and language and to find what is wrong, once to write. So a file that
//! cannot be read, a label without a question and, with `--strict`, a malformed line or element end the run before there is an output
//! folder, and memory does not grow with the files. Standard input and pipes cannot be read twice and are refused.
//!
//! One thread reads and makes triples; they are encoded on all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use schemas::shard::CheckedBatch;
use schemas::tokens::has_spaces;
use schemas::{Counter, Manifest, QuerySet, RowError, ShardWriter, Triple};

use super::terminal;
use crate::config::Runtime;
use crate::config::corpora::{MrcConfig, check_ignored_labels};
use crate::corpora::format::CorpusFormat;
use crate::corpora::gold_triples::{GoldCounts, GoldTriples};
use crate::corpora::read::corpus_reader::{CorpusReader, ReadSentence};
use crate::corpora::read::open::CorpusFile;
use crate::corpora::read::options::ReaderOptions;
use crate::corpora::read::survey::CorpusSurvey;
use crate::corpora::sentence::AnnotatedSentence;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tokenization::TokenJoin;
use crate::input::brat_folder::corpus_files;
use crate::number_format::counted_entities;
use crate::ordered_map::{Feed, Limits, TaskQueue, ordered_map};
use crate::run::checkpoint::RunSettings;
use crate::run::program::PROGRAM;
use crate::run::resume::RunStart;

/// The settings of a run with everything that was detected filled in.
struct ResolvedRun<'a> {
    config: &'a MrcConfig,
    survey: &'a CorpusSurvey,
    /// The files.
    inputs: Vec<PathBuf>,
    /// The name of each file in ids and in `doc`.
    docs: Vec<String>,
    options: ReaderOptions<'a>,
    queries: &'a QuerySet,
    scheme: TaggingScheme,
    lang: String,
    join: TokenJoin,
}

/// Formats with columns that an option names.
const CONLL: [CorpusFormat; 3] = [CorpusFormat::Conll, CorpusFormat::ConllU, CorpusFormat::Conll2012];
/// Sentences that are handed on at once, and bytes of their text.
const BATCH_SENTENCES: usize = 256;
const BATCH_BYTES: usize = 1 << 19;

/// The triples of some sentences, and what was counted while they were made.
type SentenceTriples = (Result<Vec<CheckedBatch<Triple>>, RowError>, GoldCounts);

/// What was read of a file.
struct FileRead {
    sentences: Counter,
    record_name: &'static str,
    records: Counter,
    result: anyhow::Result<()>,
}

/// What was read and written.
struct RunCounts {
    sentences: Counter,
    /// Lines and elements, by their name.
    records: BTreeMap<&'static str, Counter>,
    gold: GoldCounts,
    triples: Counter,
}

/// Runs `prep mrc`.
///
/// # Errors
/// A file that cannot be read or is of another format, a label that the query set lacks, no sentence at all, or an output that cannot be
/// written. With `--strict`, a malformed line or element.
pub fn run(config: &MrcConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let mut warn = |message: String| eprintln!("warning: {message}");
    let may_be_brat = config.format.is_none_or(|format| format == CorpusFormat::Brat);
    let inputs = corpus_files(&config.inputs, may_be_brat, &mut warn)?;
    let docs = document_names(&inputs)?;
    let options = ReaderOptions {
        scheme: config.scheme,
        columns: config.columns.clone(),
        only_label: config.only_label.as_deref(),
        offsets: config.offsets,
        text_field: config.text_field.as_deref(),
        label_field: config.label_field.as_deref(),
        sentence_field: config.sentence_field.as_deref(),
        standoff_text: None,
        class_names: config.class_names.as_deref(),
        queries: config.queries.as_ref().map_or(&[], |queries| &queries.queries),
    };
    let survey = CorpusSurvey::read(&inputs, config.format, &options, config.malformed, runtime.limits(), &mut warn)?;
    let queries = config.queries.clone().map_or_else(|| survey.own_queries(), Ok)?;
    check_ignored_labels(&config.ignored_labels, &queries)?;
    survey.check_labels(&queries, &config.ignored_labels, &mut warn)?;
    let scheme = options.scheme.unwrap_or_else(|| survey.scheme_evidence.scheme());
    let lang = config.lang.clone().unwrap_or_else(|| detect_language(&survey, &queries));
    let join = config.join.unwrap_or_else(|| TokenJoin::for_lang(&lang));
    let run = ResolvedRun { config, survey: &survey, inputs, docs, options, queries: &queries, scheme, lang, join };

    let manifest_config = run.manifest_config();
    let settings = RunSettings {
        program: PROGRAM.to_owned(),
        command: "mrc".to_owned(),
        config: manifest_config.clone(),
        gazetteers: survey.inputs.concat(),
        inputs: Vec::new(),
    };
    // There are no checkpoints: an incomplete run starts at the beginning.
    if let RunStart::Complete = <RunStart>::find(&config.output, &settings)? {
        terminal::say_complete(&config.output.dir, runtime);
        return Ok(());
    }
    let tasks = TaskQueue::default();
    let writer = config.output.create(Manifest::new(PROGRAM, "mrc", manifest_config))?;
    let mut writer = writer.with_executor(Arc::new(tasks.clone()));
    let mut counts = RunCounts::new(&queries);
    let written = run.write_files(&mut writer, &tasks, runtime.limits(), &mut counts);
    let error = written.as_ref().err().map(|error| format!("{error:#}"));
    if let Some(report) = counts.gold.violations.report() {
        writer.set_report(report);
    }
    let finished = writer.finish(survey.inputs.concat(), counts.by_name(), error);
    // The error of the rows comes first: a folder that cannot be finished is most often its consequence.
    written?;
    finished?;
    if !runtime.quiet {
        run.print_summary(&counts);
    }
    Ok(())
}

/// The name of each file in the rows: its file name, or its path where two files share a name.
fn document_names(paths: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let file_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let (mut names, mut seen, mut paths_of_name) = (Vec::with_capacity(paths.len()), BTreeSet::new(), BTreeMap::new());
    paths.iter().for_each(|path| *paths_of_name.entry(file_name(path)).or_insert(0) += 1);
    for path in paths {
        ensure!(seen.insert(path), "{} is given twice", path.display());
        let meta = std::fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?;
        ensure!(meta.is_file(), "{} is not a regular file; annotated files are read twice", path.display());
        let is_shared = paths_of_name[&file_name(path)] > 1;
        let full = path.to_string_lossy().into_owned();
        names.push(if is_shared { full } else { file_name(path).unwrap_or(full) });
    }
    Ok(names)
}

/// The language that the scripts of the tokens tell, or else that of the questions, if it writes spaces as the tokens do.
fn detect_language(survey: &CorpusSurvey, queries: &QuerySet) -> String {
    let lang_of_queries = queries.lang.as_str();
    let fallback = if has_spaces(lang_of_queries) { lang_of_queries } else { "und" };
    survey.scripts.lang().unwrap_or(fallback).to_owned()
}

impl ResolvedRun<'_> {
    fn manifest_config(&self) -> serde_json::Value {
        let has_tags = self.has_tags();
        serde_json::json!({
            "formats": self.survey.formats,
            "scheme": has_tags.then_some(self.scheme),
            "scheme_from": has_tags.then_some(if self.options.scheme.is_some() { "--scheme" } else { "tags" }),
            "columns": self.survey.formats.iter().any(|format| CONLL.contains(format)).then(|| self.options.columns.to_string()),
            "offsets": self.config.offsets,
            "text_field": self.config.text_field,
            "label_field": self.config.label_field,
            "sentence_field": self.config.sentence_field,
            "label": self.config.only_label,
            "labels": self.survey.class_names,
            "lang": self.lang,
            "lang_from": if self.config.lang.is_some() { "--lang" } else { "tokens" },
            // Running text is not joined of tokens.
            "join": self.survey.formats.iter().any(|format| format.joins_tokens()).then_some(self.join.text()),
            "ignore_label": self.config.ignored_labels,
            "malformed": self.config.malformed,
            "queries": self.queries,
        })
    }

    fn has_tags(&self) -> bool {
        self.survey.formats.iter().any(|format| format.has_tags())
    }

    fn write_files(
        &self,
        writer: &mut ShardWriter<Triple>,
        tasks: &TaskQueue,
        limits: Limits,
        counts: &mut RunCounts,
    ) -> anyhow::Result<()> {
        let CorpusSurvey { formats, inputs, .. } = self.survey;
        for (((path, doc), format), inputs) in self.inputs.iter().zip(&self.docs).zip(formats).zip(inputs) {
            let mut file = CorpusFile::open(path, *format, &self.options)?;
            let reader = file.reader(path, &self.options).with_context(|| path.display().to_string())?;
            let (read, written) = ordered_map(
                limits,
                tasks,
                |feed| self.read_file(doc, reader, feed),
                // Encoding is what the other threads do: texts that one thread allocates and another frees would cost more than is gained.
                |triples| triples,
                |(triples, gold): SentenceTriples| -> anyhow::Result<()> {
                    counts.gold.append(gold);
                    for rows in triples.with_context(|| self.config.output.dir.display().to_string())? {
                        let number = rows.num_rows() as u64;
                        counts.triples.add(&Counter { seen: number, out: number, ..Counter::default() });
                        writer.write_batch(0, &rows)?;
                    }
                    Ok(())
                },
            );
            counts.sentences.add(&read.sentences);
            counts.records.entry(read.record_name).or_default().add(&read.records);
            written.and(read.result).with_context(|| path.display().to_string())?;
            ensure!(file.inputs() == *inputs, "{} changed while it was read; run again", path.display());
        }
        Ok(())
    }

    /// Makes the triples of a file.
    fn read_file(&self, doc: &str, mut reader: Box<dyn CorpusReader + Send + '_>, feed: &mut Feed<'_, SentenceTriples>) -> FileRead {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let result = loop {
            match reader.next_sentence() {
                Ok(Some(ReadSentence::Read(sentence))) => {
                    bytes += sentence.annotation.text_bytes();
                    batch.push(sentence);
                }
                Ok(Some(ReadSentence::Skipped(_))) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
            if batch.len() == BATCH_SENTENCES || bytes >= BATCH_BYTES {
                if !feed.send(self.make_triples(doc, std::mem::take(&mut batch)), bytes as u64) {
                    break Ok(());
                }
                bytes = 0;
            }
        };
        feed.send(self.make_triples(doc, batch), bytes as u64);
        let (record_name, records) = reader.records();
        FileRead { sentences: reader.sentences().clone(), record_name, records: records.clone(), result }
    }

    fn make_triples(&self, doc: &str, sentences: Vec<AnnotatedSentence>) -> SentenceTriples {
        let mut counts = GoldCounts::new(self.queries);
        let gold = GoldTriples {
            queries: self.queries,
            ignored_labels: &self.config.ignored_labels,
            scheme: self.scheme,
            lang: &self.lang,
            join: self.join,
        };
        let triples = sentences.into_iter().flat_map(|sentence| gold.of_sentence(doc, sentence, &mut counts));
        let triples = CheckedBatch::from_rows(triples);
        (triples, counts)
    }

    fn print_summary(&self, counts: &RunCounts) {
        let gold = &counts.gold;
        let detected_from = |given: bool, what: &str| if given { String::new() } else { format!(" (detected from the {what})") };
        if self.has_tags() {
            eprintln!("scheme     {}{}", self.scheme, detected_from(self.options.scheme.is_some(), "tags"));
        }
        let joined_by = if self.join == TokenJoin::Space { "one space" } else { "nothing" };
        eprintln!("language   {}{}, tokens joined by {joined_by}", self.lang, detected_from(self.config.lang.is_some(), "tokens"));
        eprintln!("sentences  {}", counts.sentences);
        eprintln!("entities   {}", gold.entities);
        for (query, count) in self.queries.queries.iter().zip(&gold.spans_by_label) {
            eprintln!("  {:<20} {count}", query.label);
        }
        if gold.repaired.seen > 0 {
            eprintln!(
                "repaired   {} whose tags violate scheme {}, listed in the manifest",
                counted_entities(gold.repaired.seen),
                self.scheme
            );
        }
        if gold.added_questions.seen > 0 {
            eprintln!("added      {} questions that the files do not ask, each without an answer", gold.added_questions.seen);
        }
        eprintln!("triples    {} in {}", counts.triples.out, self.config.output.dir.display());
    }
}

impl RunCounts {
    fn new(queries: &QuerySet) -> Self {
        let (sentences, records, triples) = (Counter::default(), BTreeMap::new(), Counter::default());
        Self { sentences, records, gold: GoldCounts::new(queries), triples }
    }

    /// The counters of the manifest.
    fn by_name(&self) -> BTreeMap<String, Counter> {
        let named = [
            ("sentences", &self.sentences),
            ("entities", &self.gold.entities),
            ("repaired entities", &self.gold.repaired),
            ("questions added", &self.gold.added_questions),
            ("triples", &self.triples),
        ];
        let records = self.records.iter().map(|(name, counter)| (*name, counter));
        named.into_iter().chain(records).map(|(name, counter)| (name.to_owned(), counter.clone())).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn document_names_are_distinct() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("x")).unwrap();
        let paths = ["a.txt", "b.txt", "x/a.txt"].map(|name| dir.path().join(name));
        paths.iter().for_each(|path| std::fs::write(path, "").unwrap());
        let names = document_names(&paths).unwrap();
        assert_eq!(names, [paths[0].display().to_string(), "b.txt".to_owned(), paths[2].display().to_string()]);
        let twice = document_names(&[paths[1].clone(), paths[1].clone()]).unwrap_err().to_string();
        assert!(twice.ends_with("b.txt is given twice"), "{twice}");
        let folder = document_names(&[dir.path().to_owned()]).unwrap_err().to_string();
        assert!(folder.ends_with("annotated files are read twice"), "{folder}");
    }
}
