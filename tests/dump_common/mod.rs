//! What the tests of dumps need.

// Each test file uses some of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::common::{self, Run};

/// The program.
pub const PREP: &str = env!("CARGO_BIN_EXE_prep");

pub fn prep(args: &[&str]) -> Run {
    common::run(PREP, args)
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

pub fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(1));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A dump of English pages.
pub fn dump(pages: impl IntoIterator<Item = String>) -> String {
    let pages = pages.into_iter().collect::<String>();
    format!("<mediawiki version=\"0.11\" xml:lang=\"en\"><siteinfo><dbname>enwiki</dbname></siteinfo>{pages}</mediawiki>")
}

/// A page as dumps have it.
pub fn page(id: usize, text: &str) -> String {
    format!(
        "<page><title>Page {id}</title><ns>0</ns><id>{id}</id><revision><id>{id}</id><timestamp>2020-01-01T00:00:00Z</timestamp>\
         <model>wikitext</model><text>{text}</text></revision></page>\n"
    )
}
