//! Reads JSON formats in which each element is a sentence.

use std::io::Read;

use schemas::Counter;
use serde_json::Value;

use super::elements::JsonElements;
use super::fields::ElementError;
use super::offsets::ResolvedText;
use crate::corpora::read::corpus_reader::{CorpusReadError, CorpusReader, ReadSentence};
use crate::corpora::read::options::ReaderOptions;

/// What an element holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// A text with its spans.
    Sentence(ResolvedText),
    /// No example, for this reason: an annotator has rejected it.
    NoExample(&'static str),
}

/// Parses an element of a format.
pub type ParseElement = fn(&Value, &ReaderOptions<'_>) -> Result<Element, ElementError>;

/// Reads a file of elements that are a sentence each. A malformed element skips its sentence.
///
/// Memory: one element.
pub struct ElementReader<'a, R> {
    elements: JsonElements<R>,
    options: ReaderOptions<'a>,
    parse: ParseElement,
    next_number: u32,
    /// Each element is a sentence, so that one count serves for both.
    counts: Counter,
}

impl<'a, R: Read> ElementReader<'a, R> {
    /// A reader at the start of a file.
    pub fn new(input: R, parse: ParseElement, options: ReaderOptions<'a>) -> Self {
        Self { elements: JsonElements::new(input), options, parse, next_number: 0, counts: Counter::default() }
    }
}

impl<R: Read> CorpusReader for ElementReader<'_, R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        while let Some(element) = self.elements.next_element()? {
            let (line, element_number) = (element.line, element.number);
            let value = element.value.map_err(|detail| ElementError::new("not JSON", detail));
            let read = value.and_then(|value| (self.parse)(&value, &self.options));
            let no_example = match &read {
                Ok(Element::NoExample(reason)) => Some(*reason),
                Ok(Element::Sentence(text)) if text.annotation.is_blank() => Some("empty"),
                _ => None,
            };
            if let Some(reason) = no_example {
                self.counts.skip(reason);
                continue;
            }
            let number = self.next_number;
            self.next_number += 1;
            return Ok(Some(match read {
                Ok(Element::Sentence(text)) => {
                    self.counts.keep();
                    ReadSentence::Read(text.into_sentence(number, (element_number, line)))
                }
                Ok(Element::NoExample(_)) => continue,
                Err(error) => {
                    self.counts.skip(error.reason);
                    ReadSentence::Skipped(error.at(element_number, line))
                }
            }));
        }
        Ok(None)
    }

    fn sentences(&self) -> &Counter {
        &self.counts
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("elements", &self.counts)
    }

    fn class_names(&self) -> Option<&[String]> {
        self.options.class_names
    }
}
