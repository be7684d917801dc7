//! What the tests of annotated corpora need.

// Each test file uses some of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use schemas::Counter;
use tempfile::TempDir;

use crate::common::{self, Run};

/// The program.
pub const PREP: &str = env!("CARGO_BIN_EXE_prep");

/// The labels of `toy.toml` and their questions.
pub const LABELS: [(&str, &str); 2] = [("PER", "Find the people."), ("creative-work", "Find the works.")];

const QUERIES: &str = "name = \"toy\"\nlang = \"en\"\n[[query]]\nlabel = \"PER\"\ntext = \"Find the people.\"\n\
    [[query]]\nlabel = \"creative-work\"\ntext = \"Find the works.\"\n";

/// A folder with a query set `toy.toml`, one corpus and what is made of it.
pub struct Desk(TempDir);

impl Desk {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("toy.toml"), QUERIES).unwrap();
        Self(dir)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// Runs `prep mrc` on a file `corpus` of this content, with the toy questions.
    pub fn mrc(&self, content: &str, options: &[&str]) -> Run {
        let queries = self.path("toy.toml").display().to_string();
        self.mrc_only(content, &[&["--queries", &queries], options].concat())
    }

    /// The same without questions.
    pub fn mrc_only(&self, content: &str, options: &[&str]) -> Run {
        fs::write(self.path("corpus"), content).unwrap();
        mrc(&self.path("corpus"), &self.out(), options)
    }

    pub fn export(&self, options: &[&str]) -> Run {
        let dir = self.out().display().to_string();
        common::run(PREP, [&["export", &dir, "-o", "-", "-q"], options].concat())
    }

    /// The rows with an answer as `sentence:label context: mention@start-end …`.
    pub fn answers(&self) -> Vec<String> {
        let rows = common::triples(&self.out()).into_iter().filter(|row| !row.impossible);
        rows.map(|row| {
            let spans: Vec<String> = row.spans.iter().map(|span| format!(" {}@{}-{}", span.text, span.start, span.end)).collect();
            format!("{}:{} {}:{}", row.sentence, row.label, row.context, spans.concat())
        })
        .collect()
    }

    pub fn counter(&self, name: &str) -> String {
        let counters = common::manifest(&self.out()).counters;
        assert!(counters.values().all(Counter::adds_up), "{counters:?}");
        counters[name].to_string()
    }
}

/// Runs `prep mrc`; what was there is replaced.
pub fn mrc(input: &Path, out: &Path, options: &[&str]) -> Run {
    let (input, out) = (input.display().to_string(), out.display().to_string());
    common::run(PREP, [&["mrc", &input, "-o", &out, "--overwrite"], options].concat())
}
