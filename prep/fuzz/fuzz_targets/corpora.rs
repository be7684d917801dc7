//! Any bytes are a corpus of each format, or an error: entities lie in their text, and the counters add up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prep::corpora::read::format::{Format, Reading};
use prep::corpora::scheme::Scheme;
use prep::corpora::sentence::Item;
use schemas::char_slice;

const FORMATS: [Format; 4] = [Format::Conll, Format::Nested, Format::Jsonl, Format::MrcJson];

fuzz_target!(|data: &[u8]| {
    for format in FORMATS {
        let mut reader = format.reader(data, &Reading::default());
        while let Ok(Some(item)) = reader.next_item() {
            let Item::Sentence(sentence) = item else { continue };
            let (text, entities) = sentence.body.resolve(Scheme::Bio, true);
            for entity in entities {
                assert!(char_slice(&text, entity.chars.start, entity.chars.end).is_some(), "{entity:?} of {text:?}");
            }
        }
        assert!(reader.sentences().adds_up() && reader.parts().1.adds_up());
    }
});
