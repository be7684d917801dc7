//! CoNLL-U files: the ten columns of Universal Dependencies, with the tags of entities among the `KEY=VALUE` pairs of the last one.

use std::collections::BTreeSet;
use std::io::Read;

use schemas::Counter;

use super::conll_columns::ConllColumns;
use super::conllu_sentence::{ConlluSentence, Word, WordId};
use super::corpus_reader::{CorpusReadError, CorpusReader, ReadSentence, SentenceCounts, excerpt};
use super::lines::TextLines;
use super::options::ReaderOptions;
use super::sentence_lines::SentenceLines;

/// Bytes that a line may have.
const MAX_LINE_BYTES: usize = 1 << 18;
/// Keys of the pair that holds a tag, in lower case; an option names others.
const TAG_KEYS: [&str; 4] = ["ner", "entity", "ne", "namedentity"];
/// Names of a column of tags in CoNLL-U Plus.
const TAG_COLUMNS: [&str; 2] = ["NER", "NE"];
/// Keys without tags that an error lists.
const LISTED_KEYS: usize = 10;

/// Reads a CoNLL-U file.
///
/// - The text of a sentence is that of its words, with a space after each unless it says `SpaceAfter=No`.
/// - Of a multiword token (`1-2`) the line with the range is text. The tags are those of its words, or that of its own line.
/// - Empty nodes (`1.1`) and comments are skipped. `# global.columns = …` (CoNLL-U Plus) says where the columns are, among them `NER`.
/// - Words without a tag are outside of entities. A file without any tag is not annotated: an error.
///
/// Memory: one line of at most 256 KiB and one sentence.
pub struct ConlluReader<'a, R> {
    lines: TextLines<R>,
    options: ReaderOptions<'a>,
    columns: Columns,
    counts: SentenceCounts,
    has_tags: bool,
    /// Keys that hold no tag.
    other_keys: BTreeSet<String>,
}

/// Where the columns are.
struct Columns {
    number: usize,
    id: usize,
    form: usize,
    /// `KEY=VALUE` pairs.
    misc: Option<usize>,
    /// The column that is a tag.
    tag: Option<usize>,
    /// Token and tag as an option names them.
    named: Option<ConllColumns>,
}

impl Columns {
    /// The columns that a header of CoNLL-U Plus names. `None` without one of words.
    fn of_header(names: &str, named: Option<ConllColumns>) -> Option<Self> {
        let names: Vec<&str> = names.split_whitespace().collect();
        let position = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.rsplit(':').next().unwrap_or(name)));
        Some(Self {
            number: names.len(),
            id: position(&["ID"])?,
            form: position(&["FORM"])?,
            misc: position(&["MISC"]),
            tag: position(&TAG_COLUMNS),
            named,
        })
    }
}

impl<'a, R: Read> ConlluReader<'a, R> {
    /// A reader at the start of a file.
    pub fn new(input: R, options: ReaderOptions<'a>) -> Self {
        let named = Some(options.columns.clone()).filter(|columns| *columns != ConllColumns::default());
        Self {
            lines: TextLines::new(input, MAX_LINE_BYTES, "ten columns of CoNLL-U"),
            options,
            columns: Columns { number: 10, id: 0, form: 1, misc: Some(9), tag: None, named },
            counts: SentenceCounts::default(),
            has_tags: false,
            other_keys: BTreeSet::new(),
        }
    }

