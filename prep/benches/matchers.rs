//! Which automaton holds a million names best: time to build, memory, time to search.
//!
//!     cargo bench -p prep --bench matchers -- AUTOMATON NAMES TEXT
//!
//! AUTOMATON is `table` (what `prep` uses), `contiguous`, `noncontiguous` (both of aho-corasick), `bytewise` or `charwise` (of daachorse); one a run, since memory is
//! measured from outside. NAMES holds a name a line, TEXT anything.

use std::collections::BTreeSet;
use std::time::Instant;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use daachorse::{CharwiseDoubleArrayAhoCorasick, DoubleArrayAhoCorasick};
use prep::gazetteer::matcher::NameMatcher;

type Count = Box<dyn Fn(&str) -> usize>;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [automaton, names, text] = args.as_slice() else {
        eprintln!("usage: matchers table|contiguous|noncontiguous|bytewise|charwise NAMES TEXT");
        return;
    };
    let names = std::fs::read_to_string(names).expect("NAMES is a text file");
    let text = std::fs::read_to_string(text).expect("TEXT is a text file");
    let names: BTreeSet<&str> = names.lines().filter(|name| !name.is_empty()).collect();
    let before = peak_memory();
    let start = Instant::now();
    let count = build(automaton, &names);
    println!("{automaton}: {} names built in {:.2} s, {} MB at most", names.len(), start.elapsed().as_secs_f64(), peak_memory() - before);
    let start = Instant::now();
    let matches: usize = text.lines().map(count).sum();
    let seconds = start.elapsed().as_secs_f64();
    println!("{} matches, {:.1} ns a byte", matches, seconds * 1e9 / text.len() as f64);
}

fn build(automaton: &str, names: &BTreeSet<&str>) -> Count {
    let aho_corasick = |kind| -> Count {
        let built = AhoCorasick::builder().kind(Some(kind)).prefilter(false).build(names).expect("the names fit");
        Box::new(move |line| built.find_overlapping_iter(line).count())
    };
    match automaton {
        "table" => {
            let built = NameMatcher::new(names.iter().copied()).expect("the names fit");
            Box::new(move |line| built.leftmost_longest(line, |_| true).len())
        }
        "contiguous" => aho_corasick(AhoCorasickKind::ContiguousNFA),
        "noncontiguous" => aho_corasick(AhoCorasickKind::NoncontiguousNFA),
        "bytewise" => {
            let built = DoubleArrayAhoCorasick::<u32>::new(names).expect("the names fit");
            Box::new(move |line| built.find_overlapping_iter(line).count())
        }
        "charwise" => {
            let built = CharwiseDoubleArrayAhoCorasick::<u32>::new(names).expect("the names fit");
            Box::new(move |line| built.find_overlapping_iter(line).count())
        }
        other => panic!("unknown automaton {other}"),
    }
}

/// Most memory this process has had, in MB; 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or_default() / 1024
}
