//! The words of a sentence of CoNLL-U to its text, with the place and the tag of each.

use std::ops::Range;

use super::conll::read_tag;
use crate::corpora::sentence::{Annotation, SentenceNotes};
use crate::corpora::tagging::tag::{Tag, TagRules};

/// The number of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordId {
    /// `1`
    Word(u32),
    /// `1-2`: the words, of which the last is named here, are written as one.
    Multiword(u32),
    /// `1.1`: a word that the text lacks.
    Empty,
}

impl WordId {
    /// Reads a number. `None` for another text.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((first, last)) = text.split_once('-') {
            let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
            return (first < last).then_some(Self::Multiword(last));
        }
        if let Some((word, empty)) = text.split_once('.') {
            return word.parse::<u32>().ok().zip(empty.parse::<u32>().ok()).map(|_| Self::Empty);
        }
        text.parse().ok().map(Self::Word)
    }
}

/// A line of a sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub form: &'a str,
    /// The tag; `None` is outside of entities.
    pub tag: Option<&'a str>,
    pub space_after: bool,
}

/// A sentence while its lines are read.
#[derive(Debug, Default)]
pub(super) struct ConlluSentence {
    text: String,
    chars: u32,
    /// Whether a space follows what is there.
    space_after: bool,
    /// The last word of the multiword token that is being read, its place, and whether its own line has its tag.
    multiword: Option<(u32, Range<u32>, bool)>,
    tokens: Vec<Range<u32>>,
    tags: Vec<Tag>,
    notes: SentenceNotes,
}

impl ConlluSentence {
    /// Adds a line, whose number is `line`.
    ///
    /// # Errors
    /// The tag is malformed: the reason, as counters name it, and what was found and expected.
    pub fn add(&mut self, id: WordId, word: Word<'_>, line: u64, rules: TagRules<'_>) -> Result<(), (&'static str, String)> {
        let inside = self.multiword.take().filter(|(last, ..)| matches!(id, WordId::Word(number) if number <= *last));
        let place = match &inside {
            Some((_, place, has_tag)) => {
                let place = place.clone();
                let has_tag = *has_tag;
                self.multiword = inside;
                if has_tag {
                    return Ok(());
                }
                place
            }
            None => self.add_text(word.form, word.space_after),
        };
        if let WordId::Multiword(last) = id {
            self.multiword = Some((last, place.clone(), word.tag.is_some()));
            if word.tag.is_none() {
                return Ok(());
            }
        }
        let tag = match word.tag {
            None => Tag::Outside,
            Some(name) => {
                let (tag, notation) = read_tag(name, rules)?;
                if let Some(notation) = notation {
                    self.notes.add_notation(notation, name, line);
                }
                tag
            }
        };
        self.tokens.push(place);
        self.tags.push(tag);
        Ok(())
    }

    fn add_text(&mut self, form: &str, space_after: bool) -> Range<u32> {
        if self.space_after && !self.text.is_empty() {
            self.text.push(' ');
            self.chars += 1;
        }
        let start = self.chars;
        self.text.push_str(form);
        self.chars += form.chars().count() as u32;
        self.space_after = space_after;
        start..self.chars
    }

    /// The text with its tokens and tags, and what is to be reported.
    pub fn into_annotation(self) -> (Annotation, SentenceNotes) {
        (Annotation::TaggedText { text: self.text, tokens: self.tokens, tags: self.tags }, self.notes)
    }
}
