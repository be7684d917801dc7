//! Opens the reader of a file.

use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, ensure};
use schemas::manifest::InputFile;

use super::brat::BratReader;
use super::conll::ConllReader;
use super::conll2012::Conll2012Reader;
use super::conllu::ConlluReader;
use super::corpus_reader::CorpusReader;
use super::hf_labels::{self, FEATURE_FILES};
use super::hf_parquet::{HfParquetReader, PARQUET_MAGIC};
use super::json::element_reader::{ElementReader, ParseElement};
use super::json::mrc_json::MrcJsonReader;
use super::json::offsets::SpanOffsets;
use super::json::token_tags::{self, TAG_FIELDS};
use super::json::{annotation_tools, nested};
use super::options::ReaderOptions;
use super::spacy::SpacyReader;
use super::table::TableReader;
use crate::corpora::format::CorpusFormat;
use crate::source::{BytesRead, InputStream};

/// A corpus file, with the files beside it that say how it is read.
pub struct CorpusFile {
    stream: InputStream,
    beside: Vec<InputFile>,
    /// Names of tags that a file beside it gives.
    class_names: Option<Vec<String>>,
    /// The text beside standoff.
    text: Option<String>,
    is_parquet: bool,
    format: CorpusFormat,
}

impl CorpusFile {
    /// Opens a file of a format.
    ///
    /// # Errors
    /// The file, or one beside it, cannot be read.
    pub fn open(path: &Path, format: CorpusFormat, options: &ReaderOptions<'_>) -> anyhow::Result<Self> {
        let stream = InputStream::open(path, BytesRead::default())?;
        let mut file = Self { stream, beside: Vec::new(), class_names: None, text: None, is_parquet: false, format };
        if format == CorpusFormat::Brat {
            file.text = Some(file.read_text_beside(path)?);
        }
        if format == CorpusFormat::HuggingFace {
            file.is_parquet = begins_with(path, PARQUET_MAGIC)?;
            if options.class_names.is_none() {
                file.find_class_names(path, options.label_field.unwrap_or(TAG_FIELDS[0]))?;
            }
        }
        Ok(file)
    }

    /// The reader of its sentences.
    ///
    /// # Errors
    /// A Parquet file that is malformed or has other columns.
    pub fn reader<'a>(&'a mut self, path: &Path, options: &ReaderOptions<'a>) -> anyhow::Result<Box<dyn CorpusReader + Send + 'a>> {
        let mut options = options.clone();
        options.class_names = options.class_names.or(self.class_names.as_deref());
        options.standoff_text = self.text.as_deref();
        if self.is_parquet {
            // The whole file is hashed before its columns are read.
            io::copy(&mut self.stream, &mut io::sink())?;
            return Ok(Box::new(HfParquetReader::open(path, &options)?));
        }
        Ok(open_reader(self.format, &mut self.stream, &options))
    }

    /// The file and those beside it, with sizes and hashes. To be called once all is read.
    pub fn inputs(&self) -> Vec<InputFile> {
        [self.stream.input()].into_iter().chain(self.beside.iter().cloned()).collect()
    }

