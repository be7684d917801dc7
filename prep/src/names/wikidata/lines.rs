//! Lines of the dump to records of names and to statements of classes.

use std::collections::BTreeMap;

use schemas::{Counter, NameOrigin};

use super::entity::{Entity, NameSelection};
use super::record::NameRecord;
use super::statement::item_number;
use crate::wikitext::strip_disambiguator;

/// Malformed lines of a batch that are reported; all are counted.
const REPORTED: usize = 3;

/// What the lines of a batch hold.
#[derive(Debug, Default)]
pub struct LineRecords {
    /// Lines.
    pub lines: u64,
    /// Records, one behind the other.
    pub records: Vec<u8>,
    /// The partition of each record, and its bytes.
    pub partitions: Vec<(u16, u32)>,
    /// Classes, each with a superclass (P279).
    pub edges: Vec<(u32, u32)>,
    /// Entities; `out` are the items with a name.
    pub entities: Counter,
    /// The first malformed lines, each by its number in the batch, from 0, with what is wrong.
    pub malformed: Vec<(u64, String)>,
    /// The last bracket of the array of entities, if the batch has one.
    pub bracket: Option<ArrayBracket>,
}

/// A bracket around the entities, which stands on a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayBracket {
    /// `[`
    Open,
    /// `]`
    Close,
}

impl LineRecords {
    /// Reads whole lines. `partition_of` tells where the records of a name go.
    pub fn read(pieces: &[impl AsRef<[u8]>], selection: &NameSelection, partition_of: fn(&str) -> u16) -> Self {
        let mut found = Self::default();
        for piece in pieces {
            let piece = piece.as_ref();
            let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
            let mut start = 0;
            // By memchr: in lines of tens of kilobytes, a search byte by byte takes longer than the JSON.
            for end in memchr::memchr_iter(b'\n', piece).chain([piece.len()]) {
                found.read_line(&piece[start..end], selection, partition_of);
                found.lines += 1;
                start = end + 1;
            }
        }
        found
    }

    fn read_line(&mut self, line: &[u8], selection: &NameSelection, partition_of: fn(&str) -> u16) {
        let mut line = line.trim_ascii();
        if let Some(rest) = line.strip_prefix(b"[") {
            self.bracket = Some(ArrayBracket::Open);
            line = rest.trim_ascii_start();
        }
        if line.ends_with(b"]") {
            self.bracket = Some(ArrayBracket::Close);
            line = line[..line.len() - 1].trim_ascii_end();
        }
        line = line.strip_suffix(b",").unwrap_or(line);
        if line.is_empty() {
            return;
        }
        match Entity::parse(line, selection) {
            Ok(entity) => self.add(&entity, partition_of),
            Err(error) => self.add_malformed(format!("no entity of Wikidata: {error}")),
        }
    }

    fn add_malformed(&mut self, message: String) {
        self.entities.skip("malformed");
        if self.malformed.len() < REPORTED {
            self.malformed.push((self.lines, message));
        }
    }

