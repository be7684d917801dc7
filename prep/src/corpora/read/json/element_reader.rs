//! Reads JSON formats in which each element is a sentence.

use std::io::Read;

use schemas::Counter;
use serde_json::{Map, Value};

use super::elements::JsonElements;
use super::fields::{ElementError, object};
use super::offsets::SpanOffsets;
use crate::corpora::read::corpus_reader::{CorpusReadError, CorpusReader, ReadSentence};
use crate::corpora::sentence::{AnnotatedSentence, Annotation};

/// Parses an element of a format.
pub type ParseElement = fn(&Map<String, Value>, SpanOffsets) -> Result<Annotation, ElementError>;

/// Reads a file of elements that are a sentence each. A malformed element skips its sentence.
///
/// Memory: one element.
pub struct ElementReader<R> {
    elements: JsonElements<R>,
    offsets: SpanOffsets,
    parse: ParseElement,
    next_number: u32,
    /// Each element is a sentence, so that one count serves for both.
    counts: Counter,
}

impl<R: Read> ElementReader<R> {
    /// A reader at the start of a file.
    pub fn new(input: R, parse: ParseElement, offsets: SpanOffsets) -> Self {
        Self { elements: JsonElements::new(input), offsets, parse, next_number: 0, counts: Counter::default() }
    }
}

impl<R: Read> CorpusReader for ElementReader<R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        while let Some(element) = self.elements.next_element()? {
            let (line, element_number) = (element.line, element.number);
            let annotation = object(element).and_then(|object| (self.parse)(&object, self.offsets));
            if annotation.as_ref().is_ok_and(Annotation::is_blank) {
                self.counts.skip("empty");
                continue;
            }
            let number = self.next_number;
            self.next_number += 1;
            return Ok(Some(match annotation {
                Ok(annotation) => {
                    self.counts.keep();
                    ReadSentence::Read(AnnotatedSentence { number, line, annotation, questions: Vec::new() })
                }
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
