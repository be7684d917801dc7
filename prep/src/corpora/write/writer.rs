//! Writes formatted sentences to a file.

use std::io::Write;

use schemas::hf_rows::HfParquetWriter;

use super::formatter::FormattedSentence;
use super::{conll, json};
use crate::corpora::format::ExportFormat;
use crate::corpora::tagging::encode::all_tags;
use crate::corpora::tagging::scheme::TaggingScheme;

/// What was written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ExportCounts {
    /// Sentences.
    pub sentences: u64,
    /// Spans.
    pub entities: u64,
    /// Sentences whose white space is changed by the format.
    pub changed_whitespace: u64,
    /// Spans that lose their origin or score, because the format does not hold them.
    pub lost_origins: u64,
    /// Spans that were left out because they overlap.
    pub overlapping: u64,
}

/// How rows of a Hugging Face data set are laid out.
#[derive(Debug, Clone)]
pub enum HfLayout {
    /// JSON, an object a line.
    JsonLines,
    /// A JSON array.
    JsonArray,
    /// Parquet.
    Parquet {
        /// Names of the tags in the order of their numbers; `None`: those of the labels of the first sentence in this scheme.
        names: Option<Vec<String>>,
        /// See `names`.
        scheme: TaggingScheme,
    },
}

/// Writes sentences to a file.
///
/// Memory: one sentence; of Parquet, a row group.
pub struct CorpusWriter<W: Write + Send> {
    out: Output<W>,
    format: ExportFormat,
    layout: HfLayout,
    previous_doc: Option<String>,
    /// Elements in the array so far, in formats that are one.
    array_elements: u64,
    counts: ExportCounts,
}

/// Where sentences go.
enum Output<W: Write + Send> {
    Text(W),
    Parquet(Box<HfParquetWriter<W>>),
    /// While the output changes from one to the other.
    Moving,
}

impl<W: Write + Send> CorpusWriter<W> {
    /// A writer of a format. `layout` is that of Hugging Face data sets.
    pub fn new(out: W, format: ExportFormat, layout: HfLayout) -> Self {
        Self { out: Output::Text(out), format, layout, previous_doc: None, array_elements: 0, counts: ExportCounts::default() }
    }

