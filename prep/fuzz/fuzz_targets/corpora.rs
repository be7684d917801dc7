//! Any bytes, read as a corpus of each format, give sentences or an error: entities lie in their text, and counters add up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prep::corpora::format::CorpusFormat;
use prep::corpora::read::corpus_reader::ReadSentence;
use prep::corpora::read::open::open_reader;
use prep::corpora::read::options::ReaderOptions;
use prep::corpora::tagging::scheme::TaggingScheme;
use prep::corpora::tokenization::TokenJoin;
use schemas::char_slice;

const FORMATS: [CorpusFormat; 10] = [
    CorpusFormat::Conll,
    CorpusFormat::ConllU,
    CorpusFormat::Conll2012,
    CorpusFormat::Table,
    CorpusFormat::Nested,
    CorpusFormat::AnnotationTool,
    CorpusFormat::MrcJson,
    CorpusFormat::HuggingFace,
    CorpusFormat::Spacy,
    CorpusFormat::Brat,
];

fuzz_target!(|data: &[u8]| {
    let options = ReaderOptions { standoff_text: Some("Ada Bek\r\nsaw 北京 🎉."), ..ReaderOptions::default() };
    for format in FORMATS {
        let mut reader = open_reader(format, data, &options);
        while let Ok(Some(sentence)) = reader.next_sentence() {
            let ReadSentence::Read(sentence) = sentence else { continue };
            let (text, entities) = sentence.annotation.into_text(TaggingScheme::Bio, TokenJoin::Space);
            for entity in entities {
                assert!(char_slice(&text, entity.chars.start, entity.chars.end).is_some(), "{entity:?} of {text:?}");
            }
        }
        assert!(reader.sentences().adds_up() && reader.records().1.adds_up());
    }
});
