//! A sentence of an annotated file, whatever the file's format, and the shape that all readers have.

use std::io;
use std::ops::Range;

use schemas::Counter;

use super::context;
use super::scheme::{self, Scheme, Tag};

/// A sentence of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Number in the file, from 0; sentences that are left out are numbered too, empty ones are not.
    pub number: u32,
    /// The line where it begins, from 1.
    pub line: u64,
    /// Its text and entities.
    pub body: Body,
    /// The labels that the file asks for and their questions; empty in formats that hold none.
    pub questions: Vec<(String, String)>,
}

/// Text and entities as the formats give them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Tokens, each with its tag.
    Tagged {
        /// The tokens.
        tokens: Vec<String>,
        /// Their tags.
        tags: Vec<Tag>,
    },
    /// Tokens, and entities by the number of their tokens.
    Tokens {
        /// The tokens.
        tokens: Vec<String>,
        /// Half-open, with the label; they may nest and overlap.
        entities: Vec<(Range<usize>, String)>,
    },
    /// Running text, and entities by char.
    Text {
        /// The text.
        text: String,
        /// Half-open, with the label; they may nest and overlap.
        entities: Vec<(Range<u32>, String)>,
    },
}

/// An entity by the chars of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Its chars, half-open.
    pub chars: Range<u32>,
    /// Its label.
    pub label: String,
    /// The prefixes of its tags, where they break the scheme.
    pub broken: Option<String>,
}

impl Body {
    /// Whether there is no text.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Tagged { tokens, .. } | Self::Tokens { tokens, .. } => tokens.is_empty(),
            Self::Text { text, .. } => text.trim().is_empty(),
        }
    }

    /// The running text and the entities in it. `spaces`: what stands between two tokens, a space or nothing.
    pub fn resolve(self, scheme: Scheme, spaces: bool) -> (String, Vec<Entity>) {
        let (tokens, entities) = match self {
            Self::Text { text, entities } => {
                let entities = entities.into_iter().map(|(chars, label)| Entity { chars, label, broken: None });
                return (text, entities.collect());
            }
            Self::Tagged { tokens, tags } => {
                let entities = scheme::entities(&tags, scheme).into_iter();
                (
                    tokens,
                    entities
                        .map(|entity| {
                            let broken = entity.repaired.then(|| scheme::prefixes(&tags[entity.tokens.clone()], scheme));
                            (entity.tokens, entity.label, broken)
                        })
                        .collect::<Vec<_>>(),
                )
            }
            Self::Tokens { tokens, entities } => (tokens, entities.into_iter().map(|(tokens, label)| (tokens, label, None)).collect()),
        };
        let (text, ranges) = context::join(&tokens, spaces);
        let entity = |(tokens, label, broken): (Range<usize>, String, Option<String>)| {
            let chars = ranges[tokens.start].start..ranges[tokens.end - 1].end;
            Entity { chars, label, broken }
        };
        let entities = entities.into_iter().map(entity).collect();
        (text, entities)
    }
}

/// What a reader comes across.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A sound sentence.
    Sentence(Sentence),
    /// A sentence that is left out for a malformed part.
    Fault(Fault),
}

/// Why a sentence is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The malformed line, or the one where the malformed element begins, from 1.
    pub line: u64,
    /// The kind of fault, as the counters name it.
    pub reason: &'static str,
    /// What was wrong and what would be right.
    pub detail: String,
}

/// What ends the reading of a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stream broke.
    #[error("line {0} cannot be read")]
    Io(u64, #[source] io::Error),
    /// The text is in some other encoding.
    #[error("line {0} is not UTF-8; convert the file to UTF-8")]
    Encoding(u64),
    /// This is no file of the format.
    #[error("line {line} is longer than {limit} bytes, expected {expected}")]
    Long {
        /// The line, from 1.
        line: u64,
        /// Bytes a line may have.
        limit: usize,
        /// What a line holds.
        expected: &'static str,
    },
    /// The array ends here, for what follows cannot be told apart.
    #[error("line {line}, element {element}: {detail}")]
    Syntax {
        /// The line, from 1.
        line: u64,
        /// The element, from 1.
        element: u64,
        /// What was wrong and what would be right.
        detail: String,
    },
}

/// Reads a file sentence by sentence, in bounded memory.
pub trait SentenceReader {
    /// The next sentence; nothing at the end of the file.
    ///
    /// # Errors
    /// What makes the rest of the file unreadable.
    fn next_item(&mut self) -> Result<Option<Item>, ReadError>;

    /// Sentences so far.
    fn sentences(&self) -> &Counter;

    /// What the file is made of, lines or elements, so far; out are those of the sentences that were kept.
    fn parts(&self) -> (&'static str, &Counter);
}

/// Enough of a text to recognise it by.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
