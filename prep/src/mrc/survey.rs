//! The first reading: what the files hold, before anything is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use schemas::manifest::Input;
use schemas::{QuerySet, Tally};

use super::conll::{Item, Reader, Sentence};
use super::context::Scripts;
use super::scheme::{Evidence, Scheme, Tag};
use crate::source::{Progress, Stream};

/// Malformed lines that are shown; all are counted.
const SHOWN_FAULTS: u64 = 5;
/// Unknown labels that are shown.
const SHOWN_LABELS: usize = 20;

/// What the files hold.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) inputs: Vec<Input>,
    pub(super) evidence: Evidence,
    pub(super) scripts: Scripts,
    sentences: Tally,
    labels: BTreeMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    tokens: u64,
    /// Where it is first: file and line.
    first: String,
}

impl Survey {
    /// Reads all files; malformed lines are reported to standard error.
    ///
    /// # Errors
    /// A file that cannot be read, no usable sentence in any of them, or, if `strict`, a malformed line.
    pub(super) fn of(files: &[(PathBuf, String)], only: Option<Scheme>, strict: bool) -> anyhow::Result<Self> {
        let mut survey = Self::default();
        let mut faults = 0;
        for (path, _) in files {
            let mut stream = Stream::open(path, Progress::default())?;
            let path = path.display();
            let mut reader = Reader::new(&mut stream, only);
            while let Some(item) = reader.next_item().with_context(|| path.to_string())? {
                match item {
                    Item::Sentence(sentence) => survey.add(&path.to_string(), &sentence),
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
            survey.inputs.push(stream.input());
        }
        if faults > SHOWN_FAULTS {
            eprintln!("warning: {} more sentences with malformed lines are left out", faults - SHOWN_FAULTS);
        }
        ensure!(
            survey.sentences.out > 0,
            "no usable sentence ({}), expected a token and its tag a line and a blank line after each sentence",
            survey.sentences
        );
        Ok(survey)
    }

    fn add(&mut self, path: &str, sentence: &Sentence) {
        self.evidence.add(&sentence.tags);
        for (at, (token, tag)) in sentence.tokens.iter().zip(&sentence.tags).enumerate() {
            self.scripts.add(token);
            let Tag::Part(_, label) = tag else { continue };
            match self.labels.get_mut(label) {
                Some(seen) => seen.tokens += 1,
                None => {
                    let first = format!("{path}:{}", sentence.line + at as u64);
                    self.labels.insert(label.clone(), Seen { tokens: 1, first });
                }
            }
        }
    }

    /// Checks that each label has a question or is to be ignored.
    ///
    /// # Errors
    /// All that are neither, each with the line of its first tag.
    pub(super) fn check_labels(&self, queries: &QuerySet, ignored: &[String]) -> anyhow::Result<()> {
        for label in ignored.iter().filter(|label| !self.labels.contains_key(*label)) {
            eprintln!("warning: label `{label}` of --ignore-label is in none of the files");
        }
        let known = |label: &String| queries.position(label).is_some() || ignored.contains(label);
        let unknown: Vec<_> = self.labels.iter().filter(|(label, _)| !known(label)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let mut lines: Vec<String> = unknown
            .iter()
            .take(SHOWN_LABELS)
            .map(|(label, seen)| format!("  {}: `{label}` ({} tokens)", seen.first, seen.tokens))
            .collect();
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
