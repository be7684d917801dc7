//! Any names and text: the matcher finds what a search without an index finds, and the offsets of matches lie in the text.
//!
//! The input is names, one a line, up to an empty line; the rest is the text.
#![no_main]

use std::collections::HashSet;
use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use prep::gazetteer::matcher::NameMatcher;
use prep::gazetteer::normalizer::Normalizer;
use prep::gazetteer::word_boundaries::word_boundaries;

/// Bytes of text that the search without an index takes; it is slow.
const MAX_TEXT: usize = 4096;

fuzz_target!(|data: &[u8]| {
    let input = String::from_utf8_lossy(data);
    let (names, text) = input.split_once("\n\n").unwrap_or((&input, &input));
    for (nfkc, ignore_case, dotted_i) in [(false, false, false), (true, true, false), (true, true, true)] {
        let normalizer = Normalizer { nfkc, ignore_case, dotted_i, convert_names: None };
        let names: HashSet<String> = names.lines().map(|name| normalizer.normalize_name(name).into_owned()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let matcher = NameMatcher::new(names.iter().copied()).expect("an input is less than 4 GiB");
        let normalized = normalizer.normalize_text(text);
        let matches = matcher.leftmost_longest(normalized.as_str(), |_| true);
        for found in &matches {
            assert_eq!(names[found.name], &normalized.as_str()[found.bytes.clone()]);
            if let Some(chars) = normalized.original_chars(&found.bytes) {
                assert!(schemas::char_slice(text, chars.start, chars.end).is_some(), "{chars:?} of {text:?}");
            }
        }
        if normalized.as_str().len() <= MAX_TEXT {
            let matches: Vec<Range<usize>> = matches.into_iter().map(|found| found.bytes).collect();
            assert_eq!(matches, search(normalized.as_str(), &names.into_iter().collect()));
        }
    }
});

/// Tries every range between word boundaries: of overlapping names the leftmost, of these the longest.
fn search(text: &str, names: &HashSet<&str>) -> Vec<Range<usize>> {
    let mut boundaries = Vec::new();
    word_boundaries(text, &mut boundaries);
    let (mut matches, mut free_from) = (Vec::new(), 0);
    for (at, &start) in boundaries.iter().enumerate() {
        let longest = boundaries[at..].iter().rev().find(|&&end| names.contains(&text[start..end]));
        if let Some(&end) = longest.filter(|_| start >= free_from) {
            matches.push(start..end);
            free_from = end;
        }
    }
    matches
}
