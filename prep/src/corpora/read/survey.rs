//! The first pass over annotated files: what they hold, before anything is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

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
    /// The questions that MRC JSON asks, in order of appearance.
    questions: Vec<Query>,
    /// The first label that is asked for with two different questions, as an error message.
    conflicting_question: Option<String>,
}

#[derive(Debug)]
struct LabelUse {
    count: u64,
    /// `FILE:LINE` of the first use.
    first: String,
}

impl CorpusSurvey {
    /// Reads all files. `format` is that of all of them; `None` detects it for each. `warn` receives a message for each skipped sentence,
    /// up to a few, and for each file without sentences.
    ///
    /// # Errors
    /// A file that cannot be read, no sentence in any of them, or, with `strict`, a malformed sentence.
    pub fn read(
        files: &[PathBuf],
        format: Option<CorpusFormat>,
        options: &ReaderOptions<'_>,
        strict: bool,
        warn: &mut dyn FnMut(String),
    ) -> anyhow::Result<Self> {
        let mut survey = Self::default();
        let mut skipped = 0;
        for path in files {
            let format = format.map_or_else(|| detect_format(path), Ok)?;
            let mut stream = InputStream::open(path, BytesRead::default())?;
            let path = path.display().to_string();
            let mut reader = open_reader(format, &mut stream, options);
            while let Some(sentence) = reader.next_sentence().with_context(|| path.clone())? {
                match sentence {
                    ReadSentence::Read(sentence) => survey.add(&path, sentence),
                    ReadSentence::Skipped(malformed) if strict => bail!("{path}:{}: {}", malformed.line, malformed.detail),
                    ReadSentence::Skipped(malformed) => {
                        skipped += 1;
                        if skipped <= REPORTED_SENTENCES {
                            warn(format!("{path}:{}: {}; its sentence is skipped", malformed.line, malformed.detail));
                        }
                    }
                }
            }
            if reader.sentences().out == 0 {
                warn(format!("{path} has no usable sentence ({})", reader.sentences()));
            }
            survey.sentences.add(reader.sentences());
            drop(reader);
            survey.inputs.push(stream.input());
            survey.formats.push(format);
        }
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
            self.add_question(Query { label, text }, path, line);
        }
    }

    fn add_label(&mut self, label: &str, path: &str, line: u64) {
        match self.labels.get_mut(label) {
            Some(known) => known.count += 1,
            None => drop(self.labels.insert(label.to_owned(), LabelUse { count: 1, first: format!("{path}:{line}") })),
        }
    }

    fn add_question(&mut self, question: Query, path: &str, line: u64) {
        match self.questions.iter().find(|known| known.label == question.label) {
            None => self.questions.push(question),
            Some(known) if known.text != question.text && self.conflicting_question.is_none() => {
                let Query { label, text } = question;
                let message = format!("{path}:{line}: label `{label}` is asked for with {text:?}, and before with {:?}", known.text);
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
        let set = QuerySet { name: "of the files".to_owned(), lang, description: String::new(), queries: self.questions.clone() };
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