    /// Reads a line of columns into a sentence.
    fn add_line(&mut self, text: &str, sentence: &mut ConlluSentence) -> Result<(), (&'static str, String)> {
        let line = self.lines.number();
        let cells: Vec<&str> = if text.contains('\t') { text.split('\t').collect() } else { text.split_ascii_whitespace().collect() };
        let Columns { number, id, form, misc, tag, named } = &self.columns;
        let is_of_columns = if named.is_some() { cells.len() > *id.max(form) } else { cells.len() == *number };
        if !is_of_columns {
            let detail =
                format!("`{}` has {} columns, expected the {number} of CoNLL-U, separated by tabs", excerpt(text.trim()), cells.len());
            return Err(("other columns", detail));
        }
        let word_id = WordId::parse(cells[*id]).ok_or_else(|| {
            ("bad word number", format!("`{}` is not the number of a word, expected one such as 1, 1-2 or 1.1", excerpt(cells[*id])))
        })?;
        if word_id == WordId::Empty {
            return Ok(());
        }
        let (form, tag) = match named {
            Some(columns) => columns.pick(&cells).map(|(form, tag)| (form, Some(tag))).ok_or_else(|| {
                let detail = format!("`{}` has {} columns, expected {columns}", excerpt(text.trim()), cells.len());
                ("other columns", detail)
            })?,
            None => (cells[*form], tag.map(|tag| cells[tag])),
        };
        if form.is_empty() {
            return Err(("no token", "the column of the word is empty".to_owned()));
        }
        let pairs = misc.and_then(|misc| cells.get(misc)).map_or("_", |pairs| *pairs);
        let mut word = Word { form, tag, space_after: true };
        for (key, value) in pairs.split('|').filter_map(|pair| pair.split_once('=')) {
            if key == "SpaceAfter" {
                word.space_after = value != "No";
            }
            if word.tag.is_none() && is_tag_key(key, self.options.label_field) {
                word.tag = Some(value);
            } else if self.other_keys.len() < LISTED_KEYS && !self.other_keys.contains(key) {
                self.other_keys.insert(excerpt(key));
            }
        }
        word.tag = word.tag.map(str::trim).filter(|tag| !matches!(*tag, "" | "_" | "-" | "*"));
        if let Some(tag) = word.tag.filter(|tag| tag.starts_with('(') || tag.ends_with(')')) {
            let detail = format!(
                "`{}` is an entity of a coreference annotation (CorefUD), expected a tag such as B-PER; name the key of the tags with --label-field",
                excerpt(tag)
            );
            return Err(("entity of coreference", detail));
        }
        self.has_tags |= word.tag.is_some();
        sentence.add(word_id, word, line, self.options.tag_rules())
    }

    /// Whether a line is a comment; it may name the columns.
    fn read_comment(&mut self, text: &str) -> Result<bool, CorpusReadError> {
        let Some(comment) = text.strip_prefix('#') else { return Ok(false) };
        if let Some(names) = comment.trim_start().strip_prefix("global.columns").and_then(|rest| rest.trim_start().strip_prefix('=')) {
            let named = self.columns.named.take();
            self.columns = Columns::of_header(names, named).ok_or_else(|| CorpusReadError::Form {
                detail: format!("line {}: the columns are `{}`, expected `ID` and `FORM` among them", self.lines.number(), names.trim()),
            })?;
        }
        Ok(true)
    }

    /// An error where a whole file has no tag.
    fn check_annotated(&self) -> Result<(), CorpusReadError> {
        if self.has_tags || self.counts.numbered() == 0 {
            return Ok(());
        }
        let keys: Vec<String> = self.other_keys.iter().map(|key| format!("`{key}`")).collect();
        let found = if keys.is_empty() { "no pair".to_owned() } else { keys.join(", ") };
        let expected = match self.options.label_field {
            Some(key) => format!("`{key}=B-PER`"),
            None => "`NER=B-PER` or `Entity=B-PER`; name another key with --label-field, or another column with --columns".to_owned(),
        };
        Err(CorpusReadError::Form {
            detail: format!("no word has the tag of an entity: the last column of CoNLL-U holds {found}, expected {expected}"),
        })
    }
}

fn is_tag_key(key: &str, named: Option<&str>) -> bool {
    named.map_or_else(|| TAG_KEYS.iter().any(|known| key.eq_ignore_ascii_case(known)), |named| key == named)
}