    fn add(&mut self, entity: &Entity<'_>, partition_of: fn(&str) -> u16) {
        match (entity.kind.as_ref(), entity.id.chars().next()) {
            ("item", _) | ("", Some('Q')) => {}
            ("property", _) | ("", Some('P')) => return self.entities.skip("property"),
            ("lexeme", _) | ("", Some('L')) => return self.entities.skip("lexeme"),
            ("", _) => return self.add_malformed("an object without type and id, expected an entity".to_owned()),
            _ => return self.entities.skip("of another type"),
        }
        let Some(item) = item_number(&entity.id) else {
            return self.add_malformed(format!("id {:?} of an item, expected one such as Q42", entity.id));
        };
        self.edges.extend(entity.subclass_of.iter().map(|superclass| (item, *superclass)));
        let title = entity.title.as_deref().filter(|title| !title.trim().is_empty());
        let of_title = title.map(|title| (NameOrigin::Title, strip_disambiguator(title)));
        let of_label = entity.label.as_deref().map(|label| (NameOrigin::Label, label));
        let of_aliases = entity.aliases.iter().map(|alias| (NameOrigin::Alias, alias.as_ref()));
        let mut names: BTreeMap<&str, NameOrigin> = BTreeMap::new();
        for (origin, name) in of_title.into_iter().chain(of_label).chain(of_aliases) {
            let name = name.trim();
            if !name.is_empty() {
                names.entry(name).or_insert(origin);
            }
        }
        if names.is_empty() {
            return self.entities.skip("without a name");
        }
        self.entities.keep();
        let (sitelinks, classes) = (entity.sitelinks, entity.instance_of.clone());
        let mut record = NameRecord { name: "", item, origin: NameOrigin::Title, title, sitelinks, classes };
        for (name, origin) in names {
            let start = self.records.len();
            (record.name, record.origin) = (name, origin);
            record.write(&mut self.records);
            self.partitions.push((partition_of(name), (self.records.len() - start) as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of lines as `name origin item`, and the counts.
    fn read(lines: &str) -> (Vec<String>, LineRecords) {
        let selection = NameSelection { lang: "en".to_owned(), wiki: "enwiki".to_owned() };
        let found = LineRecords::read(&[lines.as_bytes()], &selection, |name| name.len() as u16);
        let (mut bytes, mut names) = (found.records.as_slice(), Vec::new());
        while let Some(record) = NameRecord::read(&mut bytes) {
            names.push(format!("{} {} {}", record.name, record.origin.name(), record.item));
        }
        assert!(bytes.is_empty() && found.entities.adds_up());
        assert_eq!(found.partitions.iter().map(|(_, bytes)| *bytes as usize).sum::<usize>(), found.records.len());
        (names, found)
    }

    #[test]
    fn lines_give_names() {
        let ada = r#"{"type":"item","id":"Q1","labels":{"en":{"value":"Ada"}},"aliases":{"en":[{"value":"A. L."},{"value":"Ada"}]},"sitelinks":{"enwiki":{"title":"Ada (poet)"}}}"#;
        let bo = r#"{"type":"item","id":"Q2","labels":{"en":{"value":"Bo"}},"claims":{"P279":[{"mainsnak":{"datavalue":{"value":{"id":"Q9"}}}}]}}"#;
        for lines in
            [format!("[\n{ada},\n{bo}\n]\n"), format!("[\r\n{ada},\r\n{bo},\r\n]"), format!("[{ada},\n{bo}]"), format!("{ada}\n{bo}")]
        {
            let (names, found) = read(&lines);
            assert_eq!(names, ["A. L. alias 1", "Ada title 1", "Bo label 2"], "{lines}");
            assert_eq!((found.edges.as_slice(), found.entities.to_string().as_str()), (&[(2, 9)][..], "2 in, 2 out"));
            let has_array = lines.starts_with('[');
            assert_eq!(found.bracket, has_array.then_some(ArrayBracket::Close), "{lines}");
            assert_eq!(found.lines, lines.lines().count() as u64, "{lines}");
        }
        assert_eq!(read(&format!("[\n{ada},\n")).1.bracket, Some(ArrayBracket::Open));
    }

    #[test]
    fn what_is_no_name_is_counted() {
        let lines = [
            r#"{"type":"property","id":"P31"}"#,
            r#"{"type":"lexeme","id":"L1"},"#,
            r#"{"type":"mediainfo","id":"M1"},"#,
            r#"{"type":"item","id":"Q1","labels":[]},"#,
            r#"{"type":"item","id":"Q2","labels":{"en":{"value":"x"}}"#,
            r#"{"type":"item","id":"7"}"#,
            "{}",
            "",
        ];
        let (names, found) = read(&lines.join("\n"));
        assert_eq!(names, [""; 0]);
        let counts = "7 in, 0 out, 7 skipped (lexeme 1, malformed 3, of another type 1, property 1, without a name 1)";
        assert_eq!(found.entities.to_string(), counts);
        assert_eq!(found.malformed.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5, 6]);
        assert!(found.malformed[1].1.contains("id \"7\" of an item, expected one such as Q42"));
    }
}
