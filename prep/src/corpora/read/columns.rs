//! Which columns of a CoNLL file hold the token and its tag.

use std::fmt;
use std::str::FromStr;

/// The columns of a line, as `--columns` names them: `token`, `tag`, `_` for one that is not read, `..` for any number of them.
///
/// ```
/// # use prep::mrc::columns::Columns;
/// let columns: Columns = "token,_,_,tag".parse().unwrap();
/// assert_eq!(columns.pick(&["Oslo", "NNP", "I-NP", "B-LOC"]), Some(("Oslo", "B-LOC")));
/// assert_eq!(columns.pick(&["Oslo", "B-LOC"]), None);
/// let columns: Columns = "tag,..,token".parse().unwrap();
/// assert_eq!(columns.pick(&["B-LOC", "NNP", "Oslo"]), Some(("Oslo", "B-LOC")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    token: Place,
    tag: Place,
    /// Columns that are named; there may be more only where there is a `..`.
    named: usize,
    open: bool,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    FromLeft(usize),
    /// 0 is the last.
    FromRight(usize),
}

impl Columns {
    /// Token and tag of a line; nothing where it has fewer columns than are named, or more and no `..` stands for them.
    pub fn pick<'a>(&self, columns: &[&'a str]) -> Option<(&'a str, &'a str)> {
        let fits = if self.open { columns.len() >= self.named } else { columns.len() == self.named };
        let at = |place| match place {
            Place::FromLeft(at) => columns[at],
            Place::FromRight(at) => columns[columns.len() - 1 - at],
        };
        fits.then(|| (at(self.token), at(self.tag)))
    }
}

impl Default for Columns {
    fn default() -> Self {
        "token,..,tag".parse().expect("the default is sound")
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let gaps: Vec<usize> = (0..names.len()).filter(|&at| names[at] == "..").collect();
        if let Some(other) = names.iter().find(|name| !["token", "tag", "_", ".."].contains(name)) {
            return Err(format!("`{other}` is no column, expected token, tag, _ or .. between commas, as in token,_,_,tag"));
        }
        if gaps.len() > 1 {
            return Err("`..` comes twice, expected once at most".to_owned());
        }
        let place = |name: &str| {
            let mut found = (0..names.len()).filter(|&at| names[at] == name);
            match (found.next(), found.next()) {
                (Some(at), None) if gaps.first().is_some_and(|&gap| at > gap) => Ok(Place::FromRight(names.len() - 1 - at)),
                (Some(at), None) => Ok(Place::FromLeft(at)),
                _ => Err(format!("expected `{name}` once, as in token,_,_,tag")),
            }
        };
        let (token, tag) = (place("token")?, place("tag")?);
        Ok(Self { token, tag, named: names.len() - gaps.len(), open: !gaps.is_empty(), text: names.join(",") })
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
            assert_eq!(columns.parse::<Columns>().unwrap().pick(&line), expected, "{columns} of {line:?}");
        }
    }

    #[test]
    fn what_names_no_columns() {
        for (text, expected) in [
            ("token", "expected `tag` once"),
            ("token,tag,tag", "expected `tag` once"),
            ("token,..,..,tag", "`..` comes twice"),
            ("word,tag", "`word` is no column"),
            ("", "`` is no column"),
        ] {
            let error = text.parse::<Columns>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
