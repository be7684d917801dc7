//! Names by label: what `prep names` writes and `prep nee --names` reads.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, Float32Array, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, SchemaRef, UInt32Type};

use crate::columns::builder::{dictionary, dictionary_array, list_array, optional_string_array, string_array, u32_array};
use crate::columns::reader::{ColumnReader, list_range};
use crate::row::{Row, RowError};

/// A name of a page or an item, with its label and how sure that is.
///
/// A name has a row for each title, redirect or item that bears it, or else one for the links whose text it is. Rows of one name and label have
/// the same counts. A row without a label is a text that is no name, as a rule of the types file says: an adjective such as `Italian`, or a word
/// such as `Monday`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Name {
    /// The name, without the bracket at the end of a title.
    pub name: String,
    /// Its label; `None` for a text that is no name.
    pub label: Option<String>,
    /// Language code of the wiki or of the item's label.
    pub lang: String,
    /// Where the name comes from.
    pub origin: NameOrigin,
    /// Title of the page, the redirect or the item's page that bears the name; for [`NameOrigin::Link`], the page to which most links with this
    /// text lead. Every page with this title has the label.
    pub title: Option<String>,
    /// The item of Wikidata, such as `Q42`.
    pub item: Option<String>,
    /// How often the name stands for something of this label: the links with this text to pages of the label, and the titles and redirects of
    /// such pages, each once. In names of Wikidata, the items of the label that have it. Without a label, all links with this text.
    pub count: u32,
    /// How often it stands for something else, counted in the same way.
    pub others: u32,
    /// How often it stands in the text outside of links; `None` where no text was read.
    pub unlinked: Option<u32>,
    /// How sure it is that the name has this label, from 0 to 1: see [`Name::share_of`]. 0 without a label.
    pub share: f32,
    /// Number of wikis that have a page of the item.
    pub sitelinks: Option<u32>,
    /// The classes of the item, such as `Q5`.
    pub instance_of: Vec<String>,
}

/// Where a name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum NameOrigin {
    /// The title of a page, or a title that links name.
    #[default]
    Title,
    /// A redirect to a page.
    Redirect,
    /// The text of links to pages.
    Link,
    /// The label of an item of Wikidata.
    Label,
    /// An alias of an item.
    Alias,
    /// A rule of the types file: what is no name.
    Rule,
}

impl NameOrigin {
    /// All origins, in the order in which reports list them.
    pub const ALL: [Self; 6] = [Self::Title, Self::Redirect, Self::Link, Self::Label, Self::Alias, Self::Rule];

    /// The name in the `origin` column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Redirect => "redirect",
            Self::Link => "link",
            Self::Label => "label",
            Self::Alias => "alias",
            Self::Rule => "rule",
        }
    }

    fn from_name(name: &str) -> Result<Self, RowError> {
        Self::ALL.into_iter().find(|origin| origin.name() == name).ok_or_else(|| {
            let expected = Self::ALL.map(Self::name).join(", ");
            RowError::Column { column: "origin".to_owned(), found: format!("`{name}`"), expected: format!("one of {expected}") }
        })
    }
}

/// What an occurrence outside of links weighs against a link. A page links a name once and repeats it, and does not link what all readers
/// know: of a sure name one occurrence in 15 is linked, of a common word one in 100 or fewer.
pub const UNLINKED_WEIGHT: f64 = 0.01;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, false),
        Field::new("label", DataType::Utf8, true),
        Field::new("lang", dictionary(), false),
        Field::new("origin", DataType::Utf8, false),
        Field::new("title", DataType::Utf8, true),
        Field::new("item", DataType::Utf8, true),
        Field::new("count", DataType::UInt32, false),
        Field::new("others", DataType::UInt32, false),
        Field::new("unlinked", DataType::UInt32, true),
        Field::new("share", DataType::Float32, false),
        Field::new("sitelinks", DataType::UInt32, true),
        Field::new("instance_of", DataType::List(Arc::new(Field::new("item", DataType::Utf8, false))), false),
    ]))
});

impl Name {
    /// The share of a name: `count / (count + others + unlinked / 100)`, 0 where all are 0.
    ///
    /// ```
    /// use schemas::Name;
    ///
    /// assert_eq!(Name::share_of(8, 2, None), 0.8);
    /// assert_eq!(Name::share_of(8, 0, Some(200)), 0.8);
    /// ```
    pub fn share_of(count: u32, others: u32, unlinked: Option<u32>) -> f32 {
        let all = f64::from(count) + f64::from(others) + f64::from(unlinked.unwrap_or(0)) * UNLINKED_WEIGHT;
        if all == 0.0 { 0.0 } else { (f64::from(count) / all) as f32 }
    }
}

