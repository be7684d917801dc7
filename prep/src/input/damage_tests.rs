//! Damaged dumps through the whole of the reading side: what is sound comes, the rest is told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::read::{Position, Work, read_all};
use super::sources::Sources;
use crate::cli::{Cli, Command};
use crate::ordered_map::{Limits, ordered};

/// What came of reading a dump.
#[derive(Default)]
struct Outcome {
    /// Pages, by their XML.
    pages: Vec<String>,
    /// What was lost, in words, and what ended the reading.
    damage: Vec<String>,
    fault: Option<String>,
}

fn read(path: &Path, skip_damaged: bool) -> Outcome {
    let name = path.to_str().unwrap();
    let cli = Cli::try_parse_from(["prep", "pages", name, "-o", "nowhere", "--threads", "2"]).unwrap();
    let Command::Pages(args) = cli.command else { unreachable!() };
    let mut outcome = Outcome::default();
    let sources = match Sources::open(&args.inputs, &args.dump, &cli.common) {
        Ok(sources) => sources,
        Err(error) => {
            outcome.fault = Some(format!("{error:#}"));
            return outcome;
        }
    };
    let (_, result) = ordered(
        Limits { threads: 1, weight: 1 << 20 },
        |feed| read_all(sources.sources, Position::default(), feed, skip_damaged),
        |batch| batch,
        |batch| {
            if let Work::Chunks { chunks, .. } = batch.work {
                outcome.pages.extend(chunks.into_iter().map(|chunk| String::from_utf8_lossy(&chunk.xml).into_owned()));
            }
            outcome.damage.extend(batch.damage.iter().map(|damage| format!("{}; lost: {}", damage.what, damage.lost)));
            batch.fault.map_or(Ok(()), Err)
        },
    );
    outcome.fault = result.err();
    outcome
}

/// A dump of several blocks that do not compress much.
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

fn names_a_byte(message: &str) -> bool {
    message.split("byte ").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[test]
fn damage_at_a_thousand_places_is_told() {
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
        let Outcome { pages: found, damage, fault } = read(&path, skip_damaged);
        let at = format!("round {round}, byte {place}: {damage:?} {fault:?}");
        assert!(found.iter().all(|page| known.contains(page.as_str())), "{at}: a page that is none");
        assert!(found.windows(2).all(|pair| pair[0] != pair[1]), "{at}: a page twice");
        let told = damage.iter().chain(&fault).all(|message| names_a_byte(message) || message.contains("not a MediaWiki dump"));
        assert!(told, "{at}: no offset");
        if found.len() < pages.len() {
            assert!(!damage.is_empty() || fault.is_some(), "{at}: {} pages are lost without a word", pages.len() - found.len());
            partly += usize::from(!found.is_empty());
        } else {
            // What stands after the last page may still be lost.
            whole += usize::from(damage.is_empty() && fault.is_none());
        }
    }
    assert!(partly > 500, "most rounds give something: {partly}");
    assert!(whole < 50, "most damage is seen: {whole}");
}
