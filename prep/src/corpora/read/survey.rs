//! The first pass over annotated files: what they hold, before anything is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use schemas::manifest::InputFile;
use schemas::{Counter, Query, QuerySet};

use super::corpus_reader::{MalformedRule, MalformedSentence, ReadSentence};
use super::detect::detect_format;
use super::open::CorpusFile;
use super::options::ReaderOptions;
use crate::corpora::format::CorpusFormat;
use crate::corpora::language::ScriptCounts;
use crate::corpora::sentence::{AnnotatedSentence, Annotation};
use crate::corpora::tagging::detect::SchemeEvidence;
use crate::corpora::tagging::tag::{Tag, TagNotation};
use crate::number_format::counted;
use crate::ordered_map::{Limits, TaskQueue, ordered_map};

/// Skipped sentences, and as many skipped spans, that are reported one by one; all are counted.
const REPORTED: usize = 5;
/// Malformed spans that end the run if they are more than the sound ones: the offsets are most likely of another kind.
const MANY_DROPPED_SPANS: u64 = 10;
/// Unknown labels that an error lists.
const LISTED_LABELS: usize = 20;

/// What annotated files hold: formats, tagging scheme, language, labels and questions.
///
/// Memory: a few words for each distinct label.
#[derive(Debug, Default)]
pub struct CorpusSurvey {
    /// The files with their sizes and hashes; of each also those beside it that were read.
    pub inputs: Vec<Vec<InputFile>>,
    /// The format of each file.
    pub formats: Vec<CorpusFormat>,
    /// The names that numbers of tags stand for, from 0, where the first file with such names has them.
    pub class_names: Option<Vec<String>>,
    /// Tells the tagging scheme.
    pub scheme_evidence: SchemeEvidence,
    /// Tells the language.
    pub scripts: ScriptCounts,
    sentences: Counter,
    /// Unusual notations of tags, each with the first such tag, its place and their number.
    notations: BTreeMap<TagNotation, (String, String, u64)>,
    /// Spans that were read, and malformed ones.
    spans: u64,
    dropped_spans: u64,
    /// Sentences with spans that may count UTF-16 code units, and the place of the first.
    ambiguous_offsets: Option<(u64, String)>,
    labels: BTreeMap<String, LabelUse>,
    /// The questions that MRC JSON asks, in order of appearance, each with `FILE:LINE`.
    questions: Vec<(Query, String)>,
    /// The first label that is asked for with two different questions, as an error message.
    conflicting_question: Option<String>,
}

/// What one file holds.
struct FileSurvey {
    found: anyhow::Result<CorpusSurvey>,
    /// Messages about the first skipped sentences and about the first skipped spans, and the numbers of all.
    sentences: Messages,
    spans: Messages,
    /// What is odd about the whole file.
    oddity: Option<String>,
}

/// The first messages of a kind, and how many there are.
#[derive(Default)]
struct Messages {
    first: Vec<String>,
    count: usize,
}

impl Messages {
    fn add(&mut self, message: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < REPORTED {
            self.first.push(message());
        }
    }

    /// Hands on as many messages of a file as are still to be reported.
    fn report(&mut self, of_file: Self, warn: &mut (dyn FnMut(String) + Send)) {
        of_file.first.into_iter().take(REPORTED.saturating_sub(self.count)).for_each(warn);
        self.count += of_file.count;
    }

    /// Reports the number of those that were not reported one by one.
    fn report_rest(&self, what: &str, warn: &mut (dyn FnMut(String) + Send)) {
        if self.count > REPORTED {
            warn(format!("{} more {what} are skipped", self.count - REPORTED));
        }
    }
}

impl FileSurvey {
    fn read(path: &Path, format: Option<CorpusFormat>, options: &ReaderOptions<'_>, malformed: MalformedRule) -> Self {
        let mut file =
            Self { found: Ok(CorpusSurvey::default()), sentences: Messages::default(), spans: Messages::default(), oddity: None };
        file.found = file.find(path, format, options, malformed);
        file
    }

