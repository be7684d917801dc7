//! The columns of a CSV or TSV file: where token, tag and the number of the sentence are.

use super::options::ReaderOptions;
use super::table_cells::split_cells;

/// Names of the columns, in lower case, without anything but letters, digits and `#`.
const TOKENS: [&str; 5] = ["word", "token", "words", "tokens", "form"];
/// Names of a column of whole sentences, where none has tokens.
const TEXTS: [&str; 2] = ["text", "sentence"];
const TAGS: [&str; 8] = ["tag", "nertag", "tags", "nertags", "ner", "labels", "label", "nerlabels"];
const SENTENCES: [&str; 9] =
    ["sentence#", "sentenceid", "sentid", "sentenceidx", "sentidx", "sentencenumber", "sentenceno", "sentence", "sent"];

/// Where the cells of a row are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableColumns {
    /// What separates cells.
    pub delimiter: char,
    /// Number of columns.
    pub width: usize,
    /// The token, or all tokens of a sentence.
    pub token: usize,
    /// The tag, or those of all tokens.
    pub tag: usize,
    /// What is the same in the rows of a sentence.
    pub sentence: Option<usize>,
    /// Whether each row is a sentence.
    pub has_sentences: bool,
}

impl TableColumns {
    /// Finds the columns by the names in the first line of a file.
    ///
    /// # Errors
    /// There is no column of tokens or of tags, or none of a name that an option gives; as a message.
    pub fn of_header(line: &str, options: &ReaderOptions<'_>) -> Result<Self, String> {
        let delimiter = delimiter(line);
        let names = split_cells(line, delimiter);
        let plain: Vec<String> = names.iter().map(|name| plain_name(name)).collect();
        let known = |known: &[&str]| known.iter().find_map(|name| plain.iter().position(|found| found == name));
        let find = |named: Option<&str>, names_of: &[&str], what: &str, option: &str| {
            let found = match named {
                Some(named) => names.iter().position(|name| name.trim() == named),
                None => known(names_of),
            };
            found.ok_or_else(|| {
                let columns: Vec<String> = names.iter().map(|name| format!("`{}`", name.trim())).collect();
                let expected = named.map_or_else(|| format!("{what}, such as `{}`", names_of[0]), |named| format!("`{named}`"));
                format!("no column {expected}; the first line has {}; name the column with {option}", columns.join(", "))
            })
        };
        let tag = find(options.label_field, &TAGS, "of tags", "--label-field")?;
        let has_sentences = options.text_field.is_none() && known(&TOKENS).is_none();
        let numbered = SENTENCES.iter().find_map(|name| plain.iter().position(|found| found == name));
        let texts = if has_sentences { TEXTS.iter().find_map(|name| (0..plain.len()).find(|&at| plain[at] == *name)) } else { None };
        let token = match texts {
            Some(at) => at,
            None => find(options.text_field, &TOKENS, "of tokens", "--text-field")?,
        };
        let sentence = match options.sentence_field {
            Some(_) => Some(find(options.sentence_field, &SENTENCES, "of sentences", "--sentence-field")?),
            None => numbered.filter(|&at| at != token),
        };
        Ok(Self { delimiter, width: names.len(), token, tag, sentence, has_sentences })
    }

    /// Whether a first line names a column of tokens and one of tags.
    pub fn is_header(line: &str, options: &ReaderOptions<'_>) -> bool {
        line.contains([',', '\t', ';']) && Self::of_header(line, options).is_ok()
    }
}

fn plain_name(name: &str) -> String {
    name.chars().filter(|char| char.is_alphanumeric() || *char == '#').flat_map(char::to_lowercase).collect()
}

/// What separates cells: a tab if there is one, else the more frequent of comma and semicolon.
fn delimiter(line: &str) -> char {
    let number = |char| line.matches(char).count();
    if line.contains('\t') {
        '\t'
    } else if number(';') > number(',') {
        ';'
    } else {
        ','
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let columns = |line: &str, options: &ReaderOptions<'_>| {
            TableColumns::of_header(line, options).map(|found| (found.sentence, found.token, found.tag, found.has_sentences))
        };
        let none = ReaderOptions::default();
        for (line, expected) in [
            ("Sentence #,Word,POS,Tag", (Some(0), 1, 3, false)),
            (",sentence_idx,word,tag", (Some(1), 2, 3, false)),
            ("sentence_id\ttoken\tner_tag", (Some(0), 1, 2, false)),
            ("sentence;words;labels", (Some(0), 1, 2, false)),
            ("Sentence #,Sentence,POS,Tag", (Some(0), 1, 3, true)),
            ("text,labels", (None, 0, 1, true)),
            ("\"token\",\"tag\"", (None, 0, 1, false)),
        ] {
            assert_eq!(columns(line, &none), Ok(expected), "{line}");
            assert!(TableColumns::is_header(line, &none), "{line}");
        }
        let named = ReaderOptions {
            text_field: Some("mot"),
            label_field: Some("type"),
            sentence_field: Some("phrase"),
            ..ReaderOptions::default()
        };
        assert_eq!(columns("type,phrase,mot", &named), Ok((Some(1), 2, 0, false)));
        let error = columns("type,mot", &named).unwrap_err();
        assert!(error.contains("no column `phrase`; the first line has `type`, `mot`") && error.contains("--sentence-field"), "{error}");
        assert!(columns("a,b", &none).unwrap_err().contains("no column of tags, such as `tag`"));
        for line in ["Ada\tB-PER", "a,b,c", "word", "tag\tO"] {
            assert!(!TableColumns::is_header(line, &none), "{line}");
        }
    }
}
