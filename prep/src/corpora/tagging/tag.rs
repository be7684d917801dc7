//! A tag of a token: `O`, or a prefix and a label.

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

/// Why a text is not a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagError {
    /// It is neither `O` nor a known prefix, a hyphen and a label.
    Unknown,
    /// The label is empty.
    NoLabel,
    /// The prefix does not belong to the given scheme.
    OtherScheme(TaggingScheme),
}

impl Tag {
    /// Parses `O` or `PREFIX-LABEL`. The first hyphen separates, so that labels may hold others. With a scheme, prefixes of other
    /// schemes are errors; without one, every known prefix is read.
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
        if tag == "O" {
            return Ok(Self::Outside);
        }
        let (prefix, label) = tag.split_once('-').ok_or(TagError::Unknown)?;
        let prefix = match prefix {
            "B" => TagPrefix::Begin,
            "I" => TagPrefix::Inside,
            "M" => TagPrefix::Middle,
            "E" | "L" => TagPrefix::End,
            "S" | "U" => TagPrefix::Single,
            _ => return Err(TagError::Unknown),
        };
        if label.trim().is_empty() {
            return Err(TagError::NoLabel);
        }
        match scheme {
            Some(scheme) if !prefix.belongs_to(scheme) => Err(TagError::OtherScheme(scheme)),
            _ => Ok(Self::Inside(prefix, label.to_owned())),
        }
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
    use super::*;

    #[test]
    fn malformed_tags_are_refused() {
        for (tag, scheme, error) in [
            ("PER", None, TagError::Unknown),
            ("X-PER", None, TagError::Unknown),
            ("", None, TagError::Unknown),
            ("o", None, TagError::Unknown),
            ("B-", None, TagError::NoLabel),
            ("E-PER", Some(TaggingScheme::Bio), TagError::OtherScheme(TaggingScheme::Bio)),
            ("B-PER", Some(TaggingScheme::Io), TagError::OtherScheme(TaggingScheme::Io)),
        ] {
            assert_eq!(Tag::parse(tag, scheme), Err(error), "{tag}");
        }
    }

    #[test]
    fn prefixes_are_spelled_as_in_the_scheme() {
        let tags: Vec<Tag> = "O B-A M-A L-A U-A".split(' ').map(|tag| Tag::parse(tag, None).unwrap()).collect();
        assert_eq!(prefixes(&tags, TaggingScheme::Bmes), "OBMES");
        assert_eq!(prefixes(&tags, TaggingScheme::Bieos), "OBIES");
    }
}
