//! Opens the reader of a file.

use std::io::Read;

use schemas::Query;

use super::conll::ConllReader;
use super::conll_columns::ConllColumns;
use super::corpus_reader::CorpusReader;
use super::json::element_reader::{ElementOptions, ElementReader};
use super::json::mrc_json::MrcJsonReader;
use super::json::offsets::SpanOffsets;
use super::json::{annotation_tools, nested};
use crate::corpora::format::CorpusFormat;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tagging::tag::TagRules;

/// How files are read, besides their format.
#[derive(Debug, Clone, Default)]
pub struct ReaderOptions<'a> {
    /// The tagging scheme; prefixes of other schemes are malformed. `None` reads every known prefix. CoNLL only.
    pub scheme: Option<TaggingScheme>,
    /// Which columns hold token and tag. CoNLL only.
    pub columns: ConllColumns,
    /// The label of tags that are a prefix alone, as in `B`.
    pub only_label: Option<&'a str>,
    /// What spans count, and which fields hold text and labels. JSON only.
    pub elements: ElementOptions,
    /// The queries: their labels may be whole tags, and MRC JSON may give the words of a query instead of its label.
    pub queries: &'a [Query],
}

impl<'a> ReaderOptions<'a> {
    /// What tags are read with.
    pub fn tag_rules(&self) -> TagRules<'a> {
        TagRules { scheme: self.scheme, only_label: self.only_label, queries: self.queries }
    }
}

/// A reader of a file of the given format.
pub fn open_reader<'a>(format: CorpusFormat, input: impl Read + 'a, options: &ReaderOptions<'a>) -> Box<dyn CorpusReader + 'a> {
    let elements = || options.elements.clone();
    match format {
        CorpusFormat::Conll => Box::new(ConllReader::new(input, options.tag_rules(), options.columns.clone())),
        CorpusFormat::Nested => Box::new(ElementReader::new(input, nested::parse, elements())),
        CorpusFormat::AnnotationTool => Box::new(ElementReader::new(input, annotation_tools::parse, elements())),
        CorpusFormat::MrcJson => {
            let offsets = options.elements.offsets.unwrap_or(SpanOffsets::TOKENS_INCLUSIVE);
            Box::new(MrcJsonReader::new(input, offsets, options.queries))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpora::read::corpus_reader::ReadSentence;
    use crate::corpora::read::detect::detect_in;
    use crate::corpora::tokenization::TokenJoin;

    /// A well-formed file of each format, with its number of sentences.
    const WELL_FORMED: [(CorpusFormat, &str, u64); 4] = [
        (CorpusFormat::Conll, "Ada\tB-PER\nBo\tI-PER\n\n-DOCSTART- O\n\nc O\n", 2),
        (CorpusFormat::Nested, r#"[{"context": "Ada Bo ö", "label": {"PER": ["0;1", [1, 2]]}}, {"context": "a", "label": {}}]"#, 2),
        (
            CorpusFormat::AnnotationTool,
            "{\"text\": \"🎉 Ada\", \"label\": [[2, 5, \"PER\"]]}\n{\"data\": {\"text\": \"a\"}, \"annotations\": [{\"result\": []}]}\n",
            2,
        ),
        (
            CorpusFormat::MrcJson,
            r#"[{"qas_id": "0.1", "context": "a b", "query": "?", "entity_label": "X", "span_position": ["0;1"]},
            {"qas_id": "0.2", "context": "a b", "query": "!", "entity_label": "Y", "start_position": [1], "end_position": [1]}]"#,
            1,
        ),
    ];

    /// Reads a text to its end or first error, checks spans and counts, and returns the number of sentences.
    fn read(format: CorpusFormat, text: &str) -> u64 {
        let mut reader = open_reader(format, text.as_bytes(), &ReaderOptions::default());
        while let Ok(Some(sentence)) = reader.next_sentence() {
            let ReadSentence::Read(sentence) = sentence else { continue };
            let (text, entities) = sentence.annotation.into_text(TaggingScheme::Bio, TokenJoin::Space);
            for entity in entities {
                assert!(schemas::char_slice(&text, entity.chars.start, entity.chars.end).is_some(), "{entity:?} of {text:?}");
            }
        }
        assert!(reader.sentences().adds_up() && reader.records().1.adds_up());
        reader.sentences().out
    }

    proptest! {
        #[test]
        fn edited_files_never_panic(which in 0usize..4, edits in proptest::collection::vec((0usize..200, "[\\[\\]{}\":;,0-9a-zö\n\t -]{0,2}"), 0..5)) {
            let mut chars: Vec<String> = WELL_FORMED[which].1.chars().map(String::from).collect();
            for (at, text) in edits {
                let at = at % chars.len();
                chars[at] = text;
            }
            let text = chars.concat();
            let _ = detect_in(text.as_bytes(), &ReaderOptions::default());
            for (format, ..) in WELL_FORMED {
                read(format, &text);
            }
        }
    }

    #[test]
    fn well_formed_files_are_read_to_their_end() {
        for (format, text, sentences) in WELL_FORMED {
            assert_eq!((detect_in(text.as_bytes(), &ReaderOptions::default()).unwrap(), read(format, text)), (format, sentences));
        }
    }
}