    /// The text that a file of standoff is about.
    fn read_text_beside(&mut self, path: &Path) -> anyhow::Result<String> {
        let place = path.with_extension("txt");
        ensure!(
            place != path && place.is_file(),
            "{} is standoff of brat and has no text beside it; expected {}",
            path.display(),
            path.with_extension("txt").display()
        );
        let mut stream = InputStream::open(&place, BytesRead::default())?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text).with_context(|| place.display().to_string())?;
        self.beside.push(stream.input());
        String::from_utf8(text).with_context(|| format!("{} is not UTF-8; convert the file to UTF-8", place.display()))
    }

    /// The names that the numbers of tags stand for, where a file beside this one gives them.
    fn find_class_names(&mut self, path: &Path, column: &str) -> anyhow::Result<()> {
        let folders = path.parent().into_iter().flat_map(|folder| [Some(folder), folder.parent()]).flatten();
        for place in folders.flat_map(|folder| FEATURE_FILES.map(|name| folder.join(name))).filter(|place| place.is_file()) {
            let mut stream = InputStream::open(&place, BytesRead::default())?;
            let mut text = Vec::new();
            stream.read_to_end(&mut text).with_context(|| place.display().to_string())?;
            if let Some(names) = hf_labels::of_file(&String::from_utf8_lossy(&text), column) {
                self.class_names = Some(names);
                self.beside.push(stream.input());
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Whether a file begins with these bytes.
pub(super) fn begins_with(path: &Path, magic: &[u8]) -> anyhow::Result<bool> {
    let mut start = Vec::new();
    InputStream::open(path, BytesRead::default())?.take(magic.len() as u64).read_to_end(&mut start)?;
    Ok(start == magic)
}

/// A reader of a stream of the given format.
pub fn open_reader<'a>(
    format: CorpusFormat,
    input: impl Read + Send + 'a,
    options: &ReaderOptions<'a>,
) -> Box<dyn CorpusReader + Send + 'a> {
    let parse: ParseElement = match format {
        CorpusFormat::Conll => return Box::new(ConllReader::new(input, options.tag_rules(), options.columns.clone())),
        CorpusFormat::ConllU => return Box::new(ConlluReader::new(input, options.clone())),
        CorpusFormat::Conll2012 => return Box::new(Conll2012Reader::new(input, options.columns.clone())),
        CorpusFormat::Table => return Box::new(TableReader::new(input, options.clone())),
        CorpusFormat::Spacy => return Box::new(SpacyReader::new(input)),
        CorpusFormat::Brat => return Box::new(BratReader::new(input, options.standoff_text.unwrap_or_default(), options.offsets)),
        CorpusFormat::MrcJson => {
            let offsets = options.offsets.unwrap_or(SpanOffsets::TOKENS_INCLUSIVE);
            return Box::new(MrcJsonReader::new(input, offsets, options.queries));
        }
        CorpusFormat::Nested => nested::parse,
        CorpusFormat::AnnotationTool => annotation_tools::parse,
        CorpusFormat::HuggingFace => token_tags::parse,
    };
    Box::new(ElementReader::new(input, parse, options.clone()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpora::read::corpus_reader::ReadSentence;
    use crate::corpora::read::detect::detect_in;
    use crate::corpora::tagging::scheme::TaggingScheme;
    use crate::corpora::tokenization::TokenJoin;

    /// A well-formed file of each format, with its number of sentences.
    const WELL_FORMED: [(CorpusFormat, &str, u64); 9] = [
        (CorpusFormat::Conll, "Ada\tB-PER\nBo\tI-PER\n\n-DOCSTART- O\n\nc O\n", 2),
        (CorpusFormat::ConllU, "# text = Ada Bo\n1\tAda\t_\tX\t_\t_\t0\t_\t_\tNER=B-PER\n2\tBo\t_\tX\t_\t_\t1\t_\t_\tNER=I-PER\n", 1),
        (CorpusFormat::Conll2012, "#begin document (a); part 000\na 0 0 Ada X * - - - - (PER) (ARG0*) -\n\n#end document\n", 1),
        (CorpusFormat::Table, "Sentence #,Word,Tag\ns1,Ada,B-PER\n,\",\",O\ns2,Bo,B-PER\n", 2),
        (CorpusFormat::Brat, "T1\tPER 0 3\tAda\nT2\tPER 4 6;6 8\tBo\nR1\tKnows Arg1:T1 Arg2:T2\n", 1),
        (CorpusFormat::Nested, r#"[{"context": "Ada Bo ö", "label": {"PER": ["0;1", [1, 2]]}}, {"context": "a", "label": {}}]"#, 2),
        (
            CorpusFormat::AnnotationTool,
            "{\"text\": \"🎉 Ada\", \"label\": [[2, 5, \"PER\"]]}\n{\"data\": {\"text\": \"a\"}, \"annotations\": [{\"result\": []}]}\n",
            2,
        ),
        (CorpusFormat::HuggingFace, r#"[{"tokens": ["Ada", "b"], "ner_tags": ["B-PER", "O"]}, {"words": ["c"], "tags": ["O"]}]"#, 2),
        (
            CorpusFormat::MrcJson,
            r#"[{"qas_id": "0.1", "context": "a b", "query": "?", "entity_label": "X", "span_position": ["0;1"]},
            {"qas_id": "0.2", "context": "a b", "query": "!", "entity_label": "Y", "start_position": [1], "end_position": [1]}]"#,
            1,
        ),
    ];

    /// Reads a text to its end or first error, checks spans and counts, and returns the number of sentences.
    fn read(format: CorpusFormat, text: &str) -> u64 {
        let options = ReaderOptions { standoff_text: Some("Ada Bo"), ..ReaderOptions::default() };
        let mut reader = open_reader(format, text.as_bytes(), &options);
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
        fn edited_files_never_panic(which in 0..WELL_FORMED.len(), edits in proptest::collection::vec((0usize..200, "[\\[\\]{}\":;,0-9a-zö\n\t -]{0,2}"), 0..5)) {
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
