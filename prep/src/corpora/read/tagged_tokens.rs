//! Tokens with their tags as a row or an object gives them: names of tags, or numbers that stand for names.

use super::conll::read_tag;
use super::corpus_reader::excerpt;
use crate::corpora::sentence::{Annotation, SentenceNotes};
use crate::corpora::tagging::tag::TagRules;

/// Tokens that a sentence may have.
pub(super) const MAX_TOKENS: usize = 1 << 16;

/// A tag as a file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawTag {
    /// Its name.
    Name(String),
    /// The number of its name.
    Number(i64),
}

/// The annotation of tokens and their tags, each with its line, and what is to be reported. `class_names` are the names that numbers stand
/// for.
///
/// # Errors
/// Another number of tags than tokens, a tag that is not one, or a number without a name; as the line, the reason, as counters name it,
/// and what was found and expected.
pub fn annotate(
    tokens: Vec<String>,
    tags: Vec<(RawTag, u64)>,
    rules: TagRules<'_>,
    class_names: Option<&[String]>,
) -> Result<(Annotation, SentenceNotes), (u64, &'static str, String)> {
    let first = tags.first().map_or(0, |(_, line)| *line);
    if tokens.len() != tags.len() {
        return Err((
            first,
            "other number of tags",
            format!("{} tokens and {} tags, expected a tag for each token", tokens.len(), tags.len()),
        ));
    }
    if tokens.len() > MAX_TOKENS {
        return Err((first, "too long", format!("the sentence has more than {MAX_TOKENS} tokens")));
    }
    if let Some(at) = tokens.iter().position(String::is_empty) {
        return Err((first, "no token", format!("token {at} is empty, expected a word")));
    }
    let mut notes = SentenceNotes::default();
    let mut read = Vec::with_capacity(tags.len());
    for (tag, line) in tags {
        let at_line = |(reason, detail)| (line, reason, detail);
        let name = match &tag {
            RawTag::Name(name) => name.trim(),
            RawTag::Number(number) => class_name(*number, class_names).map_err(at_line)?.trim(),
        };
        let (tag, notation) = read_tag(name, rules).map_err(at_line)?;
        if let Some(notation) = notation {
            notes.add_notation(notation, name, line);
        }
        read.push(tag);
    }
    Ok((Annotation::Tags { tokens, tags: read }, notes))
}

/// The name of the tag with a number.
fn class_name(number: i64, names: Option<&[String]>) -> Result<&str, (&'static str, String)> {
    let Some(names) = names else {
        let detail = format!(
            "tag {number} is a number, and the file does not say its name; give the names in order with --labels, as in --labels O,B-PER,I-PER, \
             or put the data set's README.md or dataset_infos.json beside the file"
        );
        return Err(("no tag names", detail));
    };
    let name = usize::try_from(number).ok().and_then(|number| names.get(number));
    name.map(String::as_str).ok_or_else(|| {
        let first = excerpt(&names.join(", "));
        ("unknown tag number", format!("tag {number} has no name, expected a number from 0 to {} ({first})", names.len().saturating_sub(1)))
    })
}
