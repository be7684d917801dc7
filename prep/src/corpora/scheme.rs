//! Tagging schemes: which tags there are, which one a corpus uses, and how tags become entities.

use std::fmt;
use std::ops::Range;

/// A tag: outside of entities, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// `O`
    Outside,
    /// `B-PER` and so on.
    Part(Part, String),
}

/// Which part of an entity a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `B`
    Begin,
    /// `I`
    Inside,
    /// `M`
    Middle,
    /// `E` or `L`
    End,
    /// `S` or `U`
    Single,
}

/// How tags mark the borders of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// B begins, I goes on (IOB2).
    Bio,
    /// I marks all; B only where an entity touches one of its label.
    Iob1,
    /// I marks all.
    Io,
    /// B, M, E, and S alone.
    Bmes,
    /// B, I, E, and S alone (also BILOU).
    Bieos,
}

impl Scheme {
    /// Whether the scheme has this part. M and I, L and E, U and S are taken for each other.
    pub fn has(self, part: Part) -> bool {
        match self {
            Self::Io => part == Part::Inside,
            Self::Bio | Self::Iob1 => matches!(part, Part::Begin | Part::Inside),
            Self::Bmes | Self::Bieos => true,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bio => "BIO",
            Self::Iob1 => "IOB1",
            Self::Io => "IO",
            Self::Bmes => "BMES",
            Self::Bieos => "BIEOS",
        })
    }
}

impl Tag {
    /// Reads `O` or `PREFIX-LABEL`; only the first hyphen separates, so labels may hold more.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(tag: &str, scheme: Option<Scheme>) -> Result<Self, TagFault> {
        if tag == "O" {
            return Ok(Self::Outside);
        }
        let (prefix, label) = tag.split_once('-').ok_or(TagFault::Unknown)?;
        let part = match prefix {
            "B" => Part::Begin,
            "I" => Part::Inside,
            "M" => Part::Middle,
            "E" | "L" => Part::End,
            "S" | "U" => Part::Single,
            _ => return Err(TagFault::Unknown),
        };
        if label.trim().is_empty() {
            return Err(TagFault::NoLabel);
        }
        match scheme {
            Some(scheme) if !scheme.has(part) => Err(TagFault::OtherScheme(scheme)),
            _ => Ok(Self::Part(part, label.to_owned())),
        }
    }

    fn label(&self) -> Option<&str> {
        match self {
            Self::Outside => None,
            Self::Part(_, label) => Some(label),
        }
    }
}

/// What can be wrong with a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagFault {
    /// Neither `O` nor a known prefix, a hyphen and more.
    Unknown,
    /// Nothing after the hyphen.
    NoLabel,
    /// The prefix belongs to another scheme than the one asked for.
    OtherScheme(Scheme),
}

/// What the tags of a corpus show of its scheme. It does not grow with the corpus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence {
    begins: u64,
    middles: u64,
    insides: u64,
    ends: u64,
    /// I- after O, another label or the sentence's start.
    insides_that_begin: u64,
    /// B- elsewhere than right after a token of its label.
    begins_apart: u64,
}

impl Evidence {
    /// Takes in the tags of a sentence.
    pub fn add(&mut self, tags: &[Tag]) {
        let mut before: Option<&str> = None;
        for tag in tags {
            if let Tag::Part(part, label) = tag {
                let touches = before == Some(label);
                match part {
                    Part::Begin => {
                        self.begins += 1;
                        self.begins_apart += u64::from(!touches);
                    }
                    Part::Inside => {
                        self.insides += 1;
                        self.insides_that_begin += u64::from(!touches);
                    }
                    Part::Middle => self.middles += 1,
                    Part::End | Part::Single => self.ends += 1,
                }
            }
            before = tag.label();
        }
    }

    /// The scheme the tags point to:
    ///
    /// 1. any M-: BMES;
    /// 2. else any E-, S-, L- or U-: BIEOS;
    /// 3. else I- without a single B-: IO;
    /// 4. else BIO or IOB1, whichever fewer tags break. In BIO an I- never begins an entity; in IOB1 a B- stands only right after a
    ///    token of its label. BIO where both fit, as they do where there is no entity.
    ///
    /// Rules 3 and 4 decide what is reported and counted as a repair, never which entities are read: BIO with its repairs, IOB1 and
    /// IO read the same tags alike.
    pub fn scheme(&self) -> Scheme {
        if self.middles > 0 {
            Scheme::Bmes
        } else if self.ends > 0 {
            Scheme::Bieos
        } else if self.begins == 0 && self.insides > 0 {
            Scheme::Io
        } else if self.begins_apart < self.insides_that_begin {
            Scheme::Iob1
        } else {
            Scheme::Bio
        }
    }
}

