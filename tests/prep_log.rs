//! `--log-level`: which events each level writes to standard error.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;
mod dump_common;

use dump_common::{bzip2, dump, page, prep, text, write};

/// A dump in bzip2 with a malformed page, that ends too early.
fn damaged_dump() -> Vec<u8> {
    let mut pages: Vec<String> = (0..300).map(|id| page(id, &format!("Text of page {id}."))).collect();
    pages[7] = pages[7].replace("<id>7</id><revision>", "<revision>");
    let mut bytes = bzip2(dump(pages).as_bytes());
    bytes.truncate(bytes.len() - 20);
    bytes
}

#[test]
fn each_level_shows_its_events() {
    let dir = tempfile::tempdir().unwrap();
    let whole = write(dir.path(), "whole.xml", dump((0..300).map(|id| page(id, "Text."))).as_bytes());
    let damaged =
        write(dir.path(), "damaged.xml.bz2", &[bzip2(dump((0..300).map(|id| page(id, "Text."))).as_bytes()), damaged_dump()].concat());
    let log = |level: &str| {
        let out = dir.path().join(level);
        let options = ["--skip-damaged", "--threads", "2", "--log-level", level];
        prep(&[&["pages", text(&whole), text(&damaged), "-o", text(&out)][..], &options].concat()).ok().stderr
    };
    let (error, warn, info, debug) = (log("error"), log("warn"), log("info"), log("debug"));
    let at_info = [
        "INFO threads: started workers=2",
        "INFO inputs: opened input=",
        "format=\"uncompressed\" lang=\"en\" dbname=\"enwiki\"",
        "format=\"bzip2\" lang=\"en\"",
        "INFO inputs: read to its end pass=\"rows\" input=",
        "INFO units: checkpoint pages=0 rows=0 shards=0",
        "INFO damage: skipped pass=\"rows\" input=",
    ];
    let at_debug = ["DEBUG inputs: reading pass=\"rows\" input=", "DEBUG units: batch written pages=", "DEBUG damage: found pass=\"rows\""];
    for event in at_info {
        assert!(info.contains(event), "no {event:?} in: {info}");
        assert!(debug.contains(event), "no {event:?} in: {debug}");
        assert!(!warn.contains(event) && !error.contains(event), "{event:?} in: {warn}{error}");
    }
    for event in at_debug {
        assert!(debug.contains(event), "no {event:?} in: {debug}");
        assert!(!info.contains(event), "{event:?} in: {info}");
    }
    assert!(warn.contains("warning: ") && info.contains("warning: ") && !error.contains("warning: "), "{warn}{info}{error}");
}

#[test]
fn malformed_pages_are_named_at_debug() {
    let dir = tempfile::tempdir().unwrap();
    let broken = page(1, "Text.").replace("<id>1</id><revision>", "<revision>");
    let input = write(dir.path(), "broken.xml", dump([page(0, "Text."), broken]).as_bytes());
    let run = prep(&["pages", text(&input), "-o", text(&dir.path().join("out")), "--log-level", "debug"]).ok();
    assert!(run.stderr.contains("DEBUG damage: page skipped input="), "{}", run.stderr);
}
