//! The first pass over annotated files: what they hold, before anything is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use schemas::manifest::InputFile;
use schemas::{Counter, Query, QuerySet};

use super::corpus_reader::ReadSentence;
use super::detect::detect_format;
use super::open::{ReaderOptions, open_reader};
use crate::corpora::format::CorpusFormat;
use crate::corpora::language::ScriptCounts;
use crate::corpora::sentence::{AnnotatedSentence, Annotation};
use crate::corpora::tagging::detect::SchemeEvidence;
use crate::ordered_map::{Limits, TaskQueue, ordered_map};
use crate::source::{BytesRead, InputStream};

/// Skipped sentences that are reported one by one; all are counted.
const REPORTED_SENTENCES: u64 = 5;
/// Unknown labels that an error lists.
const LISTED_LABELS: usize = 20;

/// What annotated files hold: formats, tagging scheme, language, labels and questions.
///
/// Memory: a few words for each distinct label.
#[derive(Debug, Default)]
pub struct CorpusSurvey {
    /// The files with their sizes and hashes.
    pub inputs: Vec<InputFile>,
    /// The format of each file.
    pub formats: Vec<CorpusFormat>,
    /// Tells the tagging scheme.
    pub scheme_evidence: SchemeEvidence,
    /// Tells the language.
    pub scripts: ScriptCounts,
    sentences: Counter,
    labels: BTreeMap<String, LabelUse>,
    /// The questions that MRC JSON asks, in order of appearance, each with `FILE:LINE`.
    questions: Vec<(Query, String)>,
    /// The first label that is asked for with two different questions, as an error message.
    conflicting_question: Option<String>,
}

/// What one file holds.
struct FileSurvey {
    found: anyhow::Result<CorpusSurvey>,
    /// Messages about the first skipped sentences, and the number of all.
    skipped: Vec<String>,
    skipped_sentences: u64,
}

impl FileSurvey {
    fn read(path: &Path, format: Option<CorpusFormat>, options: &ReaderOptions<'_>, strict: bool) -> Self {
        let mut file = Self { found: Ok(CorpusSurvey::default()), skipped: Vec::new(), skipped_sentences: 0 };
        file.found = file.find(path, format, options, strict);
        file
    }

    fn find(
        &mut self,
        path: &Path,
        format: Option<CorpusFormat>,
        options: &ReaderOptions<'_>,
        strict: bool,
    ) -> anyhow::Result<CorpusSurvey> {
        let mut survey = CorpusSurvey::default();
        let format = format.map_or_else(|| detect_format(path), Ok)?;
        let mut stream = InputStream::open(path, BytesRead::default())?;
        let path = path.display().to_string();
        let mut reader = open_reader(format, &mut stream, options);
        while let Some(sentence) = reader.next_sentence().with_context(|| path.clone())? {
            match sentence {
                ReadSentence::Read(sentence) => survey.add(&path, sentence),
                ReadSentence::Skipped(malformed) if strict => bail!("{path}:{}: {}", malformed.line, malformed.detail),
                ReadSentence::Skipped(malformed) => {
                    self.skipped_sentences += 1;
                    if self.skipped_sentences <= REPORTED_SENTENCES {
                        self.skipped.push(format!("{path}:{}: {}; its sentence is skipped", malformed.line, malformed.detail));
                    }
                }
            }
        }
        survey.sentences.add(reader.sentences());
        drop(reader);
        survey.inputs.push(stream.input());
        survey.formats.push(format);
        Ok(survey)
    }
}

#[derive(Debug)]
struct LabelUse {
    count: u64,
    /// `FILE:LINE` of the first use.
    first: String,
}

impl CorpusSurvey {
    /// Reads all files, several at once. `format` is that of all of them; `None` detects it for each. `warn` receives a message for each
    /// skipped sentence, up to a few, and for each file without sentences, in the order of the files.
    ///
    /// # Errors
    /// A file that cannot be read, no sentence in any of them, or, with `strict`, a malformed sentence.
    pub fn read(
        files: &[PathBuf],
        format: Option<CorpusFormat>,
        options: &ReaderOptions<'_>,
        strict: bool,
        limits: Limits,
        warn: &mut (dyn FnMut(String) + Send),
    ) -> anyhow::Result<Self> {
        let mut survey = Self::default();
        let mut skipped = 0;
        let (_, read) = ordered_map(
            limits,
            &TaskQueue::default(),
            |feed| files.iter().all(|path| feed.send(path, 0)),
            |path| FileSurvey::read(path, format, options, strict),
            |file| -> anyhow::Result<()> {
                let shown = file.skipped.iter().take(usize::try_from(REPORTED_SENTENCES.saturating_sub(skipped)).unwrap_or_default());
                shown.for_each(|message| warn(message.clone()));
                skipped += file.skipped_sentences;
                let found = file.found?;
                if found.sentences.out == 0 {
                    warn(format!("{} has no usable sentence ({})", found.inputs[0].path, found.sentences));
                }
                survey.append(found);
                Ok(())
            },
        );
        read?;
        if skipped > REPORTED_SENTENCES {
            warn(format!("{} more sentences with malformed lines or elements are skipped", skipped - REPORTED_SENTENCES));
        }
        ensure!(
            survey.sentences.out > 0,
            "no usable sentence ({}), expected a token and its tag a line and a blank line after each sentence, or JSON; see --format",
            survey.sentences
        );
        Ok(survey)
    }

