//! The value of `--gazetteer`.

use std::str::FromStr;

/// `LABEL=FILE` or `LABEL=FILE:COLUMN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GazetteerArg {
    /// The label of the file's names.
    pub label: String,
    /// `FILE` or `FILE:COLUMN`. Only the file system tells them apart: a colon may be part of a path.
    pub file: String,
}

impl FromStr for GazetteerArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((label, file)) if !label.trim().is_empty() && !file.is_empty() => {
                Ok(Self { label: label.trim().to_owned(), file: file.to_owned() })
            }
            _ => Err("expected LABEL=FILE or LABEL=FILE:COLUMN, as in PER=people.txt".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_and_file_are_split_at_the_first_equals_sign() {
        for (text, expected) in [
            ("PER=a.txt", Some(("PER", "a.txt"))),
            ("LOC=x=y.csv:name", Some(("LOC", "x=y.csv:name"))),
            ("a.txt", None),
            ("=a", None),
            ("A=", None),
        ] {
            let found = text.parse::<GazetteerArg>().ok();
            assert_eq!(found, expected.map(|(label, file)| GazetteerArg { label: label.to_owned(), file: file.to_owned() }), "{text}");
        }
    }
}