    /// Writes a sentence of the same format.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, sentence: &FormattedSentence) -> anyhow::Result<()> {
        match self.format {
            ExportFormat::AnnotationTool => sentence.pieces.iter().try_for_each(|line| self.write_text(format_args!("{line}\n")))?,
            ExportFormat::Conll => {
                if self.previous_doc.as_ref().is_some_and(|doc| *doc != sentence.doc) {
                    self.write_text(format_args!("{}", conll::document_start()))?;
                }
                self.previous_doc = Some(sentence.doc.clone());
                sentence.pieces.iter().try_for_each(|lines| self.write_text(format_args!("{lines}")))?;
            }
            ExportFormat::Nested => sentence.pieces.iter().try_for_each(|element| self.write_element(format_args!("{element}")))?,
            ExportFormat::MrcJson => {
                let number = self.counts.sentences;
                for (at, rest) in (1..).zip(&sentence.pieces) {
                    self.write_element(format_args!("{{\"qas_id\":\"{number}.{at}\",{}", &rest[1..]))?;
                }
            }
            ExportFormat::HuggingFace => self.write_tagged(sentence)?,
        }
        self.counts.sentences += 1;
        self.counts.entities += sentence.entities;
        self.counts.changed_whitespace += u64::from(sentence.changes_whitespace);
        self.counts.lost_origins += sentence.lost_origins;
        self.counts.overlapping += sentence.overlapping;
        Ok(())
    }

    fn write_text(&mut self, text: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
        match &mut self.out {
            Output::Text(out) => Ok(out.write_fmt(text)?),
            Output::Parquet(_) | Output::Moving => Ok(()),
        }
    }

    fn write_tagged(&mut self, sentence: &FormattedSentence) -> anyhow::Result<()> {
        let Some(tagged) = &sentence.tagged else { return Ok(()) };
        match &self.layout {
            HfLayout::JsonLines => self.write_text(format_args!("{}\n", json::token_tags_element(tagged))),
            HfLayout::JsonArray => self.write_element(format_args!("{}", json::token_tags_element(tagged))),
            HfLayout::Parquet { .. } => Ok(self.parquet(&sentence.labels)?.write(tagged.clone())?),
        }
    }

    /// The writer of rows, which begins with the labels of the first sentence: those of all.
    fn parquet(&mut self, labels: &[String]) -> anyhow::Result<&mut HfParquetWriter<W>> {
        if let (Output::Text(_), HfLayout::Parquet { names, scheme }) = (&self.out, &self.layout) {
            let names = names.clone().unwrap_or_else(|| all_tags(labels, *scheme));
            let Output::Text(out) = std::mem::replace(&mut self.out, Output::Moving) else { unreachable!("it was text a line before") };
            self.out = Output::Parquet(Box::new(HfParquetWriter::new(out, names)?));
        }
        match &mut self.out {
            Output::Parquet(writer) => Ok(writer),
            Output::Text(_) | Output::Moving => anyhow::bail!("an error ended the file before"),
        }
    }

    /// Writes an element of an array.
    fn write_element(&mut self, element: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
        let separator = if self.array_elements == 0 { "[\n" } else { ",\n" };
        self.array_elements += 1;
        self.write_text(format_args!("{separator}{element}"))
    }

    /// Ends the file and returns it with the counts. The file is not flushed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> anyhow::Result<(W, ExportCounts)> {
        let is_array = match self.format {
            ExportFormat::Conll | ExportFormat::AnnotationTool => false,
            ExportFormat::Nested | ExportFormat::MrcJson => true,
            ExportFormat::HuggingFace => matches!(self.layout, HfLayout::JsonArray),
        };
        if is_array {
            self.write_text(format_args!("{}", if self.array_elements == 0 { "[]\n" } else { "\n]\n" }))?;
        }
        if matches!((self.format, &self.layout), (ExportFormat::HuggingFace, HfLayout::Parquet { .. })) {
            self.parquet(&[])?;
        }
        let out = match self.out {
            Output::Text(out) => out,
            Output::Parquet(writer) => writer.finish()?,
            Output::Moving => anyhow::bail!("an error ended the file before"),
        };
        Ok((out, self.counts))
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Origin, Span, Triple};

    use super::*;
    use crate::corpora::tagging::violations::OriginalPrefixes;
    use crate::corpora::write::formatter::{SentenceFormatter, WriterOptions};

    fn rows(lang: &str, context: &str, spans: &[(u32, u32)]) -> Vec<Triple> {
        let chars: Vec<char> = context.chars().collect();
        let span = |&(start, end): &(u32, u32)| {
            let text = chars[start as usize..end as usize].iter().collect();
            Span { start, end, text, origin: Origin::Gold, score: None }
        };
        let row = Triple {
            id: format!("{context}:PER"),
            doc: "a".to_owned(),
            lang: lang.to_owned(),
            label: "PER".to_owned(),
            query: "Who?".to_owned(),
            context: context.to_owned(),
            spans: spans.iter().map(span).collect(),
            ..Triple::default()
        };
        vec![row]
    }

    fn written(format: ExportFormat, sentences: &[Vec<Triple>]) -> anyhow::Result<(String, ExportCounts)> {
        let options = WriterOptions { format, scheme: TaggingScheme::Bmes, flat: false, tokenization: None };
        let formatter = SentenceFormatter::new(options, OriginalPrefixes::default());
        let mut writer = CorpusWriter::new(Vec::new(), format, HfLayout::JsonLines);
        sentences.iter().try_for_each(|rows| writer.write(&formatter.format(rows)?))?;
        let (bytes, counts) = writer.finish()?;
        Ok((String::from_utf8(bytes).unwrap(), counts))
    }

    #[test]
    fn every_format_is_written() {
        let sentences = [rows("en", "Ada  met Bo", &[(0, 3), (9, 11)]), rows("zh", "马云", &[(0, 2)])];
        for (format, expected) in [
            (ExportFormat::Conll, "Ada\tS-PER\nmet\tO\nBo\tS-PER\n\n马\tB-PER\n云\tE-PER\n\n"),
            (
                ExportFormat::Nested,
                "[\n{\"context\":\"Ada met Bo\",\"label\":{\"PER\":[\"0;0\",\"2;2\"]}},\n{\"context\":\"马 云\",\"label\":{\"PER\":[\"0;1\"]}}\n]\n",
            ),
            (
                ExportFormat::AnnotationTool,
                "{\"doc\":\"a\",\"sentence\":0,\"lang\":\"en\",\"text\":\"Ada  met Bo\",\"entities\":[{\"start_offset\":0,\"end_offset\":3,\
                 \"label\":\"PER\"},{\"start_offset\":9,\"end_offset\":11,\"label\":\"PER\"}]}\n{\"doc\":\"a\",\"sentence\":0,\"lang\":\"zh\",\
                 \"text\":\"马云\",\"entities\":[{\"start_offset\":0,\"end_offset\":2,\"label\":\"PER\"}]}\n",
            ),
            (
                ExportFormat::HuggingFace,
                "{\"id\":\"0\",\"tokens\":[\"Ada\",\"met\",\"Bo\"],\"ner_tags\":[\"S-PER\",\"O\",\"S-PER\"]}\n\
                 {\"id\":\"0\",\"tokens\":[\"马\",\"云\"],\"ner_tags\":[\"B-PER\",\"E-PER\"]}\n",
            ),
            (
                ExportFormat::MrcJson,
                "[\n{\"qas_id\":\"0.1\",\"context\":\"Ada met Bo\",\"query\":\"Who?\",\"entity_label\":\"PER\",\"start_position\":[0,2],\
                 \"end_position\":[0,2],\"span_position\":[\"0;0\",\"2;2\"],\"impossible\":false},\n{\"qas_id\":\"1.1\",\"context\":\"马 云\",\
                 \"query\":\"Who?\",\"entity_label\":\"PER\",\"start_position\":[0],\"end_position\":[1],\"span_position\":[\"0;1\"],\
                 \"impossible\":false}\n]\n",
            ),
        ] {
            let (text, counts) = written(format, &sentences).unwrap();
            assert_eq!(text, expected, "{format:?}");
            let changed_whitespace = u64::from(format != ExportFormat::AnnotationTool);
            assert_eq!(counts, ExportCounts { sentences: 2, entities: 3, changed_whitespace, ..ExportCounts::default() }, "{format:?}");
        }
    }

    #[test]
    fn a_file_without_sentences_is_valid() {
        for (format, expected) in [(ExportFormat::Conll, ""), (ExportFormat::Nested, "[]\n"), (ExportFormat::MrcJson, "[]\n")] {
            assert_eq!(written(format, &[]).unwrap().0, expected);
        }
    }

    #[test]
    fn lost_origins_are_counted() {
        let mut sentence = rows("en", "Ada met Bo", &[(0, 3), (8, 10)]);
        sentence[0].spans[1].origin = Origin::Anchor;
        assert_eq!(written(ExportFormat::Conll, &[sentence.clone()]).unwrap().1.lost_origins, 1);
        let (text, counts) = written(ExportFormat::AnnotationTool, &[sentence]).unwrap();
        assert!(counts.lost_origins == 0 && text.contains("\"origin\":\"anchor\""), "{text}");
    }

    #[test]
    fn what_a_format_cannot_hold_names_the_row() {
        for (format, context, spans, expected) in [
            (ExportFormat::Conll, "a b", &[(0, 3), (2, 3)][..], "overlaps"),
            (ExportFormat::Nested, "By Bo.", &[(3, 5)], "begins or ends inside a token"),
            (ExportFormat::MrcJson, " ", &[], "nothing but white space"),
            (ExportFormat::Conll, "-DOCSTART-", &[], "would begin a document"),
        ] {
            let error = written(format, &[rows("en", context, spans)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("row {context}:PER: ")) && error.contains(expected), "{error}");
        }
    }
}