    /// Adds what the files hold that follow.
    fn append(&mut self, other: Self) {
        self.inputs.extend(other.inputs);
        self.formats.extend(other.formats);
        self.scheme_evidence.append(&other.scheme_evidence);
        self.scripts.append(&other.scripts);
        self.sentences.add(&other.sentences);
        for (label, used) in other.labels {
            match self.labels.get_mut(&label) {
                Some(known) => known.count += used.count,
                None => drop(self.labels.insert(label, used)),
            }
        }
        self.conflicting_question = self.conflicting_question.take().or(other.conflicting_question);
        other.questions.into_iter().for_each(|(question, place)| self.add_question(question, place));
    }

    fn add(&mut self, path: &str, sentence: AnnotatedSentence) {
        let line = sentence.line;
        match sentence.annotation {
            Annotation::Tags { tokens, tags } => {
                self.scheme_evidence.add(&tags);
                tokens.iter().for_each(|token| self.scripts.add_token(token));
                for (line, tag) in (line..).zip(&tags) {
                    if let Some(label) = tag.label() {
                        self.add_label(label, path, line);
                    }
                }
            }
            Annotation::TokenSpans { tokens, spans } => {
                tokens.iter().for_each(|token| self.scripts.add_token(token));
                spans.iter().for_each(|(_, label)| self.add_label(label, path, line));
            }
            Annotation::CharSpans { text, spans } => {
                self.scripts.add_text(&text);
                spans.iter().for_each(|(_, label)| self.add_label(label, path, line));
            }
        }
        for (label, text) in sentence.questions {
            self.add_question(Query { label, text }, format!("{path}:{line}"));
        }
    }

    fn add_label(&mut self, label: &str, path: &str, line: u64) {
        match self.labels.get_mut(label) {
            Some(known) => known.count += 1,
            None => drop(self.labels.insert(label.to_owned(), LabelUse { count: 1, first: format!("{path}:{line}") })),
        }
    }

    fn add_question(&mut self, question: Query, place: String) {
        match self.questions.iter().find(|(known, _)| known.label == question.label) {
            None => self.questions.push((question, place)),
            Some((known, _)) if known.text != question.text && self.conflicting_question.is_none() => {
                let Query { label, text } = question;
                let message = format!("{place}: label `{label}` is asked for with {text:?}, and before with {:?}", known.text);
                self.conflicting_question = Some(message);
            }
            Some(_) => {}
        }
    }

    /// The query set of the questions that the files ask themselves.
    ///
    /// # Errors
    /// A file that is not MRC JSON, a label with two different questions, or a blank question.
    pub fn own_queries(&self) -> anyhow::Result<QuerySet> {
        ensure!(
            self.formats.iter().all(|format| *format == CorpusFormat::MrcJson),
            "give the questions with --queries; only MRC JSON holds its own"
        );
        if let Some(message) = &self.conflicting_question {
            bail!("{message}; give one for each label with --queries");
        }
        let lang = self.scripts.lang().unwrap_or("und").to_owned();
        let set = QuerySet {
            name: "of the files".to_owned(),
            lang,
            description: String::new(),
            queries: self.questions.iter().map(|(question, _)| question.clone()).collect(),
        };
        set.check()?;
        Ok(set)
    }

    /// Checks that each label has a question or is to be ignored. `warn` receives a message for each ignored label that no file has.
    ///
    /// # Errors
    /// Labels that are neither, each with the place of its first use.
    pub fn check_labels(&self, queries: &QuerySet, ignored: &[String], warn: &mut dyn FnMut(String)) -> anyhow::Result<()> {
        for label in ignored.iter().filter(|label| !self.labels.contains_key(*label)) {
            warn(format!("label `{label}` of --ignore-label is in none of the files"));
        }
        let is_known = |label: &String| queries.position(label).is_some() || ignored.contains(label);
        let unknown: Vec<_> = self.labels.iter().filter(|(label, _)| !is_known(label)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let line = |(label, used): &(&String, &LabelUse)| format!("  {}: `{label}` ({} times)", used.first, used.count);
        let mut lines: Vec<String> = unknown.iter().take(LISTED_LABELS).map(line).collect();
        if unknown.len() > LISTED_LABELS {
            lines.push(format!("  and {} more", unknown.len() - LISTED_LABELS));
        }
        let known: Vec<String> = queries.labels().map(|label| format!("`{label}`")).collect();
        bail!(
            "query set `{}` has no question for these labels:\n{}\nit has {}; skip their entities with --ignore-label, or give another set \
             with --queries",
            queries.name,
            lines.join("\n"),
            known.join(", ")
        );
    }
}
