//! A name of an item as it is spilled to disk, in a few dozen bytes.

use schemas::NameOrigin;

/// A name of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRecord<'a> {
    /// The name.
    pub name: &'a str,
    /// Number of the item.
    pub item: u32,
    /// Where the name comes from.
    pub origin: NameOrigin,
    /// The title of the item's page.
    pub title: Option<&'a str>,
    /// Wikis that have a page of the item.
    pub sitelinks: u32,
    /// Numbers of the item's classes.
    pub classes: Vec<u32>,
}

/// The origins that records have.
const ORIGINS: [NameOrigin; 3] = [NameOrigin::Title, NameOrigin::Label, NameOrigin::Alias];

impl<'a> NameRecord<'a> {
    /// Appends the record: numbers in LEB128, texts behind their length.
    pub fn write(&self, to: &mut Vec<u8>) {
        let origin = ORIGINS.iter().position(|origin| *origin == self.origin).unwrap_or_default();
        write_number(to, self.item);
        write_number(to, origin as u32);
        write_number(to, self.sitelinks);
        write_number(to, self.classes.len() as u32);
        self.classes.iter().for_each(|class| write_number(to, *class));
        write_text(to, self.name);
        // 0 is no title: a title is never empty.
        write_text(to, self.title.unwrap_or_default());
    }

    /// Takes a record from the start of `bytes`. `None` where they are no record.
    pub fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        let item = read_number(bytes)?;
        let origin = *ORIGINS.get(read_number(bytes)? as usize)?;
        let sitelinks = read_number(bytes)?;
        let classes = (0..read_number(bytes)?).map(|_| read_number(bytes)).collect::<Option<_>>()?;
        let (name, title) = (read_text(bytes)?, read_text(bytes)?);
        Some(Self { name, item, origin, title: Some(title).filter(|title| !title.is_empty()), sitelinks, classes })
    }
}

fn write_number(to: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0u64;
    for at in 0..5 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return u32::try_from(number).ok();
        }
    }
    None
}

fn write_text(to: &mut Vec<u8>, text: &str) {
    write_number(to, text.len() as u32);
    to.extend_from_slice(text.as_bytes());
}

fn read_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = read_number(bytes)? as usize;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive() {
        let title = NameRecord {
            name: "Ödön",
            item: u32::MAX,
            origin: NameOrigin::Title,
            title: Some("Ödön (poet)"),
            sitelinks: 300,
            classes: vec![5, 127, 128, u32::MAX],
        };
        let alias = NameRecord { name: "北", item: 1, origin: NameOrigin::Alias, title: None, sitelinks: 0, classes: Vec::new() };
        let mut bytes = Vec::new();
        title.write(&mut bytes);
        alias.write(&mut bytes);
        let mut rest = bytes.as_slice();
        assert_eq!((NameRecord::read(&mut rest), NameRecord::read(&mut rest)), (Some(title), Some(alias)));
        assert!(rest.is_empty());
        for end in 0..bytes.len() {
            let mut cut = &bytes[..end];
            let first = NameRecord::read(&mut cut);
            assert!(first.is_none() || NameRecord::read(&mut cut).is_none(), "{end}");
        }
    }
}
