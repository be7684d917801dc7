//! A tag of a token: `O`, or a prefix and a label.

use schemas::Query;

use super::scheme::TaggingScheme;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// `O`: the token is in no entity.
    Outside,
    /// A token of an entity, as in `B-PER`.
    Inside(TagPrefix, String),
}

/// The position of a token in its entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagPrefix {
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

/// How a tag is written, other than `O` or `PREFIX-LABEL`. Such tags are read, and reported once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TagNotation {
    /// A label alone, as in `person-actor`: a token of an entity, as in scheme IO.
    NoPrefix,
    /// A prefix alone, as in `B`: the label is that of `--label`.
    NoLabel,
    /// The prefix behind the label, as in `PER-B`.
    Suffix,
    /// Another separator than a hyphen, as in `B_PER`.
    OtherSeparator,
    /// A prefix in lower case, as in `b-PER`.
    LowerCase,
    /// `o` or `0` for `O`.
    OtherOutside,
    /// A tag with a tab behind it, which begins an empty column.
    TrailingTab,
}

impl TagNotation {
    /// What such tags are, and how they are read, for messages.
    pub fn description(self) -> (&'static str, &'static str) {
        match self {
            Self::NoPrefix => ("tags without a prefix", "labels, as in scheme IO"),
            Self::NoLabel => ("tags without a label", "tags of --label"),
            Self::Suffix => ("tags with the prefix behind the label", "PREFIX-LABEL"),
            Self::OtherSeparator => ("tags without a hyphen behind the prefix", "PREFIX-LABEL"),
            Self::LowerCase => ("tags with a prefix in lower case", "PREFIX-LABEL"),
            Self::OtherOutside => ("tags `o` or `0`", "`O`"),
            Self::TrailingTab => ("tags with a tab behind them", "the last column"),
        }
    }
}

/// Why a text is not a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagError {
    /// The text is empty.
    Empty,
    /// The label is empty.
    NoLabel,
    /// The tag is a prefix alone, and no label is given for such tags.
    NeedsLabel,
    /// The prefix does not belong to the given scheme.
    OtherScheme(TaggingScheme),
}

/// What tags are read with.
#[derive(Debug, Clone, Copy, Default)]
pub struct TagRules<'a> {
    /// The scheme; prefixes of other schemes are errors. `None` reads every known prefix.
    pub scheme: Option<TaggingScheme>,
    /// The label of tags that are a prefix alone.
    pub only_label: Option<&'a str>,
    /// Known labels: a tag that is one of them has no prefix, whatever it begins with.
    pub queries: &'a [Query],
}

impl TagRules<'_> {
    /// Reads a tag, without white space at its ends: `O`, `PREFIX-LABEL`, or one of the other [notations](TagNotation). The first
    /// hyphen separates, so that labels may hold others.
    ///
    /// # Errors
    /// The text is not a tag, see [`TagError`].
    pub fn read(&self, tag: &str) -> Result<(Tag, Option<TagNotation>), TagError> {
        let inside = |prefix: TagPrefix, label: &str, notation| match self.scheme {
            Some(scheme) if !prefix.belongs_to(scheme) => Err(TagError::OtherScheme(scheme)),
            _ => Ok((Tag::Inside(prefix, label.to_owned()), notation)),
        };
        if tag == "O" {
            return Ok((Tag::Outside, None));
        }
        if tag.is_empty() {
            return Err(TagError::Empty);
        }
        let is_known = |label: &str| self.queries.iter().any(|query| query.label == label);
        if is_known(tag) {
            return inside(TagPrefix::Inside, tag, Some(TagNotation::NoPrefix));
        }
        let mut chars = tag.chars();
        let (first, second) = (chars.next().unwrap_or_default(), chars.next());
        let Some(separator) = second else {
            return match (TagPrefix::of(first.to_ascii_uppercase()), self.only_label) {
                _ if matches!(first, 'o' | '0') => Ok((Tag::Outside, Some(TagNotation::OtherOutside))),
                (Some(prefix), Some(label)) => inside(prefix, label, Some(TagNotation::NoLabel)),
                (Some(_), None) => Err(TagError::NeedsLabel),
                (None, _) => inside(TagPrefix::Inside, tag, Some(TagNotation::NoPrefix)),
            };
        };
        if let (Some(prefix), true) = (TagPrefix::of(first.to_ascii_uppercase()), SEPARATORS.contains(&separator)) {
            let label = chars.as_str();
            let notation = match (first.is_ascii_lowercase(), separator) {
                (true, _) => Some(TagNotation::LowerCase),
                (false, '-') => None,
                (false, _) => Some(TagNotation::OtherSeparator),
            };
            return if label.trim().is_empty() { Err(TagError::NoLabel) } else { inside(prefix, label, notation) };
        }
        let mut chars = tag.chars();
        if let (Some(prefix), Some('-' | '_')) = (chars.next_back().and_then(TagPrefix::of), chars.next_back()) {
            return inside(prefix, chars.as_str(), Some(TagNotation::Suffix));
        }
        inside(TagPrefix::Inside, tag, Some(TagNotation::NoPrefix))
    }

    /// Whether a text can hardly be anything but a tag: `O`, a prefix and a label, or a known label.
    pub fn is_surely_tag(&self, text: &str) -> bool {
        matches!(self.read(text), Ok((_, None))) || self.queries.iter().any(|query| query.label == text)
    }
}

