//! Damaged dumps read through all layers of the input: sound pages are read, and all damage is reported.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::batch_reader::read_batches;
use super::inputs::Inputs;
use super::page_batch::BatchContent;
use super::position::ReadPosition;
use super::read_pass::ReadPass;
use super::settings::{InputSelection, InputSettings};
use crate::ordered_map::{Limits, TaskQueue, ordered_map};

/// What was read of a dump.
#[derive(Default)]
struct Outcome {
    /// XML of the pages.
    pages: Vec<String>,
    /// Damage that was skipped.
    damage: Vec<String>,
    /// The error that ended the reading.
    fatal: Option<String>,
}

fn read(path: &Path, skip_damaged: bool) -> Outcome {
    let selection = InputSelection::Paths { paths: vec![path.to_owned()], indexes: Vec::new() };
    let settings = InputSettings { selection, lang: None, resolve_redirects: false, skip_damaged };
    let mut outcome = Outcome::default();
    let inputs = match Inputs::open(&settings, 2) {
        Ok(inputs) => inputs,
        Err(error) => {
            outcome.fatal = Some(format!("{error:#}"));
            return outcome;
        }
    };
    let pass = ReadPass { name: "test", skip_damaged, interrupted: &AtomicBool::new(false) };
    let (_, result) = ordered_map(
        Limits { threads: 1, budget: 1 << 20 },
        &TaskQueue::default(),
        |feed| read_batches(inputs.opened, ReadPosition::default(), feed, pass),
        |batch| batch,
        |batch| {
            if let BatchContent::Pages { pages, .. } = batch.content {
                outcome.pages.extend(pages.into_iter().map(|page| String::from_utf8_lossy(&page.xml()).into_owned()));
            }
            outcome.damage.extend(batch.damage.iter().map(|damage| format!("{}; lost: {}", damage.what, damage.lost)));
            batch.fatal.map_or(Ok(()), Err)
        },
    );
    outcome.fatal = result.err();
    outcome
}

/// Pages, and a dump of them, which does not compress much and so has several bzip2 blocks.
fn dump() -> (Vec<String>, Vec<u8>) {
    let noise = |id: usize| (0..8).map(|n| blake3::hash(format!("{id} {n}").as_bytes()).to_string()).collect::<String>();
    let pages: Vec<String> = (0..450).map(|id| format!("<page><title>{id}</title>{}</page>", noise(id))).collect();
    let head = "<mediawiki version=\"0.11\" xml:lang=\"en\"><siteinfo><dbname>enwiki</dbname></siteinfo>";
    (pages.clone(), format!("{head}{}</mediawiki>", pages.concat()).into_bytes())
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(1));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn names_an_offset(message: &str) -> bool {
    message.split("byte ").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[test]
fn damage_at_a_thousand_places_is_reported() {
    let (pages, xml) = dump();
    let one = bzip2(&xml);
    let many: Vec<u8> = xml.chunks(60_000).flat_map(bzip2).collect();
    let known: BTreeSet<&str> = pages.iter().map(String::as_str).collect();
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("dump.xml.bz2");
    let mut random = 1u64;
    let mut below = |end: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % end
    };
    let (mut partly, mut whole) = (0, 0);
    for round in 0..1000 {
        let mut file = if round % 2 == 0 { one.clone() } else { many.clone() };
        let place = below(file.len());
        if round % 4 < 2 {
            file.truncate(place)
        } else {
            file[place] ^= 1 << below(8)
        }
        std::fs::write(&path, &file).unwrap();
        let skip_damaged = round % 8 < 4;
        let Outcome { pages: found, damage, fatal } = read(&path, skip_damaged);
        let at = format!("round {round}, byte {place}: {damage:?} {fatal:?}");
        assert!(found.iter().all(|page| known.contains(page.as_str())), "{at}: a page that is not in the dump");
        assert!(found.windows(2).all(|pair| pair[0] != pair[1]), "{at}: a page twice");
        let reported = damage.iter().chain(&fatal).all(|message| names_an_offset(message) || message.contains("not a MediaWiki dump"));
        assert!(reported, "{at}: no offset");
        if found.len() < pages.len() {
            assert!(!damage.is_empty() || fatal.is_some(), "{at}: {} pages are lost without a report", pages.len() - found.len());
            partly += usize::from(!found.is_empty());
        } else {
            // The damage may lie after the last page.
            whole += usize::from(damage.is_empty() && fatal.is_none());
        }
    }
    assert!(partly > 500, "most rounds read some pages: {partly}");
    assert!(whole < 50, "most damage is detected: {whole}");
}
