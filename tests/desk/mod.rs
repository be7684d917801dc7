//! What the tests of links and gazetteers need: small dumps, and the answers that a command makes of them.

// Each test file uses some of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use schemas::{Counter, Triple};
use serde_json::Value;

use crate::common::{Run, manifest, run, triples};

const PREP: &str = env!("CARGO_BIN_EXE_prep");

/// Runs the program.
pub fn prep(args: &[&str]) -> Run {
    run(PREP, args)
}

/// A folder of its own for one test.
pub struct Desk(tempfile::TempDir);

impl Desk {
    /// An empty one.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// A file in it, by its path.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// A dump of pages, each a title and its wikitext; `→` before the target of a redirect.
    pub fn dump(&self, name: &str, lang: &str, pages: &[(&str, &str)]) -> String {
        let pages: String = pages
            .iter()
            .enumerate()
            .map(|(id, (title, text))| {
                let redirect = text.strip_prefix('→').map(|target| format!("<redirect title=\"{target}\" />")).unwrap_or_default();
                format!(
                    "<page><title>{title}</title><ns>0</ns><id>{}</id>{redirect}<revision><id>{id}</id>\
                     <timestamp>2020-01-01T00:00:00Z</timestamp><model>wikitext</model><text>{text}</text></revision></page>\n",
                    id + 1
                )
            })
            .collect();
        let head = format!("<siteinfo><dbname>{lang}wiki</dbname></siteinfo>");
        self.write(name, format!("<mediawiki version=\"0.11\" xml:lang=\"{lang}\">{head}{pages}</mediawiki>"))
    }

    /// The rows that a command makes into the folder `out`.
    pub fn triples(&self, args: &[&str]) -> Vec<Triple> {
        let out = self.path("out");
        prep(&[args, &["-o", &out, "--overwrite"]].concat()).ok();
        prep(&["verify", &out]).ok();
        let counters = self.manifest()["counters"].clone();
        let counters: std::collections::BTreeMap<String, Counter> = serde_json::from_value(counters).unwrap();
        assert!(counters.values().all(Counter::adds_up), "{counters:?}");
        triples(Path::new(&out))
    }

    /// The answers of the rows that a command makes: `label:text`, sentence by sentence.
    pub fn answers(&self, args: &[&str]) -> Vec<String> {
        let rows = self.triples(args);
        let answer = |row: &Triple, text: &str| format!("{}:{text}", row.label);
        rows.iter().flat_map(|row| row.spans.iter().map(|span| answer(row, &span.text))).collect()
    }

    /// The manifest of what was made last.
    pub fn manifest(&self) -> Value {
        serde_json::to_value(manifest(Path::new(&self.path("out")))).unwrap()
    }
}
