//! An entity of the JSON dump: what names need of it.
//!
//! Everything else, nine tenths of an item, is skipped and never copied; [`json_cursor`](super::json_cursor) says what is checked of it. The
//! format is that of <https://doc.wikimedia.org/Wikibase/master/php/docs_topics_json.html>; where PHP writes an empty map as `[]`, that is read
//! too.

use std::borrow::Cow;

use serde::Deserialize;

use super::json_cursor::{JsonCursor, JsonResult};
use super::statement::{Statement, best_items};

/// The language of names without one of their own: Wikidata writes names that many languages share once.
const SHARED_LANGUAGE: &[u8] = b"mul";

/// Which names are read.
#[derive(Debug, Clone)]
pub struct NameSelection {
    /// The language of labels and aliases, as in `en`.
    pub lang: String,
    /// The wiki of titles, as in `enwiki`.
    pub wiki: String,
}

/// An entity.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Entity<'a> {
    /// `item`, `property` or `lexeme`.
    pub kind: Cow<'a, str>,
    /// Its number and kind, as in `Q42`.
    pub id: Cow<'a, str>,
    /// Its label in the language, or the one that all languages share.
    pub label: Option<Cow<'a, str>>,
    /// Its aliases in the language, and those that all languages share.
    pub aliases: Vec<Cow<'a, str>>,
    /// The title of its page on the wiki.
    pub title: Option<Cow<'a, str>>,
    /// Wikis that have a page of it.
    pub sitelinks: u32,
    /// Numbers of the items of which it is an instance (P31), by its statements of the best rank.
    pub instance_of: Vec<u32>,
    /// Numbers of the items of which it is a subclass (P279), by its statements of the best rank.
    pub subclass_of: Vec<u32>,
}

impl<'a> Entity<'a> {
    /// Parses a line, without the comma at its end.
    ///
    /// # Errors
    /// It is no JSON object, or a field that is read has another form than the format says.
    pub fn parse(line: &'a [u8], selection: &NameSelection) -> JsonResult<Self> {
        let mut reader = EntityReader { entity: Entity::default(), has_own_label: false, selection };
        let mut json = JsonCursor::new(line);
        json.object(|name, value| reader.field(name, value))?;
        json.end()?;
        Ok(reader.entity)
    }
}

/// A string, borrowed where JSON escapes nothing in it.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A label or an alias; of a sitelink, the title.
#[derive(Deserialize)]
struct Term<'a> {
    #[serde(borrow, alias = "title")]
    value: Cow<'a, str>,
}

struct EntityReader<'a, 's> {
    entity: Entity<'a>,
    /// Whether the label is one of the language itself.
    has_own_label: bool,
    selection: &'s NameSelection,
}

