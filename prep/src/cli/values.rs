//! How the command line spells the choices that the domain's enums offer.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::corpora::format::{CorpusFormat, ExportFormat};
use crate::corpora::read::json::offsets::SpanOffsets;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tokenization::{TokenJoin, Tokenization};
use crate::gazetteer::AmbiguousNames;
use crate::label::nee::MatchIn;
use crate::wikitext::{ChineseVariant, ExtraSegment, wikipedia_code};

/// Implements [`ValueEnum`] for a type of the domain: a spelling, perhaps an alias, and a help text for each value.
macro_rules! value_enum {
    ($type:ty { $($value:expr => $name:literal $(| $alias:literal)?: $help:literal),* $(,)? }) => {
        impl ValueEnum for $type {
            fn value_variants<'a>() -> &'a [Self] {
                &[$($value),*]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                $(if *self == $value {
                    return Some(PossibleValue::new($name)$(.alias($alias))?.help($help));
                })*
                None
            }
        }
    };
}

value_enum!(ChineseVariant {
    ChineseVariant::Simplified => "zh-hans": "Simplified",
    ChineseVariant::Traditional => "zh-hant": "Traditional",
    ChineseVariant::Unconverted => "none": "As written; of alternatives the one that MediaWiki shows to readers of no variant",
});

value_enum!(ExtraSegment {
    ExtraSegment::Captions => "captions": "Captions of pictures and galleries",
    ExtraSegment::Tables => "tables": "Cells of tables",
});

value_enum!(MatchIn {
    MatchIn::Anchors => "anchors": "Links, by their targets and texts",
    MatchIn::Mentions => "mentions": "Anywhere in the text; links are ignored",
    MatchIn::Both => "both": "Links, and the text between them",
});

value_enum!(AmbiguousNames {
    AmbiguousNames::First => "first": "Of the label whose gazetteer is given first",
    AmbiguousNames::Drop => "drop": "Of no label",
});

value_enum!(ExportFormat {
    ExportFormat::Conll => "conll": "A token and its tag per line, a blank line between sentences; spans cannot overlap",
    ExportFormat::Nested => "nested": "{context, label: {TYPE: [\"start;end\"]}}, in an array",
    ExportFormat::AnnotationTool => "jsonl": "{text, entities}, as doccano exports it, one per line",
    ExportFormat::MrcJson => "mrc-json": "{context, query, entity_label, span_position}, one for each sentence and label, in an array",
    ExportFormat::HuggingFace => "hf": "{tokens, ner_tags}, rows of Hugging Face data sets: Parquet, or JSON in an array or one per line",
});

value_enum!(CorpusFormat {
    CorpusFormat::Conll => "conll": "A token and its tag per line, a blank line between sentences",
    CorpusFormat::ConllU => "conllu" | "conll-u": "CoNLL-U, with tags in the last column, as in NER=B-PER",
    CorpusFormat::Conll2012 => "conll2012" | "conll-2012": "CoNLL-2012 (OntoNotes), with entities as brackets",
    CorpusFormat::Table => "csv" | "tsv": "CSV or TSV with named columns: a token and its tag, and the number of the sentence",
    CorpusFormat::Nested => "nested": "{context, label: {TYPE: [\"start;end\"]}}, in an array or one per line",
    CorpusFormat::AnnotationTool => "jsonl": "{text, entities}, as doccano and Label Studio export it, one per line or in an array",
    CorpusFormat::MrcJson => "mrc-json": "{context, query, entity_label, span_position}, one for each sentence and label, in an array or one per line",
    CorpusFormat::HuggingFace => "hf": "{tokens, ner_tags}, rows of Hugging Face data sets: Parquet, or JSON in an array or one per line",
    CorpusFormat::Spacy => "spacy": "DocBin of spaCy, a .spacy file",
    CorpusFormat::Brat => "brat": "Standoff of brat: FILE.ann beside FILE.txt, or folders of them",
});

value_enum!(SpanOffsets {
    SpanOffsets::TOKENS_INCLUSIVE => "tokens-inclusive": "Tokens between white space; the end is the last token of the span",
    SpanOffsets::TOKENS_EXCLUSIVE => "tokens-exclusive": "Tokens between white space; the end is the token after the span",
    SpanOffsets::CHARS_INCLUSIVE => "chars-inclusive": "Chars; the end is the last char of the span",
    SpanOffsets::CHARS_EXCLUSIVE => "chars-exclusive": "Chars; the end is the char after the span",
    SpanOffsets::UTF16_EXCLUSIVE => "utf16": "UTF-16 code units, as JavaScript and Java count; the end is the unit after the span",
});

value_enum!(TaggingScheme {
    TaggingScheme::Bio => "bio": "B begins an entity, I continues it (IOB2)",
    TaggingScheme::Iob1 => "iob1": "I marks every token; B only where two entities of a label touch",
    TaggingScheme::Io => "io": "I marks every token",
    TaggingScheme::Bmes => "bmes": "B, M, E, and S for a single token",
    TaggingScheme::Bieos => "bieos" | "bioes": "B, I, E, and S for a single token (BIOES; `bioes` means the same); L for E and U for S are read too (BILOU)",
});

value_enum!(TokenJoin {
    TokenJoin::Space => "space": "One space",
    TokenJoin::Nothing => "nothing": "Nothing",
});

value_enum!(Tokenization {
    Tokenization::Words => "words": "What stands between white space; an entity that cuts a word is an error",
    Tokenization::CutWords => "cut": "Words, cut where an entity begins or ends inside one",
    Tokenization::Chars => "chars": "Each char",
});

/// Parses a language code: that of a Wikipedia, or one as ISO 639 has them, of two or three letters, with subtags. In lower case.
pub(super) fn language(code: &str) -> Result<String, String> {
    let lang = code.trim().to_lowercase().replace('_', "-");
    let main = lang.split('-').next().unwrap_or_default();
    let is_iso = (2..=3).contains(&main.len()) && main.bytes().all(|byte| byte.is_ascii_lowercase());
    let has_sound_subtags = lang.split('-').all(|tag| !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if has_sound_subtags && (is_iso || wikipedia_code(&lang).is_some()) {
        return Ok(lang);
    }
    Err("expected a language code of two or three letters, such as `en`, `zh` or `pt-br`, or that of a Wikipedia, such as `simple`"
        .to_owned())
}

/// A value, or `auto`: the program decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrAuto<T>(pub Option<T>);

/// A parser of one of `T`'s values, or `auto` with its help text.
pub(super) fn or_auto<T: ValueEnum + Send + Sync + 'static>(auto: &'static str) -> impl TypedValueParser<Value = OrAuto<T>> {
    let values = T::value_variants().iter().filter_map(T::to_possible_value);
    let values = PossibleValuesParser::new(std::iter::once(PossibleValue::new("auto").help(auto)).chain(values));
    values.map(|name| OrAuto(T::from_str(&name, false).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_codes_are_normalised() {
        for (code, expected) in [
            ("en", Some("en")),
            ("EN", Some("en")),
            ("zh_Hans", Some("zh-hans")),
            ("pt-BR", Some("pt-br")),
            ("simple", Some("simple")),
            ("zh-classical", Some("zh-classical")),
            ("be-x-old", Some("be-x-old")),
            ("tlh", Some("tlh")),
            ("klingon", None),
            ("e", None),
            ("12", None),
            ("", None),
            ("en-", None),
            ("en/de", None),
        ] {
            assert_eq!(language(code).ok().as_deref(), expected, "{code}");
        }
    }
}