    fn find(
        &mut self,
        path: &Path,
        format: Option<CorpusFormat>,
        options: &ReaderOptions<'_>,
        malformed: MalformedRule,
    ) -> anyhow::Result<CorpusSurvey> {
        let mut survey = CorpusSurvey::default();
        let format = format.map_or_else(|| detect_format(path, options), Ok)?;
        let mut file = CorpusFile::open(path, format, options)?;
        let place = path;
        let path = path.display().to_string();
        let mut reader = file.reader(place, options).with_context(|| path.clone())?;
        while let Some(sentence) = reader.next_sentence().with_context(|| path.clone())? {
            match sentence {
                ReadSentence::Read(sentence) => {
                    let line = sentence.line;
                    for detail in sentence.notes.dropped.iter().filter_map(|span| span.detail.as_ref()) {
                        ensure!(malformed != MalformedRule::Strict, "{path}:{line}: {detail}");
                        self.spans.add(|| format!("{path}:{line}: {detail}; the span is skipped"));
                    }
                    survey.add(&path, sentence);
                }
                ReadSentence::Skipped(MalformedSentence { line, detail, ends_run, .. }) => match malformed {
                    MalformedRule::Strict => bail!("{path}:{line}: {detail}"),
                    MalformedRule::EndAtForm if ends_run => bail!("{path}:{line}: {detail}; --skip-malformed skips its sentence"),
                    _ => self.sentences.add(|| format!("{path}:{line}: {detail}; its sentence is skipped")),
                },
            }
        }
        survey.sentences.add(reader.sentences());
        self.oddity = reader.oddity().map(|oddity| format!("{path} {oddity}"));
        survey.class_names = reader.class_names().map(<[String]>::to_vec);
        drop(reader);
        survey.dropped_spans = self.spans.count as u64;
        survey.inputs.push(file.inputs());
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
    /// skipped sentence or span, up to a few, for each file that is odd or without sentences, and for each unusual notation of tags, in
    /// the order of the files.
    ///
    /// # Errors
    /// A file that cannot be read, no sentence in any of them, more malformed spans than sound ones, or what `malformed` says.
    pub fn read(
        files: &[PathBuf],
        format: Option<CorpusFormat>,
        options: &ReaderOptions<'_>,
        malformed: MalformedRule,
        limits: Limits,
        warn: &mut (dyn FnMut(String) + Send),
    ) -> anyhow::Result<Self> {
        let mut survey = Self::default();
        let (mut sentences, mut spans) = (Messages::default(), Messages::default());
        let (_, read) = ordered_map(
            limits,
            &TaskQueue::default(),
            |feed| files.iter().all(|path| feed.send(path, 0)),
            |path| FileSurvey::read(path, format, options, malformed),
            |file| -> anyhow::Result<()> {
                sentences.report(file.sentences, warn);
                spans.report(file.spans, warn);
                let found = file.found?;
                file.oddity.into_iter().for_each(&mut *warn);
                if found.sentences.out == 0 {
                    warn(format!("{} has no usable sentence ({})", found.inputs[0][0].path, found.sentences));
                }
                survey.append(found);
                Ok(())
            },
        );
        read?;
        sentences.report_rest("sentences with malformed lines or elements", warn);
        spans.report_rest("malformed spans", warn);
        ensure!(
            survey.sentences.out > 0,
            "no usable sentence ({}), expected a token and its tag a line and a blank line after each sentence, or JSON; see --format",
            survey.sentences
        );
        let is_wrong_kind = survey.dropped_spans >= MANY_DROPPED_SPANS && survey.dropped_spans > survey.spans;
        ensure!(
            !is_wrong_kind || malformed == MalformedRule::Skip,
            "{} spans are malformed and {} are sound; say what the spans count with --offsets, and where text and labels are with --text-field \
             and --label-field, or skip them with --skip-malformed",
            survey.dropped_spans,
            survey.spans
        );
        survey.report_notations(warn);
        Ok(survey)
    }

    /// Reports what was read in another way than its form says.
    fn report_notations(&self, warn: &mut (dyn FnMut(String) + Send)) {
        for (notation, (tag, place, count)) in &self.notations {
            let (what, read_as) = notation.description();
            warn(format!("{place}: {what}, such as `{tag}` ({count} times), are read as {read_as}"));
        }
        if let Some((count, place)) = &self.ambiguous_offsets {
            warn(format!(
                "{place}: spans lie behind chars outside of the Basic Multilingual Plane, such as emoji, in {}, and carry no text to check; \
                 they are read as chars. If a tool in a browser counted them, give --offsets utf16",
                counted(*count, "text")
            ));
        }
    }

    /// Adds what the files hold that follow.
    fn append(&mut self, other: Self) {
        self.inputs.extend(other.inputs);
        self.formats.extend(other.formats);
        self.class_names = self.class_names.take().or(other.class_names);
        self.scheme_evidence.append(&other.scheme_evidence);
        self.scripts.append(&other.scripts);
        self.sentences.add(&other.sentences);
        self.spans += other.spans;
        self.dropped_spans += other.dropped_spans;
        for (notation, (tag, place, count)) in other.notations {
            self.notations.entry(notation).or_insert((tag, place, 0)).2 += count;
        }
        if let Some((count, place)) = other.ambiguous_offsets {
            self.ambiguous_offsets.get_or_insert((0, place)).0 += count;
        }
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
        for (notation, (tag, line, count)) in sentence.notes.notations {
            self.notations.entry(notation).or_insert_with(|| (tag, format!("{path}:{line}"), 0)).2 += count;
        }
        if sentence.notes.ambiguous_offsets {
            self.ambiguous_offsets.get_or_insert_with(|| (0, format!("{path}:{line}"))).0 += 1;
        }
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
            Annotation::TaggedText { text, tags, .. } => {
                self.scheme_evidence.add(&tags);
                self.scripts.add_text(&text);
                tags.iter().filter_map(Tag::label).for_each(|label| self.add_label(label, path, line));
            }
            Annotation::TokenSpans { tokens, spans } => {
                self.spans += spans.len() as u64;
                tokens.iter().for_each(|token| self.scripts.add_token(token));
                spans.iter().for_each(|(_, label)| self.add_label(label, path, line));
            }
            Annotation::CharSpans { text, spans } => {
                self.spans += spans.len() as u64;
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