impl<'a> EntityReader<'a, '_> {
    fn field(&mut self, name: &[u8], value: &mut JsonCursor<'a>) -> JsonResult<()> {
        match name {
            b"type" => self.entity.kind = value.value::<Text<'a>>()?.0,
            b"id" => self.entity.id = value.value::<Text<'a>>()?.0,
            b"labels" => value.object(|lang, label| self.label(lang, label))?,
            b"aliases" => value.object(|lang, aliases| self.aliases(lang, aliases))?,
            b"claims" => value.object(|property, statements| self.claims(property, statements))?,
            b"sitelinks" => value.object(|wiki, sitelink| self.sitelink(wiki, sitelink))?,
            _ => drop(value.skip_value()?),
        }
        Ok(())
    }

    fn label(&mut self, lang: &[u8], label: &mut JsonCursor<'a>) -> JsonResult<()> {
        let is_own = lang == self.selection.lang.as_bytes();
        if is_own || (lang == SHARED_LANGUAGE && !self.has_own_label) {
            self.entity.label = Some(label.value::<Term<'a>>()?.value);
            self.has_own_label |= is_own;
            return Ok(());
        }
        label.skip_value().map(drop)
    }

    fn aliases(&mut self, lang: &[u8], aliases: &mut JsonCursor<'a>) -> JsonResult<()> {
        if lang == self.selection.lang.as_bytes() || lang == SHARED_LANGUAGE {
            let aliases = aliases.value::<Vec<Term<'a>>>()?;
            self.entity.aliases.extend(aliases.into_iter().map(|alias| alias.value));
            return Ok(());
        }
        aliases.skip_value().map(drop)
    }

    fn claims(&mut self, property: &[u8], statements: &mut JsonCursor<'a>) -> JsonResult<()> {
        match property {
            b"P31" => self.entity.instance_of = best_items(&statements.value::<Vec<Statement<'a>>>()?),
            b"P279" => self.entity.subclass_of = best_items(&statements.value::<Vec<Statement<'a>>>()?),
            _ => drop(statements.skip_value()?),
        }
        Ok(())
    }

    fn sitelink(&mut self, wiki: &[u8], sitelink: &mut JsonCursor<'a>) -> JsonResult<()> {
        self.entity.sitelinks += 1;
        if wiki == self.selection.wiki.as_bytes() {
            self.entity.title = Some(sitelink.value::<Term<'a>>()?.value);
            return Ok(());
        }
        sitelink.skip_value().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An item's label, aliases, title, number of sitelinks, classes and superclasses.
    fn read(json: &str) -> Result<String, serde_json::Error> {
        let selection = NameSelection { lang: "en".to_owned(), wiki: "enwiki".to_owned() };
        let entity = Entity::parse(json.as_bytes(), &selection)?;
        let (label, title) = (entity.label.as_deref().unwrap_or("-"), entity.title.as_deref().unwrap_or("-"));
        Ok(format!(
            "{} {}: {label}|{}|{title} {} {:?} {:?}",
            entity.kind,
            entity.id,
            entity.aliases.join("|"),
            entity.sitelinks,
            entity.instance_of,
            entity.subclass_of
        ))
    }

    #[test]
    fn fields_of_names_are_read() {
        for (json, expected) in [
            (
                r#"{"pageid": 1, "type": "item", "id": "Q42", "labels": {"de": {"language": "de", "value": "x"}, "en": {"language": "en", "value": "Ada \u00d6 \"B\""}},
                "descriptions": {"en": {"language": "en", "value": "x"}}, "aliases": {"en": [{"language": "en", "value": "A"}], "fr": [{"value": 3}]},
                "claims": {"P18": [{"mainsnak": 7}], "P31": [{"mainsnak": {"snaktype": "value", "property": "P31", "datavalue": {"value":
                {"entity-type": "item", "numeric-id": 5, "id": "Q5"}, "type": "wikibase-entityid"}}, "type": "statement", "rank": "normal"}]},
                "sitelinks": {"enwiki": {"site": "enwiki", "title": "Ada (poet)", "badges": []}, "dewiki": {"title": 0}}, "lastrevid": 9}"#,
                "item Q42: Ada Ö \"B\"|A|Ada (poet) 2 [5] []",
            ),
            // Empty maps as PHP writes them, and names that all languages share.
            (r#"{"type":"item","id":"Q1","labels":[],"aliases":[],"claims":[],"sitelinks":[]}"#, "item Q1: -||- 0 [] []"),
            (r#"{"type":"item","id":"Q1","labels":{"mul":{"value":"Bo"}},"aliases":{"mul":[{"value":"B"}]}}"#, "item Q1: Bo|B|- 0 [] []"),
            (r#"{"type":"item","id":"Q1","labels":{"en":{"value":"Bo"},"mul":{"value":"Be"}}}"#, "item Q1: Bo||- 0 [] []"),
            (r#"{"type":"item","id":"Q1","labels":{"mul":{"value":"Be"},"en":{"value":"Bo"}}}"#, "item Q1: Bo||- 0 [] []"),
            (r#"{"type":"property","id":"P31","datatype":"wikibase-item"}"#, "property P31: -||- 0 [] []"),
            (r#"{"type":"lexeme","id":"L1","lemmas":{"en":{"value":"x"}},"claims":{"P31":[]}}"#, "lexeme L1: -||- 0 [] []"),
        ] {
            assert_eq!(read(json).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn other_json_is_an_error() {
        for json in
            ["", "[", "7", r#"{"type":"item","#, r#"{"labels":["en"]}"#, r#"{"labels":{"en":"Ada"}}"#, "{} {}", r#"{"id":1}"#, "\u{0}"]
        {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
