//! An entity of the JSON dump: what names need of it.
//!
//! Everything else, nine tenths of an item, is skipped as it is parsed and never copied. The format is that of
//! <https://doc.wikimedia.org/Wikibase/master/php/docs_topics_json.html>; where PHP writes an empty map as `[]`, that is read too.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::statement::{Statement, best_items};

/// The language of names without one of their own: Wikidata writes names that many languages share once.
const SHARED_LANGUAGE: &str = "mul";

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
    pub fn parse(line: &'a [u8], selection: &NameSelection) -> Result<Self, serde_json::Error> {
        let mut reader = EntityReader { entity: Entity::default(), has_own_label: false, selection };
        let mut json = serde_json::Deserializer::from_slice(line);
        MapSeed(&mut reader).deserialize(&mut json)?;
        json.end()?;
        Ok(reader.entity)
    }
}

/// Takes the fields of an object.
trait Fields<'de> {
    /// Reads the value of a field.
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// An object whose fields are handed on, or an empty array.
struct MapSeed<'f, F>(&'f mut F);

impl<'de, F: Fields<'de>> DeserializeSeed<'de> for MapSeed<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: Fields<'de>> Visitor<'de> for MapSeed<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            self.0.field(&name, &mut map)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom("an array, expected an object")),
        }
    }
}

/// A string, borrowed where JSON escapes nothing in it.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
            type Value = Text<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

/// A label or an alias; of a sitelink, the title.
#[derive(Deserialize)]
struct Term<'a> {
    #[serde(borrow, alias = "title")]
    value: Text<'a>,
}

struct EntityReader<'a, 's> {
    entity: Entity<'a>,
    /// Whether the label is one of the language itself.
    has_own_label: bool,
    selection: &'s NameSelection,
}

impl<'de> Fields<'de> for EntityReader<'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "type" => self.entity.kind = map.next_value::<Text<'de>>()?.0,
            "id" => self.entity.id = map.next_value::<Text<'de>>()?.0,
            "labels" => map.next_value_seed(MapSeed(&mut Labels(self)))?,
            "aliases" => map.next_value_seed(MapSeed(&mut Aliases(self)))?,
            "claims" => map.next_value_seed(MapSeed(&mut Claims(self)))?,
            "sitelinks" => map.next_value_seed(MapSeed(&mut Sitelinks(self)))?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Labels<'r, 'a, 's>(&'r mut EntityReader<'a, 's>);

impl<'de> Fields<'de> for Labels<'_, 'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, lang: &str, map: &mut A) -> Result<(), A::Error> {
        let is_own = lang == self.0.selection.lang;
        if is_own || (lang == SHARED_LANGUAGE && !self.0.has_own_label) {
            self.0.entity.label = Some(map.next_value::<Term<'de>>()?.value.0);
            self.0.has_own_label |= is_own;
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

struct Aliases<'r, 'a, 's>(&'r mut EntityReader<'a, 's>);

impl<'de> Fields<'de> for Aliases<'_, 'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, lang: &str, map: &mut A) -> Result<(), A::Error> {
        if lang == self.0.selection.lang || lang == SHARED_LANGUAGE {
            let aliases = map.next_value::<Vec<Term<'de>>>()?;
            self.0.entity.aliases.extend(aliases.into_iter().map(|alias| alias.value.0));
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

struct Sitelinks<'r, 'a, 's>(&'r mut EntityReader<'a, 's>);

impl<'de> Fields<'de> for Sitelinks<'_, 'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, wiki: &str, map: &mut A) -> Result<(), A::Error> {
        self.0.entity.sitelinks += 1;
        if wiki == self.0.selection.wiki {
            self.0.entity.title = Some(map.next_value::<Term<'de>>()?.value.0);
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

struct Claims<'r, 'a, 's>(&'r mut EntityReader<'a, 's>);

impl<'de> Fields<'de> for Claims<'_, 'de, '_> {
    fn field<A: MapAccess<'de>>(&mut self, property: &str, map: &mut A) -> Result<(), A::Error> {
        match property {
            "P31" => self.0.entity.instance_of = best_items(&map.next_value::<Vec<Statement<'de>>>()?),
            "P279" => self.0.entity.subclass_of = best_items(&map.next_value::<Vec<Statement<'de>>>()?),
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
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
