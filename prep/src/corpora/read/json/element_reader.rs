//! Reads JSON formats in which each element is a sentence.

use std::io::Read;

use schemas::Counter;
use serde_json::{Map, Value};

use super::elements::JsonElements;
use super::fields::{ElementError, object};
use super::offsets::{ResolvedText, SpanOffsets};
use crate::corpora::read::corpus_reader::{CorpusReadError, CorpusReader, ReadSentence};

/// How elements are read, besides their format.
#[derive(Debug, Clone, Default)]
pub struct ElementOptions {
    /// What spans count; `None` is the format's own way.
    pub offsets: Option<SpanOffsets>,
    /// The field with the text or the tokens; `None` is the format's own one.
    pub text_field: Option<String>,
    /// The field with the spans or the tags, or the control that made them; `None` is the format's own one.
    pub label_field: Option<String>,
}

/// What an element holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// A text with its spans.
    Sentence(ResolvedText),
    /// No example, for this reason: an annotator has rejected it.
    NoExample(&'static str),
}

/// Parses an element of a format.
pub type ParseElement = fn(&Map<String, Value>, &ElementOptions) -> Result<Element, ElementError>;

/// Reads a file of elements that are a sentence each. A malformed element skips its sentence.
///
/// Memory: one element.
pub struct ElementReader<R> {
    elements: JsonElements<R>,
    options: ElementOptions,
    parse: ParseElement,
    next_number: u32,
    /// Each element is a sentence, so that one count serves for both.
    counts: Counter,
}

impl<R: Read> ElementReader<R> {
    /// A reader at the start of a file.
    pub fn new(input: R, parse: ParseElement, options: ElementOptions) -> Self {
        Self { elements: JsonElements::new(input), options, parse, next_number: 0, counts: Counter::default() }
    }
}

impl<R: Read> CorpusReader for ElementReader<R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        while let Some(element) = self.elements.next_element()? {
            let (line, element_number) = (element.line, element.number);
            let read = object(element).and_then(|object| (self.parse)(&object, &self.options));
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
}
