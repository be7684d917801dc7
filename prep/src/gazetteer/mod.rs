//! Gazetteers: lists of names that say of what kind each is.
//!
//! | module | what it holds |
//! |---|---|
//! | [`files`] | text, CSV and Parquet files to names |
//! | [`fold`] | names and text made comparable |
//! | [`names`] | distinct names, each with its files |
//! | [`matcher`] | many names found in a text at once |
//! | [`coverage`] | which names and files the matches came from |
//!
//! Only [`files`] touches the disk; nothing here knows pages or triples.

pub mod coverage;
pub mod files;
pub mod fold;
pub mod matcher;
pub mod names;

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::Context;
use crossbeam_channel::bounded;
use encoding_rs::Encoding;
use schemas::Counter;
use schemas::manifest::InputFile;

use crate::interner::Full;
use files::NameFile;
use fold::Folding;
use matcher::{Matcher, MatcherBuilder};
use names::Names;

/// The label of a name that is in gazetteers of several labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ambiguous {
    /// The label whose gazetteer is given first.
    First,
    /// None: the name is dropped.
    Drop,
}

/// What a gazetteer is made of.
#[derive(Debug)]
pub struct Spec {
    /// Labels, by their place in the query set, each with a file of its names.
    pub files: Vec<(usize, NameFile)>,
    /// Encoding of text without a byte-order mark.
    pub encoding: &'static Encoding,
    /// What counts as the same name.
    pub folding: Folding,
    /// What names of several labels are.
    pub ambiguous: Ambiguous,
    /// Files of what is no name in running text.
    pub stop: Vec<PathBuf>,
    /// Fewest chars of a name that is looked for in running text; nothing where names are only looked up.
    pub min_length: Option<usize>,
}

/// Names with their labels.
#[derive(Debug)]
pub struct Gazetteer {
    folding: Folding,
    names: Names,
    /// For each file, the label of its names.
    label_of: Vec<usize>,
    ambiguous: Ambiguous,
    /// What is no name in running text.
    stopped: HashSet<String>,
    mentions: Option<Mentions>,
}

#[derive(Debug)]
struct Mentions {
    matcher: Matcher,
    /// Numbers of the matcher's names.
    numbers: Vec<u32>,
}

/// A name that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub name: u32,
    /// Its label, by its place in the query set; nothing where it has several and is to be dropped.
    pub label: Option<usize>,
}

/// What reading gazetteers has come to.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The files, as they were read.
    pub inputs: Vec<InputFile>,
    /// Names in the files, and distinct ones among them.
    pub names: Counter,
}

/// Names that were read one after the other.
#[derive(Debug, Default)]
struct Chunk {
    text: String,
    /// For each its number, and where it ends in `text`.
    names: Vec<(u32, usize)>,
}

/// Bytes of names handed on at once, and how many times that.
const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 8;

impl Spec {
    /// The names of the files; new ones are handed on too.
    fn read_names(&self, loaded: &mut Loaded, mut hand_on: impl FnMut(Chunk)) -> anyhow::Result<Names> {
        let mut names = Names::default();
        let mut chunk = Chunk::default();
        for (file, (_, path)) in self.files.iter().enumerate() {
            let input = path.read(self.encoding, |name| {
                let name = self.folding.name(name);
                if name.is_empty() {
                    loaded.names.skip("empty");
                    return Ok(());
                }
                let number = u32::try_from(names.len())?;
                if !names.add(&name, file)? {
                    loaded.names.skip("there already");
                    return Ok(());
                }
                loaded.names.keep();
                chunk.text.push_str(&name);
                chunk.names.push((number, chunk.text.len()));
                if chunk.text.len() >= CHUNK {
                    hand_on(std::mem::take(&mut chunk));
                }
                Ok(())
            })?;
            loaded.inputs.push(input);
        }
        hand_on(chunk);
        names.settle();
        Ok(names)
    }
}

impl Mentions {
    /// What finds the names that are long enough and not stopped.
    fn of(chunks: impl IntoIterator<Item = Chunk>, min_length: usize, stopped: &HashSet<String>) -> Result<Self, Full> {
        let mut builder = MatcherBuilder::default();
        let mut numbers = Vec::new();
        for Chunk { text, names } in chunks {
            let mut start = 0;
            for (number, end) in names {
                let name = &text[std::mem::replace(&mut start, end)..end];
                if name.chars().nth(min_length.saturating_sub(1)).is_some() && !stopped.contains(name) {
                    builder.add(name)?;
                    numbers.push(number);
                }
            }
        }
        Ok(Self { matcher: builder.finish(), numbers })
    }
}

impl Gazetteer {
    /// Reads the files.
    ///
    /// Memory: the names, and where text is searched a table of their words; see [`Names`] and [`Matcher`].
    ///
    /// # Errors
    /// A file that cannot be read as what it should be, or too many names.
    pub fn load(spec: Spec) -> anyhow::Result<(Self, Loaded)> {
        let mut loaded = Loaded::default();
        let mut stop_lists = Vec::new();
        let mut stopped = HashSet::new();
        for path in &spec.stop {
            let file = NameFile { path: path.clone(), column: None };
            stop_lists.push(file.read(spec.encoding, |name| {
                stopped.insert(spec.folding.name(name).into_owned());
                Ok(())
            })?);
        }
        // What searches for names is made on another thread while they are read.
        let (names, mentions) = std::thread::scope(|scope| -> anyhow::Result<_> {
            let (chunks, ready) = bounded::<Chunk>(CHUNKS);
            let mentions = spec.min_length.map(|min_length| {
                let stopped = &stopped;
                scope.spawn(move || Mentions::of(ready, min_length, stopped))
            });
            let names = spec.read_names(&mut loaded, |chunk| drop(chunks.send(chunk)));
            drop(chunks);
            let mentions = mentions.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            Ok((names?, mentions.transpose().context("gazetteers")?))
        })?;
        loaded.inputs.extend(stop_lists);
        let label_of = spec.files.iter().map(|(label, _)| *label).collect();
        Ok((Self { folding: spec.folding, names, label_of, ambiguous: spec.ambiguous, stopped, mentions }, loaded))
    }

