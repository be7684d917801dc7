//! Entities to tags.

use super::scheme::TaggingScheme;

/// All tags of these labels in a scheme: `O`, and each prefix of each label.
///
/// ```
/// # use prep::corpora::tagging::{encode::all_tags, scheme::TaggingScheme};
/// assert_eq!(all_tags(&["PER".to_owned()], TaggingScheme::Bio), ["O", "B-PER", "I-PER"]);
/// ```
pub fn all_tags(labels: &[String], scheme: TaggingScheme) -> Vec<String> {
    let prefixes: &[char] = match scheme {
        TaggingScheme::Bio | TaggingScheme::Iob1 => &['B', 'I'],
        TaggingScheme::Io => &['I'],
        TaggingScheme::Bmes => &['B', 'M', 'E', 'S'],
        TaggingScheme::Bieos => &['B', 'I', 'E', 'S'],
    };
    let tags = labels.iter().flat_map(|label| prefixes.iter().map(move |prefix| format!("{prefix}-{label}")));
    std::iter::once("O".to_owned()).chain(tags).collect()
}

/// The tags of an entity of `tokens` tokens, which [`decode`](super::decode::decode) reads back.
///
/// In IOB1 and IO, adjacent entities of one label become one: the first tag is always I.
///
/// ```
/// # use prep::corpora::tagging::{encode::encode, scheme::TaggingScheme};
/// assert_eq!(encode("LOC", 3, TaggingScheme::Bmes).collect::<Vec<_>>(), ["B-LOC", "M-LOC", "E-LOC"]);
/// ```
pub fn encode(label: &str, tokens: usize, scheme: TaggingScheme) -> impl Iterator<Item = String> {
    (0..tokens).map(move |at| {
        let (is_first, is_last) = (at == 0, at + 1 == tokens);
        let prefix = match scheme {
            TaggingScheme::Bmes | TaggingScheme::Bieos if is_first && is_last => 'S',
            TaggingScheme::Bio | TaggingScheme::Bmes | TaggingScheme::Bieos if is_first => 'B',
            TaggingScheme::Bmes | TaggingScheme::Bieos if is_last => 'E',
            TaggingScheme::Bmes => 'M',
            _ => 'I',
        };
        format!("{prefix}-{label}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_become_tags() {
        for (scheme, expected) in [
            (TaggingScheme::Bio, "B-A|B-A I-A|B-A I-A I-A"),
            (TaggingScheme::Io, "I-A|I-A I-A|I-A I-A I-A"),
            (TaggingScheme::Bmes, "S-A|B-A E-A|B-A M-A E-A"),
            (TaggingScheme::Bieos, "S-A|B-A E-A|B-A I-A E-A"),
        ] {
            let tags = |tokens| encode("A", tokens, scheme).collect::<Vec<_>>().join(" ");
            assert_eq!([tags(1), tags(2), tags(3)].join("|"), expected, "{scheme}");
        }
    }
}
