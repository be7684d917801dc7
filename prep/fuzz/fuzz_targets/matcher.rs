//! Any names and text: matches are names, in order and apart; each name is found in itself; folded offsets lie in the text.
//!
//! The input is names, one a line, up to an empty line; the rest is the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prep::gazetteer::fold::Folding;
use prep::gazetteer::matcher::Matcher;

fuzz_target!(|data: &[u8]| {
    let input = String::from_utf8_lossy(data);
    let (names, text) = input.split_once("\n\n").unwrap_or((&input, ""));
    for (nfkc, ignore_case) in [(false, false), (true, true)] {
        let folding = Folding { nfkc, ignore_case, simplify: None };
        let names: Vec<String> = names.lines().map(|name| folding.name(name).into_owned()).filter(|name| !name.is_empty()).collect();
        let matcher = Matcher::new(names.iter().map(String::as_str)).expect("an input is less than 4 GiB");

        let folded = folding.text(text);
        let chars = text.chars().count() as u32;
        let mut end = 0;
        for found in matcher.longest(folded.text(), |_| true) {
            assert_eq!(names[found.name], folded.text()[found.bytes.clone()]);
            assert!(found.bytes.start >= end);
            end = found.bytes.end;
            if let Some(original) = folded.chars(&found.bytes) {
                assert!(original.start < original.end && original.end <= chars);
            }
        }
        for name in &names {
            let found = matcher.longest(name, |_| true);
            assert_eq!(found.first().map(|found| found.bytes.clone()), Some(0..name.len()), "{name:?} in itself");
        }
    }
});
