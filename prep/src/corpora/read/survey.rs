//! The first reading: what the files hold, before anything is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use schemas::manifest::InputFile;
use schemas::{Counter, Query, QuerySet};

use super::format::{Format, Reading};
use crate::corpora::context::Scripts;
use crate::corpora::scheme::{Evidence, Tag};
use crate::corpora::sentence::{Body, Item, Sentence};
use crate::source::{BytesRead, InputStream};

/// Malformed lines that are shown; all are counted.
const SHOWN_FAULTS: u64 = 5;
/// Unknown labels that are shown.
const SHOWN_LABELS: usize = 20;

/// What the files hold.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) inputs: Vec<InputFile>,
    /// One a file.
    pub(crate) formats: Vec<Format>,
    pub(crate) evidence: Evidence,
    pub(crate) scripts: Scripts,
    sentences: Counter,
    labels: BTreeMap<String, Seen>,
    /// The questions of the files, and what says that they are none: the first label with two.
    questions: Vec<Query>,
    two_questions: Option<String>,
}

#[derive(Debug)]
struct Seen {
    count: u64,
    /// Where it is first: file and line.
    first: String,
}

impl Survey {
    /// Reads all files; malformed lines and elements are reported to standard error.
    ///
    /// # Errors
    /// A file that cannot be read, no usable sentence in any of them, or, if `strict`, a malformed line or element.
    pub(crate) fn of(files: &[(PathBuf, String)], format: Option<Format>, reading: &Reading<'_>, strict: bool) -> anyhow::Result<Self> {
        let mut survey = Self::default();
        let mut faults = 0;
        for (path, _) in files {
            let format = Format::of(path, format)?;
            let mut stream = InputStream::open(path, BytesRead::default())?;
            let path = path.display();
            let mut reader = format.reader(&mut stream, reading);
            while let Some(item) = reader.next_item().with_context(|| path.to_string())? {
                match item {
                    Item::Sentence(sentence) => survey.add(&path.to_string(), sentence),
                    Item::Fault(fault) if strict => bail!("{path}:{}: {}", fault.line, fault.detail),
                    Item::Fault(fault) => {
                        faults += 1;
                        if faults <= SHOWN_FAULTS {
                            eprintln!("warning: {path}:{}: {}; its sentence is left out", fault.line, fault.detail);
                        }
                    }
                }
            }
            if reader.sentences().out == 0 {
                eprintln!("warning: {path} has no usable sentence ({})", reader.sentences());
            }
            survey.sentences.add(reader.sentences());
            drop(reader);
            survey.inputs.push(stream.input());
            survey.formats.push(format);
        }
        if faults > SHOWN_FAULTS {
            eprintln!("warning: {} more sentences with malformed lines or elements are left out", faults - SHOWN_FAULTS);
        }
        ensure!(
            survey.sentences.out > 0,
            "no usable sentence ({}), expected a token and its tag a line and a blank line after each sentence, or JSON; see --format",
            survey.sentences
        );
        Ok(survey)
    }

    fn add(&mut self, path: &str, sentence: Sentence) {
        let line = sentence.line;
        match sentence.body {
            Body::Tagged { tokens, tags } => {
                self.evidence.add(&tags);
                tokens.iter().for_each(|token| self.scripts.add(token));
                for (at, tag) in tags.iter().enumerate() {
                    if let Tag::Part(_, label) = tag {
                        self.see(label, path, line + at as u64);
                    }
                }
            }
            Body::Tokens { tokens, entities } => {
                tokens.iter().for_each(|token| self.scripts.add(token));
                entities.iter().for_each(|(_, label)| self.see(label, path, line));
            }
            Body::Text { text, entities } => {
                self.scripts.add_text(&text);
                entities.iter().for_each(|(_, label)| self.see(label, path, line));
            }
        }
        for (label, text) in sentence.questions {
            match self.questions.iter().find(|query| query.label == label) {
                None => self.questions.push(Query { label, text }),
                Some(known) if known.text != text && self.two_questions.is_none() => {
                    let two = format!("{path}:{line}: label `{label}` is asked for with {text:?}, and before with {:?}", known.text);
                    self.two_questions = Some(two);
                }
                Some(_) => {}
            }
        }
    }

    fn see(&mut self, label: &str, path: &str, line: u64) {
        match self.labels.get_mut(label) {
            Some(seen) => seen.count += 1,
            None => drop(self.labels.insert(label.to_owned(), Seen { count: 1, first: format!("{path}:{line}") })),
        }
    }

    /// The questions that the files hold themselves.
    ///
    /// # Errors
    /// Files of a format without questions, a label with two, or a blank question.
    pub(crate) fn queries(&self) -> anyhow::Result<QuerySet> {
        ensure!(
            self.formats.iter().all(|format| *format == Format::MrcJson),
            "give the questions with --queries; only MRC JSON holds its own"
        );
        if let Some(two) = &self.two_questions {
            bail!("{two}; give one for each label with --queries");
        }
        let lang = self.scripts.lang().unwrap_or("und").to_owned();
        let set = QuerySet { name: "of the files".to_owned(), lang, description: String::new(), queries: self.questions.clone() };
        set.check()?;
        Ok(set)
    }

    /// Checks that each label has a question or is to be ignored.
    ///
    /// # Errors
    /// All that are neither, each with the line of its first tag.
    pub(crate) fn check_labels(&self, queries: &QuerySet, ignored: &[String]) -> anyhow::Result<()> {
        for label in ignored.iter().filter(|label| !self.labels.contains_key(*label)) {
            eprintln!("warning: label `{label}` of --ignore-label is in none of the files");
        }
        let known = |label: &String| queries.position(label).is_some() || ignored.contains(label);
        let unknown: Vec<_> = self.labels.iter().filter(|(label, _)| !known(label)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let mut lines: Vec<String> =
            unknown.iter().take(SHOWN_LABELS).map(|(label, seen)| format!("  {}: `{label}` ({} times)", seen.first, seen.count)).collect();
        if unknown.len() > SHOWN_LABELS {
            lines.push(format!("  and {} more", unknown.len() - SHOWN_LABELS));
        }
        let set: Vec<String> = queries.labels().map(|label| format!("`{label}`")).collect();
        bail!(
            "query set `{}` has no question for these labels:\n{}\nit has {}; leave entities out with --ignore-label, or give another set with \
             --queries",
            queries.name,
            lines.join("\n"),
            set.join(", ")
        );
    }
}
