//! Which columns of a CoNLL file hold the token and the tag.

use std::fmt;
use std::str::FromStr;

/// The columns of a line: `token`, `tag`, `_` for a column to ignore, `..` for any number of columns to ignore.
///
/// ```
/// # use prep::corpora::read::conll_columns::ConllColumns;
/// let columns: ConllColumns = "token,_,_,tag".parse().unwrap();
/// assert_eq!(columns.pick(&["Oslo", "NNP", "I-NP", "B-LOC"]), Some(("Oslo", "B-LOC")));
/// assert_eq!(columns.pick(&["Oslo", "B-LOC"]), None);
/// let columns: ConllColumns = "tag,..,token".parse().unwrap();
/// assert_eq!(columns.pick(&["B-LOC", "NNP", "Oslo"]), Some(("Oslo", "B-LOC")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConllColumns {
    token: ColumnIndex,
    tag: ColumnIndex,
    /// Columns besides `..`.
    named: usize,
    /// Whether there is a `..`.
    has_gap: bool,
    /// The columns as they were given.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnIndex {
    FromFirst(usize),
    /// 0 is the last column.
    FromLast(usize),
}

impl ConllColumns {
    /// The token and the tag of a line. `None` where it has fewer columns than are named, or more without a `..`.
    pub fn pick<'a>(&self, columns: &[&'a str]) -> Option<(&'a str, &'a str)> {
        let fits = if self.has_gap { columns.len() >= self.named } else { columns.len() == self.named };
        let column = |index| match index {
            ColumnIndex::FromFirst(at) => columns[at],
            ColumnIndex::FromLast(at) => columns[columns.len() - 1 - at],
        };
        fits.then(|| (column(self.token), column(self.tag)))
    }
}

impl Default for ConllColumns {
    /// `token,..,tag`: the first and the last column.
    fn default() -> Self {
        "token,..,tag".parse().expect("the default is valid")
    }
}

impl fmt::Display for ConllColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ConllColumns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let gaps: Vec<usize> = (0..names.len()).filter(|&at| names[at] == "..").collect();
        if let Some(other) = names.iter().find(|name| !["token", "tag", "_", ".."].contains(name)) {
            return Err(format!("`{other}` is not a column, expected token, tag, _ or .. between commas, as in token,_,_,tag"));
        }
        if gaps.len() > 1 {
            return Err("`..` is given twice, expected once at most".to_owned());
        }
        let index_of = |name: &str| {
            let mut found = (0..names.len()).filter(|&at| names[at] == name);
            match (found.next(), found.next()) {
                (Some(at), None) if gaps.first().is_some_and(|&gap| at > gap) => Ok(ColumnIndex::FromLast(names.len() - 1 - at)),
                (Some(at), None) => Ok(ColumnIndex::FromFirst(at)),
                _ => Err(format!("expected `{name}` once, as in token,_,_,tag")),
            }
        };
        let (token, tag) = (index_of("token")?, index_of("tag")?);
        Ok(Self { token, tag, named: names.len() - gaps.len(), has_gap: !gaps.is_empty(), text: names.join(",") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_picked() {
        for (columns, line, expected) in [
            ("token,..,tag", "a O", Some(("a", "O"))),
            ("token,..,tag", "a b c O", Some(("a", "O"))),
            ("token,..,tag", "a", None),
            ("token, _, _, tag", "a b c O", Some(("a", "O"))),
            ("token,_,_,tag", "a b c d O", None),
            ("_,token,tag,..", "1 a O x y", Some(("a", "O"))),
            ("tag,token", "O a", Some(("a", "O"))),
            ("..,token,_,tag", "x y a b O", Some(("a", "O"))),
        ] {
            let line: Vec<&str> = line.split(' ').collect();
            assert_eq!(columns.parse::<ConllColumns>().unwrap().pick(&line), expected, "{columns} of {line:?}");
        }
    }

    #[test]
    fn malformed_columns_are_refused() {
        for (text, expected) in [
            ("token", "expected `tag` once"),
            ("token,tag,tag", "expected `tag` once"),
            ("token,..,..,tag", "`..` is given twice"),
            ("word,tag", "`word` is not a column"),
            ("", "`` is not a column"),
        ] {
            let error = text.parse::<ConllColumns>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