    /// What several ways to name a thing say it is: the first that has one label, or else the first that is there.
    pub fn look_up<'t>(&self, ways: impl IntoIterator<Item = &'t str>) -> Option<Found> {
        let mut first = None;
        for way in ways {
            let Some(number) = self.names.number(&self.folding.name(way)) else { continue };
            if !self.is_ambiguous(number) {
                return Some(self.found(number));
            }
            first.get_or_insert(number);
        }
        first.map(|number| self.found(number))
    }

    /// Whether this is said to be no name in running text.
    pub fn is_stopped(&self, text: &str) -> bool {
        !self.stopped.is_empty() && self.stopped.contains(self.folding.name(text).as_ref())
    }

    /// The names in a text, in chars, that are `wanted` there; none where the gazetteer was made to look up only.
    pub fn mentions(&self, text: &str, mut wanted: impl FnMut(&Range<u32>) -> bool) -> Vec<(Range<u32>, Found)> {
        let Some(Mentions { matcher, numbers }) = &self.mentions else { return Vec::new() };
        let folded = self.folding.text(text);
        let found = matcher.longest(folded.text(), |found| folded.chars(&found.bytes).is_some_and(|chars| wanted(&chars)));
        found.into_iter().filter_map(|found| Some((folded.chars(&found.bytes)?, self.found(numbers[found.name])))).collect()
    }

    fn found(&self, name: u32) -> Found {
        let label = match self.ambiguous {
            Ambiguous::Drop if self.is_ambiguous(name) => None,
            _ => self.labels(name).next(),
        };
        Found { name, label }
    }

    /// The labels of a name, in the order of their files; one comes again where several files have it.
    fn labels(&self, name: u32) -> impl Iterator<Item = usize> {
        self.names.files(name).iter().map(|&file| self.label_of[file])
    }

    fn is_ambiguous(&self, name: u32) -> bool {
        let mut labels = self.labels(name);
        let first = labels.next();
        labels.any(|label| Some(label) != first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(usize, &str); 3] = [(1, "Oslo\nGeorgia\nArden\n"), (0, "Georgia\nAda Arden\nAda\n"), (1, "OSLO\nOslo\n")];

    fn gazetteer(ambiguous: Ambiguous, folding: Folding, stop: &str) -> (Gazetteer, Loaded) {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: String, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let files = FILES.iter().enumerate();
        let files = files.map(|(at, (label, text))| (*label, NameFile { path: write(at.to_string(), text), column: None })).collect();
        let stop = vec![write("stop".to_owned(), stop)];
        Gazetteer::load(Spec { files, encoding: encoding_rs::UTF_8, folding, ambiguous, stop, min_length: Some(4) }).unwrap()
    }

    #[test]
    fn names_are_looked_up() {
        let (first, loaded) = gazetteer(Ambiguous::First, Folding::default(), "");
        assert_eq!(loaded.names.to_string(), "8 in, 6 out, 2 skipped (there already 2)");
        assert_eq!(loaded.inputs.len(), 4, "the stop list is an input too");
        let (drop, _) = gazetteer(Ambiguous::Drop, Folding::default(), "");
        for (ways, in_first, in_drop) in [
            (&["Oslo"][..], Some(Some(1)), Some(Some(1))),
            (&["Bergen"], None, None),
            (&["Georgia"], Some(Some(1)), Some(None)),
            (&["Georgia", "Ada"], Some(Some(0)), Some(Some(0))),
            (&["Bergen", "Georgia"], Some(Some(1)), Some(None)),
            (&["oslo"], None, None),
        ] {
            let label = |gazetteer: &Gazetteer| gazetteer.look_up(ways.iter().copied()).map(|found| found.label);
            assert_eq!((label(&first), label(&drop)), (in_first, in_drop), "{ways:?}");
        }
        let (folded, loaded) = gazetteer(Ambiguous::First, Folding { ignore_case: true, nfkc: true, simplify: None }, "");
        assert_eq!(loaded.names.out, 5);
        assert_eq!(folded.look_up(["ｏslo"]).map(|found| found.label), Some(Some(1)));
    }

    #[test]
    fn names_are_found_in_text() {
        let text = "Ödön met Ada Arden and Ada in Georgia, not Oslo.";
        for (ambiguous, stop, expected) in [
            (Ambiguous::First, "", &[(9..18, Some(0)), (30..37, Some(1)), (43..47, Some(1))][..]),
            (Ambiguous::Drop, "Oslo\n", &[(9..18, Some(0)), (30..37, None)]),
        ] {
            let (gazetteer, _) = gazetteer(ambiguous, Folding::default(), stop);
            let found: Vec<_> = gazetteer.mentions(text, |_| true).into_iter().map(|(chars, found)| (chars, found.label)).collect();
            assert_eq!(found, expected);
        }
        let (gazetteer, _) = gazetteer(Ambiguous::First, Folding::default(), "");
        let found: Vec<_> = gazetteer.mentions(text, |chars| chars.start > 9).into_iter().map(|(chars, _)| chars).collect();
        assert_eq!(found, [13..18, 30..37, 43..47], "what is left out hides nothing");
    }
}