/// An entity by its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Its tokens.
    pub tokens: Range<usize>,
    /// Its label.
    pub label: String,
    /// Whether its tags break the scheme.
    pub repaired: bool,
}

/// The entities of a sentence.
///
/// Borders are those of conlleval, which seqeval follows. An entity begins at B and S, and at I, M and E that come first or after O,
/// E, S or another label. It ends before O, B and S, before another label, and after E and S. Sequences that the scheme does not
/// allow are read so too, and marked: I that begins in BIO, B in IOB1 that does not touch, and in BMES and BIEOS what begins without
/// B or ends without E.
pub fn entities(tags: &[Tag], scheme: Scheme) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    let mut open: Option<Part> = None;
    let mut before: Option<&str> = None;
    for (at, tag) in tags.iter().enumerate() {
        let Tag::Part(part, label) = tag else {
            close(&mut entities, &mut open, scheme);
            before = None;
            continue;
        };
        let touches = before == Some(label);
        let goes_on = touches && open.is_some() && matches!(part, Part::Inside | Part::Middle | Part::End);
        if goes_on {
            entities.last_mut().expect("an open entity is the last one").tokens.end = at + 1;
        } else {
            close(&mut entities, &mut open, scheme);
            let repaired = match scheme {
                Scheme::Bio => *part == Part::Inside,
                Scheme::Iob1 => *part == Part::Begin && !touches,
                Scheme::Io => false,
                Scheme::Bmes | Scheme::Bieos => matches!(part, Part::Inside | Part::Middle | Part::End),
            };
            entities.push(Entity { tokens: at..at + 1, label: label.clone(), repaired });
        }
        open = (!matches!(part, Part::End | Part::Single)).then_some(*part);
        before = Some(label);
    }
    close(&mut entities, &mut open, scheme);
    entities
}

/// Ends the open entity, if there is one; it has had no E then.
fn close(entities: &mut [Entity], open: &mut Option<Part>, scheme: Scheme) {
    if open.take().is_some() && matches!(scheme, Scheme::Bmes | Scheme::Bieos) {
        entities.last_mut().expect("an open entity is the last one").repaired = true;
    }
}

/// The tags of an entity of so many tokens, which [`entities`] reads back. In IOB1 and IO entities of a label that touch become one.
pub fn tags(label: &str, tokens: usize, scheme: Scheme) -> impl Iterator<Item = String> {
    (0..tokens).map(move |at| {
        let prefix = match (scheme, at) {
            (Scheme::Bmes | Scheme::Bieos, 0) if tokens == 1 => 'S',
            (Scheme::Bio | Scheme::Bmes | Scheme::Bieos, 0) => 'B',
            (Scheme::Bmes | Scheme::Bieos, at) if at + 1 == tokens => 'E',
            (Scheme::Bmes, _) => 'M',
            _ => 'I',
        };
        format!("{prefix}-{label}")
    })
}