impl Row for Name {
    const SCHEMA_NAME: &'static str = "names";
    const ROW_GROUP_ROWS: usize = 32_768;
    const NO_DICTIONARY: &'static [&'static str] = &["name", "title", "item"];
    const NO_STATISTICS: &'static [&'static str] = &[];
    const DELTA_ENCODED: &'static [&'static str] = &[];

    fn schema() -> SchemaRef {
        SCHEMA.clone()
    }

    fn to_batch(rows: &[Self]) -> RecordBatch {
        let optional_u32 = |of: fn(&Self) -> Option<u32>| Arc::new(rows.iter().map(of).collect::<UInt32Array>());
        let classes = string_array(rows.iter().flat_map(|row| row.instance_of.iter().map(String::as_str)));
        let class_list = SCHEMA.field_with_name("instance_of").expect("it is a column of the schema");
        let columns: Vec<ArrayRef> = vec![
            string_array(rows.iter().map(|row| row.name.as_str())),
            optional_string_array(rows.iter().map(|row| row.label.as_deref())),
            dictionary_array(rows.iter().map(|row| row.lang.as_str())),
            string_array(rows.iter().map(|row| row.origin.name())),
            optional_string_array(rows.iter().map(|row| row.title.as_deref())),
            optional_string_array(rows.iter().map(|row| row.item.as_deref())),
            u32_array(rows.iter().map(|row| row.count)),
            u32_array(rows.iter().map(|row| row.others)),
            optional_u32(|row| row.unlinked),
            Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.share))),
            optional_u32(|row| row.sitelinks),
            list_array(class_list, rows.iter().map(|row| row.instance_of.len()), classes),
        ];
        RecordBatch::try_new(SCHEMA.clone(), columns).expect("columns are built from the schema")
    }

    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, RowError> {
        let reader = ColumnReader::of_batch(batch);
        let (name, label, lang) = (reader.strings("name")?, reader.strings("label")?, reader.strings("lang")?);
        let (origin, title, item) = (reader.strings("origin")?, reader.strings("title")?, reader.strings("item")?);
        let (count, others) = (reader.primitive::<UInt32Type>("count")?, reader.primitive::<UInt32Type>("others")?);
        let (unlinked, sitelinks) = (reader.primitive::<UInt32Type>("unlinked")?, reader.primitive::<UInt32Type>("sitelinks")?);
        let share = reader.primitive::<Float32Type>("share")?;
        let (classes, class) = reader.string_lists("instance_of")?;
        let optional = |column: &UInt32Array, row| column.is_valid(row).then(|| column.value(row));
        let rows = 0..batch.num_rows();
        rows.map(|row| {
            Ok(Self {
                name: name.value(row).to_owned(),
                label: label.get(row).map(str::to_owned),
                lang: lang.value(row).to_owned(),
                origin: NameOrigin::from_name(origin.value(row))?,
                title: title.get(row).map(str::to_owned),
                item: item.get(row).map(str::to_owned),
                count: count.value(row),
                others: others.value(row),
                unlinked: optional(unlinked, row),
                share: share.value(row),
                sitelinks: optional(sitelinks, row),
                instance_of: list_range(classes, row).map(|at| class.value(at).to_owned()).collect(),
            })
        })
        .collect()
    }

    fn memory_bytes(&self) -> usize {
        let optional = [&self.label, &self.title, &self.item].into_iter().flatten().map(String::len).sum::<usize>();
        let classes: usize = self.instance_of.iter().map(|class| size_of::<String>() + class.len()).sum();
        size_of::<Self>() + self.name.len() + self.lang.len() + optional + classes
    }

    fn check(&self) -> Result<(), RowError> {
        let wrong = |column: &'static str, found: String, expected: String| {
            Err(RowError::Value { row: format!("name {:?}", self.name), column, found, expected })
        };
        if self.name.trim().is_empty() {
            return wrong("name", "empty".to_owned(), "a text".to_owned());
        }
        if (self.origin == NameOrigin::Rule) != self.label.is_none() {
            let label = self.label.as_ref().map_or("null".to_owned(), |label| format!("`{label}`"));
            return wrong("label", format!("{label} of origin {}", self.origin.name()), "null for origin rule, and only there".to_owned());
        }
        let share = if self.label.is_some() { Self::share_of(self.count, self.others, self.unlinked) } else { 0.0 };
        if (self.share - share).abs() > 1e-6 || self.share.is_nan() {
            return wrong("share", self.share.to_string(), format!("{share}, as count, others and unlinked say"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<Name> {
        let title = Name {
            name: "Arden".to_owned(),
            label: Some("LOC".to_owned()),
            lang: "en".to_owned(),
            title: Some("Arden (town)".to_owned()),
            count: 3,
            others: 1,
            unlinked: Some(100),
            share: 0.6,
            ..Name::default()
        };
        let item = Name {
            origin: NameOrigin::Alias,
            item: Some("Q7".to_owned()),
            sitelinks: Some(12),
            instance_of: vec!["Q5".to_owned(), "Q6".to_owned()],
            unlinked: None,
            share: 0.75,
            ..title.clone()
        };
        let rule = Name { name: "Ardenian".to_owned(), origin: NameOrigin::Rule, count: 2, ..Name::default() };
        vec![title, item, rule]
    }

    #[test]
    fn rows_survive_a_batch() {
        assert_eq!(Name::from_batch(&Name::to_batch(&names())).unwrap(), names());
        assert!(names().iter().all(|row| row.check() == Ok(())));
    }

    #[test]
    fn rows_that_contradict_themselves_are_found() {
        let check = |change: &dyn Fn(&mut Name), expected: &str| {
            let mut row = names()[0].clone();
            change(&mut row);
            let error = row.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(&|row| row.name = " ".to_owned(), "column `name` is empty, expected a text");
        check(&|row| row.label = None, "column `label` is null of origin title");
        check(&|row| row.origin = NameOrigin::Rule, "column `label` is `LOC` of origin rule");
        check(&|row| row.others = 0, "name \"Arden\": column `share` is 0.6, expected 0.75");
        check(&|row| row.share = f32::NAN, "`share` is NaN");
    }
}