/// Chars between prefix and label.
const SEPARATORS: [char; 4] = ['-', '_', ':', '.'];

impl Tag {
    /// Reads a tag by the [rules](TagRules) of a scheme.
    ///
    /// # Errors
    /// The text is not a tag, see [`TagError`].
    ///
    /// ```
    /// # use prep::corpora::tagging::tag::{Tag, TagPrefix};
    /// let tag = Tag::parse("B-creative-work", None).unwrap();
    /// assert_eq!(tag, Tag::Inside(TagPrefix::Begin, "creative-work".to_owned()));
    /// ```
    pub fn parse(tag: &str, scheme: Option<TaggingScheme>) -> Result<Self, TagError> {
        TagRules { scheme, ..TagRules::default() }.read(tag).map(|(tag, _)| tag)
    }

    /// The label of a token in an entity.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Outside => None,
            Self::Inside(_, label) => Some(label),
        }
    }
}

impl TagPrefix {
    /// The prefix that a capital letter stands for.
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'B' => Self::Begin,
            'I' => Self::Inside,
            'M' => Self::Middle,
            'E' | 'L' => Self::End,
            'S' | 'U' => Self::Single,
            _ => return None,
        })
    }

    /// Whether a scheme has this prefix. BMES and BIEOS accept each other's spellings.
    fn belongs_to(self, scheme: TaggingScheme) -> bool {
        match scheme {
            TaggingScheme::Io => self == Self::Inside,
            TaggingScheme::Bio | TaggingScheme::Iob1 => matches!(self, Self::Begin | Self::Inside),
            TaggingScheme::Bmes | TaggingScheme::Bieos => true,
        }
    }
}

/// The prefixes of tags, one char each, spelled as the scheme spells them.
pub fn prefixes(tags: &[Tag], scheme: TaggingScheme) -> String {
    let prefix = |tag: &Tag| match tag {
        Tag::Outside => 'O',
        Tag::Inside(TagPrefix::Begin, _) => 'B',
        Tag::Inside(TagPrefix::Inside | TagPrefix::Middle, _) if scheme == TaggingScheme::Bmes => 'M',
        Tag::Inside(TagPrefix::Inside | TagPrefix::Middle, _) => 'I',
        Tag::Inside(TagPrefix::End, _) => 'E',
        Tag::Inside(TagPrefix::Single, _) => 'S',
    };
    tags.iter().map(prefix).collect()
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    /// A tag as `prefix:label`, with the notation that is reported.
    fn read(tag: &str, only_label: Option<&str>) -> Result<(String, Option<TagNotation>), TagError> {
        let queries = [Query { label: "E-mail".to_owned(), text: "?".to_owned() }];
        let (tag, notation) = TagRules { scheme: None, only_label, queries: &queries }.read(tag)?;
        let tag = match &tag {
            Tag::Outside => "O".to_owned(),
            Tag::Inside(_, label) => format!("{}:{label}", prefixes(slice::from_ref(&tag), TaggingScheme::Bieos)),
        };
        Ok((tag, notation))
    }

    #[test]
    fn every_notation_is_read() {
        use TagNotation::{LowerCase, NoLabel, NoPrefix, OtherOutside, OtherSeparator, Suffix};
        for (tag, expected, notation) in [
            ("O", "O", None),
            ("o", "O", Some(OtherOutside)),
            ("0", "O", Some(OtherOutside)),
            ("B-PER", "B:PER", None),
            ("B-creative-work", "B:creative-work", None),
            ("L-PER", "E:PER", None),
            ("person-actor", "I:person-actor", Some(NoPrefix)),
            ("PERSON", "I:PERSON", Some(NoPrefix)),
            ("X-PER", "I:X-PER", Some(NoPrefix)),
            ("人", "I:人", Some(NoPrefix)),
            ("E-mail", "I:E-mail", Some(NoPrefix)),
            ("B_PER", "B:PER", Some(OtherSeparator)),
            ("B:PER", "B:PER", Some(OtherSeparator)),
            ("b-PER", "B:PER", Some(LowerCase)),
            ("PER-B", "B:PER", Some(Suffix)),
            ("creative_work_S", "S:creative_work", Some(Suffix)),
            ("B", "B:GENE", Some(NoLabel)),
            ("i", "I:GENE", Some(NoLabel)),
        ] {
            assert_eq!(read(tag, Some("GENE")), Ok((expected.to_owned(), notation)), "{tag}");
        }
    }

    #[test]
    fn malformed_tags_are_refused() {
        for (tag, error) in [("", TagError::Empty), ("B-", TagError::NoLabel), ("B_ ", TagError::NoLabel), ("B", TagError::NeedsLabel)] {
            assert_eq!(read(tag, None), Err(error), "{tag}");
        }
        for (tag, scheme) in [("E-PER", TaggingScheme::Bio), ("B-PER", TaggingScheme::Io), ("PER-B", TaggingScheme::Io)] {
            assert_eq!(Tag::parse(tag, Some(scheme)), Err(TagError::OtherScheme(scheme)), "{tag}");
        }
    }

    #[test]
    fn prefixes_are_spelled_as_in_the_scheme() {
        let tags: Vec<Tag> = "O B-A M-A L-A U-A".split(' ').map(|tag| Tag::parse(tag, None).unwrap()).collect();
        assert_eq!(prefixes(&tags, TaggingScheme::Bmes), "OBMES");
        assert_eq!(prefixes(&tags, TaggingScheme::Bieos), "OBIES");
    }
}