/// What stands before the hyphen of tags, as the scheme writes it.
pub fn prefixes(tags: &[Tag], scheme: Scheme) -> String {
    let prefix = |tag: &Tag| match tag {
        Tag::Outside => 'O',
        Tag::Part(Part::Begin, _) => 'B',
        Tag::Part(Part::Inside | Part::Middle, _) if scheme == Scheme::Bmes => 'M',
        Tag::Part(Part::Inside | Part::Middle, _) => 'I',
        Tag::Part(Part::End, _) => 'E',
        Tag::Part(Part::Single, _) => 'S',
    };
    tags.iter().map(prefix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Vec<Tag> {
        text.split(' ').map(|tag| Tag::parse(tag, None).expect("tags of the tests are sound")).collect()
    }

    fn detect(sentences: &[&str]) -> Scheme {
        let mut evidence = Evidence::default();
        for sentence in sentences {
            evidence.add(&tags(sentence));
        }
        evidence.scheme()
    }

    #[test]
    fn schemes_are_told_from_tags() {
        for (sentences, expected) in [
            (&["O O"][..], Scheme::Bio),
            (&["B-A O B-B"], Scheme::Bio),
            (&["B-A I-A O", "O B-A B-A"], Scheme::Bio),
            (&["I-A I-A O I-B"], Scheme::Io),
            (&["I-A B-A I-A", "O I-B"], Scheme::Iob1),
            (&["I-A I-B B-B", "B-A O"], Scheme::Iob1),
            (&["B-A I-A", "B-B O I-B", "B-A O"], Scheme::Bio),
            (&["B-A M-A E-A S-B"], Scheme::Bmes),
            (&["B-A I-A E-A"], Scheme::Bieos),
            (&["S-A O O"], Scheme::Bieos),
            (&["U-A B-A L-A"], Scheme::Bieos),
        ] {
            assert_eq!(detect(sentences), expected, "{sentences:?}");
        }
    }

    #[test]
    fn tags_become_entities() {
        // Entities as start-end:label, with ! where the tags had to be repaired.
        for (scheme, text, expected) in [
            (Scheme::Bio, "O B-A I-A O B-B", "1-3:A 4-5:B"),
            (Scheme::Bio, "B-A B-A I-A", "0-1:A 1-3:A"),
            (Scheme::Bio, "I-A I-A O I-B", "0-2:A! 3-4:B!"),
            (Scheme::Bio, "B-A I-B I-B", "0-1:A 1-3:B!"),
            (Scheme::Bio, "B-creative-work I-creative-work", "0-2:creative-work"),
            (Scheme::Iob1, "I-A I-A B-A O I-B", "0-2:A 2-3:A 4-5:B"),
            (Scheme::Iob1, "O B-A I-A", "1-3:A!"),
            (Scheme::Io, "I-A I-A I-B O I-B", "0-2:A 2-3:B 4-5:B"),
            (Scheme::Bmes, "B-A M-A E-A S-A S-B", "0-3:A 3-4:A 4-5:B"),
            (Scheme::Bmes, "B-A O M-A M-A", "0-1:A! 2-4:A!"),
            (Scheme::Bieos, "B-A B-A E-A", "0-1:A! 1-3:A"),
            (Scheme::Bieos, "E-A E-A", "0-1:A! 1-2:A!"),
            (Scheme::Bieos, "B-A E-A I-A E-A", "0-2:A 2-4:A!"),
            (Scheme::Bieos, "B-A I-A S-A", "0-2:A! 2-3:A"),
            (Scheme::Bieos, "B-A E-B", "0-1:A! 1-2:B!"),
            (Scheme::Bieos, "U-A B-A L-A", "0-1:A 1-3:A"),
        ] {
            let found: Vec<String> = entities(&tags(text), scheme)
                .into_iter()
                .map(|entity| {
                    let mark = if entity.repaired { "!" } else { "" };
                    format!("{}-{}:{}{mark}", entity.tokens.start, entity.tokens.end, entity.label)
                })
                .collect();
            assert_eq!(found.join(" "), expected, "{scheme}: {text}");
        }
    }

    #[test]
    fn entities_become_tags() {
        for (scheme, expected) in [
            (Scheme::Bio, "B-A|B-A I-A|B-A I-A I-A"),
            (Scheme::Io, "I-A|I-A I-A|I-A I-A I-A"),
            (Scheme::Bmes, "S-A|B-A E-A|B-A M-A E-A"),
            (Scheme::Bieos, "S-A|B-A E-A|B-A I-A E-A"),
        ] {
            let of = |tokens| super::tags("A", tokens, scheme).collect::<Vec<_>>().join(" ");
            assert_eq!([of(1), of(2), of(3)].join("|"), expected, "{scheme}");
        }
    }

    #[test]
    fn tags_that_are_none() {
        for (tag, scheme, fault) in [
            ("PER", None, TagFault::Unknown),
            ("X-PER", None, TagFault::Unknown),
            ("", None, TagFault::Unknown),
            ("o", None, TagFault::Unknown),
            ("B-", None, TagFault::NoLabel),
            ("E-PER", Some(Scheme::Bio), TagFault::OtherScheme(Scheme::Bio)),
            ("B-PER", Some(Scheme::Io), TagFault::OtherScheme(Scheme::Io)),
        ] {
            assert_eq!(Tag::parse(tag, scheme), Err(fault), "{tag}");
        }
    }
}
