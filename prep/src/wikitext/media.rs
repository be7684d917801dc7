//! Parameters of `[[File:…]]`: which of them is the caption.

use std::collections::HashSet;
use std::ops::Range;

use super::markers::is_marker;
use super::wiki_words::WikiWords;

/// Parameters that are not captions, or what precedes their `=`, in English. They hold in every language.
const OPTIONS: [&str; 41] = [
    "thumb",
    "thumbnail",
    "frame",
    "framed",
    "enframed",
    "frameless",
    "border",
    "right",
    "left",
    "center",
    "centre",
    "none",
    "upright",
    "baseline",
    "sub",
    "super",
    "top",
    "text-top",
    "middle",
    "bottom",
    "text-bottom",
    "alt",
    "link",
    "page",
    "lang",
    "class",
    "thumbtime",
    "start",
    "end",
    "muted",
    "loop",
    "noicon",
    "disablecontrols",
    "manualthumb",
    "noplayer",
    "nogallery",
    "px",
    "sup",
    "$1px",
    "upright $1",
    "page $1",
];

/// The options of `[[File:…]]` in a wiki.
#[derive(Debug, Clone, Default)]
pub(super) struct MediaOptions {
    /// Options, or what precedes the `=` of their value, in lower case.
    words: HashSet<String>,
    /// What precedes and follows the value of an option without `=`, such as `upright 1.2` or `200px`.
    values: Vec<(String, String)>,
}

impl MediaOptions {
    pub fn new(words: &WikiWords) -> Self {
        let mut options = Self::default();
        for option in OPTIONS.iter().copied().chain(words.options.iter().map(String::as_str)) {
            match option.split_once("$1") {
                None => drop(options.words.insert(option.to_owned())),
                Some((before, after)) => match before.strip_suffix('=') {
                    Some(key) => drop(options.words.insert(key.to_owned())),
                    None => options.values.push((before.trim_end().to_owned(), after.trim_start().to_owned())),
                },
            }
        }
        options
    }

    /// Whether a parameter is an option or a size such as `200x100px`, and so not a caption.
    fn contains(&self, parameter: &str) -> bool {
        let parameter = parameter.to_lowercase().replace('_', " ");
        let key = parameter.split_once('=').map_or(parameter.as_str(), |(key, _)| key.trim_end());
        let has_value = |(before, after): &(String, String)| {
            let value = parameter.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str())).map(str::trim);
            value.is_some_and(|value| {
                value.contains(|c: char| c.is_numeric()) && value.chars().all(|c| c.is_numeric() || "x.,×".contains(c))
            })
        };
        self.words.contains(key) || self.values.iter().any(has_value)
    }

    /// Where the caption lies in `File:a.jpg|thumb|caption`: it is the last parameter that is not an option. `None` if it is empty.
    pub fn find_caption(&self, parameters: &str) -> Option<Range<usize>> {
        let mut pipes = Vec::new();
        let mut depth = 0u32;
        let bytes = parameters.as_bytes();
        let mut at = 0;
        while let Some(found) = memchr::memchr3(b'|', b'[', b']', &bytes[at..]) {
            at += found;
            let double = bytes.get(at + 1) == Some(&bytes[at]);
            match bytes[at] {
                b'|' if depth == 0 => pipes.push(at),
                b'[' if double => depth += 1,
                b']' if double => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += if double && bytes[at] != b'|' { 2 } else { 1 };
        }
        let mut end = parameters.len();
        for pipe in pipes.into_iter().rev() {
            if !self.contains(parameters[pipe + 1..end].trim()) {
                let is_shown = |c: char| !c.is_whitespace() && !is_marker(c);
                return Some(pipe + 1..end).filter(|range| parameters[range.clone()].chars().any(is_shown));
            }
            end = pipe;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::language_data::LanguageData;
    use super::*;

    #[test]
    fn captions_are_found() {
        for (lang, parameters, expected) in [
            ("zh", "File:a.jpg|thumb|a caption|left", Some("a caption")),
            ("zh", "File:a.jpg|200px|100x200 px|右", None),
            ("zh", "File:a.jpg|200像素|右上1.2|页数=3", None),
            ("zh", "File:a.jpg|alt=text|", None),
            ("zh", "File:a.jpg|a [[b|c]] d", Some("a [[b|c]] d")),
            ("zh", "File:a.jpg|first|second", Some("second")),
            ("zh", "File:a.jpg", None),
            ("en", "File:a.jpg|upright 1.2|x200px|page 3", None),
            ("en", "File:a.jpg|page of a book|left", Some("page of a book")),
            ("en", "File:a.jpg|1500 px|2010", Some("2010")),
            ("ru", "Файл:a.jpg|мини|200пкс|справа|Подпись|сверхусправа 1.2", Some("Подпись")),
            ("ru", "Файл:a.jpg|мини|альт=x|сверхусправа=0.8|250x100пкс", None),
            ("de", "Datei:a.jpg|mini|hochkant=1.3|Ein Bild", Some("Ein Bild")),
            ("it", "File:a.jpg|miniatura|verticale 1.1|sinistra|Didascalia", Some("Didascalia")),
            ("th", "ไฟล์:a.jpg|thumb|ข้อความ", Some("ข้อความ")),
            ("fa", "پرونده:a.jpg|بندانگشتی|چپ|شرح", Some("شرح")),
        ] {
            let options = MediaOptions::new(&LanguageData::of(lang).words);
            let caption = options.find_caption(parameters).map(|range| &parameters[range]);
            assert_eq!(caption, expected, "{parameters}");
        }
    }
}