impl<R: Read> CorpusReader for ConlluReader<'_, R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        let mut sentence = ConlluSentence::default();
        let mut lines = SentenceLines::default();
        while let Some(text) = self.lines.next_line()?.map(str::to_owned) {
            let line = self.lines.number();
            if text.trim().is_empty() {
                self.counts.lines.skip("blank");
                if !lines.is_empty() {
                    break;
                }
                continue;
            }
            if self.read_comment(&text)? {
                self.counts.lines.skip("comment");
                continue;
            }
            lines.add(line, || self.add_line(&text, &mut sentence));
        }
        if lines.is_empty() {
            self.check_annotated()?;
        }
        Ok(lines.finish(&mut self.counts, || sentence.into_annotation()))
    }

    fn sentences(&self) -> &Counter {
        &self.counts.sentences
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("lines", &self.counts.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora::tagging::scheme::TaggingScheme;
    use crate::corpora::tokenization::TokenJoin;

    /// The sentences of a file, given with a space for each tab, as `text: entity@start-end`; skipped ones as `line: reason`.
    fn read(text: &str, options: &ReaderOptions<'_>) -> Result<Vec<String>, String> {
        let text = text.replace(' ', "\t").replace('~', " ");
        let mut reader = ConlluReader::new(text.as_bytes(), options.clone());
        let mut sentences = Vec::new();
        while let Some(sentence) = reader.next_sentence().map_err(|error| error.to_string())? {
            sentences.push(match sentence {
                ReadSentence::Skipped(malformed) => format!("{}: {}", malformed.line, malformed.reason),
                ReadSentence::Read(sentence) => {
                    let (text, entities) = sentence.annotation.into_text(TaggingScheme::Bio, TokenJoin::Space);
                    let spans = entities.iter().map(|entity| {
                        let (start, end) = (entity.chars.start, entity.chars.end);
                        format!(" {}@{}", entity.label, schemas::char_slice(&text, start, end).unwrap())
                    });
                    format!("{text}:{}", spans.collect::<String>())
                }
            });
        }
        assert!(reader.sentences().adds_up() && reader.records().1.adds_up());
        Ok(sentences)
    }

    fn word(id: &str, form: &str, misc: &str) -> String {
        format!("{id} {form} _ _ _ _ _ _ _ {misc}\n")
    }

    #[test]
    fn words_make_the_text() {
        let of_words = |words: &[(&str, &str, &str)]| words.iter().map(|(id, form, misc)| word(id, form, misc)).collect::<String>();
        for (words, expected) in [
            (&[("1", "Ada", "NER=B-PER"), ("2", "Bo", "NER=I-PER|SpaceAfter=No"), ("3", ".", "NER=O")][..], "Ada Bo.: PER@Ada Bo"),
            (&[("1", "New~York", "Entity=S-LOC")], "New York: LOC@New York"),
            // A multiword token is text; its words have the tags.
            (
                &[
                    ("1-2", "del", "_"),
                    ("1", "de", "_"),
                    ("2", "el", "NER=B-PER"),
                    ("3", "Toro", "SpaceAfter=No|NER=I-PER"),
                    ("4", ",", "_"),
                ],
                "del Toro,: PER@del Toro",
            ),
            (
                &[("1-2", "Adas", "start_char=0|ner=B-PER|SpaceAfter=No"), ("1", "Ada", "_"), ("2", "s", "_"), ("3", "!", "_")],
                "Adas!: PER@Adas",
            ),
            (&[("1", "Ada", "NER=B-PER"), ("1.1", "left", "NER=B-PER"), ("2", "came", "_")], "Ada came: PER@Ada"),
            (&[("1", "京都", "SpaceAfter=No|NER=B-LOC"), ("2", "は", "_")], "京都は: LOC@京都"),
        ] {
            assert_eq!(read(&of_words(words), &ReaderOptions::default()).unwrap(), [expected], "{words:?}");
        }
    }

    #[test]
    fn other_columns_and_keys_are_named() {
        let ada = word("1", "Ada", "Name=B-PER");
        let options = ReaderOptions { label_field: Some("Name"), ..ReaderOptions::default() };
        assert_eq!(read(&ada, &options).unwrap(), ["Ada: PER@Ada"]);
        let error = read(&format!("#~text\n{ada}"), &ReaderOptions::default()).unwrap_err();
        assert!(error.contains("holds `Name`, expected `NER=B-PER`") && error.contains("--label-field"), "{error}");
        let plus = "# global.columns = ID FORM PARSEME:MWE TEAM:NER\n1 Ada * B-PER\n2 is * *\n";
        assert_eq!(read(plus, &ReaderOptions::default()).unwrap(), ["Ada is: PER@Ada"]);
        let options = ReaderOptions { columns: "_,token,..,tag".parse().unwrap(), ..ReaderOptions::default() };
        assert_eq!(read(&format!("{} B-PER\n", word("1", "Ada", "_").trim()), &options).unwrap(), ["Ada: PER@Ada"]);
        assert!(read("#~global.columns = FORM\n", &ReaderOptions::default()).unwrap_err().contains("expected `ID` and `FORM`"));
    }

    #[test]
    fn lines_of_another_form_end_the_run() {
        let tagged = word("1", "Ada", "NER=B-PER");
        for (lines, reason) in [
            ("1 Ada B-PER\n".to_owned(), "other columns"),
            (word("x", "Ada", "NER=B-PER"), "bad word number"),
            (word("3-2", "Ada", "NER=B-PER"), "bad word number"),
            (word("1", "Ada", "NER=B-"), "no label"),
            (word("1", "Ada", "Entity=(e1-person-1"), "entity of coreference"),
        ] {
            assert_eq!(read(&format!("{tagged}\n{lines}"), &ReaderOptions::default()).unwrap(), ["Ada: PER@Ada", &format!("3: {reason}")]);
        }
    }
}
