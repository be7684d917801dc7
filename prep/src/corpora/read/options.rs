//! How files are read, besides their format.

use schemas::Query;

use super::conll_columns::ConllColumns;
use super::json::offsets::SpanOffsets;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tagging::tag::TagRules;

/// How files are read, besides their format.
#[derive(Debug, Clone, Default)]
pub struct ReaderOptions<'a> {
    /// The tagging scheme; prefixes of other schemes are malformed. `None` reads every known prefix. Formats with tags only.
    pub scheme: Option<TaggingScheme>,
    /// Which columns hold token and tag. CoNLL only.
    pub columns: ConllColumns,
    /// The label of tags that are a prefix alone, as in `B`.
    pub only_label: Option<&'a str>,
    /// What spans count; `None` is the format's own way. JSON only.
    pub offsets: Option<SpanOffsets>,
    /// The field or column with the text or the tokens; `None` is the format's own one.
    pub text_field: Option<&'a str>,
    /// The field or column with the spans or the tags, or the control that made them; `None` is the format's own one.
    pub label_field: Option<&'a str>,
    /// The column that numbers the sentences; `None` is one of the usual names. Tables only.
    pub sentence_field: Option<&'a str>,
    /// The text that standoff is about.
    pub standoff_text: Option<&'a str>,
    /// The tags that numbers stand for, from 0; `None` where the files say it themselves.
    pub class_names: Option<&'a [String]>,
    /// The queries: their labels may be whole tags, and MRC JSON may give the words of a query instead of its label.
    pub queries: &'a [Query],
}

impl<'a> ReaderOptions<'a> {
    /// What tags are read with.
    pub fn tag_rules(&self) -> TagRules<'a> {
        TagRules { scheme: self.scheme, only_label: self.only_label, queries: self.queries }
    }
}
