//! Lines to blocks: paragraphs, headings, list items, each with its text, anchors and offsets.

use std::borrow::Cow;

use schemas::row::CharSlicer;
use schemas::{Anchor, Segment, SegmentKind};

use super::conversion::{Conversion, Conversions, moved};
use super::links::Target;
use super::marks::{ANCHOR_CLOSE, ANCHOR_OPEN, BREAK, CAPTION, CELL, GAP, INLINE, ITEM, KEEP_CLOSE, KEEP_OPEN, is_mark, rule, unprotect};
use super::variants::Rule;
use super::{Converter, Page, Prefix, Wiki, quotes};

/// Runs the last pass: text, anchors, segments.
pub(super) fn emit(
    text: &str,
    targets: &[Target],
    page: &Page<'_>,
    converter: Option<&Converter>,
) -> (String, Vec<Anchor<'static>>, Vec<Segment>) {
    let mut emitter = Emitter {
        page,
        converter,
        targets: targets.iter(),
        text: String::with_capacity(text.len() / 2),
        chars: 0,
        anchors: Vec::new(),
        segments: Vec::new(),
        block: Block::default(),
        asides: Vec::new(),
        in_aside: false,
        conversions: Conversions::default(),
    };
    // Rules set where nothing is shown, as in a table, hold for the whole page.
    let mut shown = vec![false; page.rules.len()];
    let marks = if page.rules.is_empty() { "" } else { text };
    marks.chars().filter_map(rule).for_each(|number| shown[number] = true);
    shown.iter().enumerate().filter(|(_, shown)| !*shown).for_each(|(number, _)| emitter.conversions.apply(&page.rules[number]));
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        emitter.line(&text[start..end]);
        start = end + 1;
    }
    emitter.finish();
    (emitter.text, emitter.anchors, emitter.segments)
}

struct Emitter<'a> {
    page: &'a Page<'a>,
    converter: Option<&'a Converter>,
    targets: std::slice::Iter<'a, Target>,
    text: String,
    /// Chars of `text`.
    chars: u32,
    anchors: Vec<Anchor<'static>>,
    segments: Vec<Segment>,
    block: Block<'a>,
    /// Captions and cells met inside the block; they follow it.
    asides: Vec<Block<'a>>,
    /// Whether the block is one of those itself.
    in_aside: bool,
    /// The page's own conversions that hold here.
    conversions: Conversions,
}

/// The block that is being filled. Offsets are chars of its text.
struct Block<'a> {
    kind: SegmentKind,
    level: u8,
    text: String,
    chars: u32,
    anchors: Vec<(u32, u32, &'a Target)>,
    /// The anchor that is open, and where its first char lies once it has one.
    open: Option<(&'a Target, Option<u32>)>,
    /// Bytes of the text that are not converted.
    keeps: Vec<(usize, usize)>,
    keep_from: Option<usize>,
    /// What is kept inside of what is kept.
    kept_inside: u32,
    /// Bytes of the text from which on rules of the page hold.
    switches: Vec<(usize, usize)>,
    /// White space came, but nothing after it yet.
    space: bool,
    /// Something vanished, and nothing came after it yet.
    gap: bool,
    /// Something vanished.
    vanished: bool,
    /// A parenthesis with nothing in it so far: where it lies in bytes and chars, and whether something vanished inside.
    parenthesis: Option<(usize, u32, bool)>,
}

impl Default for Block<'_> {
    fn default() -> Self {
        Self {
            kind: SegmentKind::Paragraph,
            level: 0,
            text: String::new(),
            chars: 0,
            anchors: Vec::new(),
            open: None,
            keeps: Vec::new(),
            keep_from: None,
            kept_inside: 0,
            switches: Vec::new(),
            space: false,
            gap: false,
            vanished: false,
            parenthesis: None,
        }
    }
}

impl<'a> Emitter<'a> {
    fn line(&mut self, line: &str) {
        if line.chars().all(|c| c.is_whitespace() || (is_mark(c) && !matches!(c, ANCHOR_OPEN | ANCHOR_CLOSE))) {
            if line.contains(INLINE) {
                (self.block.space, self.block.gap, self.block.vanished) = (true, true, true);
            } else {
                self.finish();
            }
            return self.switch(line);
        }
        let start = line.trim_start_matches(|c| is_mark(c) && !matches!(c, ANCHOR_OPEN | KEEP_OPEN | BREAK | ITEM | CAPTION | CELL));
        if let Some(kind) = aside(start) {
            let block = std::mem::replace(&mut self.block, Block { kind, ..Block::default() });
            self.in_aside = true;
            self.inline(&start[CAPTION.len_utf8()..]);
            self.in_aside = false;
            let aside = std::mem::replace(&mut self.block, block);
            return self.asides.push(aside);
        }
        if let Some((level, title)) = heading(line) {
            return self.single(SegmentKind::Heading, level, title);
        }
        self.switch(&line[..line.len() - start.len()]);
        let prefix = start.bytes().take_while(|byte| matches!(byte, b'*' | b'#' | b';' | b':')).count();
        if prefix > 0 {
            let level = u8::try_from(prefix).unwrap_or(u8::MAX);
            // `: *x` shows a star, which nobody meant.
            let item = start[prefix..].trim_start_matches([' ', '*']);
            let colon = start[..prefix].ends_with(';').then(|| definition(item)).flatten();
            return match colon {
                Some(colon) => {
                    self.single(SegmentKind::List, level, &item[..colon]);
                    self.single(SegmentKind::List, level, &item[colon + 1..]);
                }
                None => self.single(SegmentKind::List, level, item),
            };
        }
        if start.trim_end_matches(|c: char| c.is_whitespace() || is_mark(c)) == "-->" {
            // The end of a comment that began nowhere.
            return self.finish();
        }
        if start.starts_with("----") {
            return self.single(SegmentKind::Paragraph, 0, start.trim_start_matches('-'));
        }
        if line.starts_with(' ') {
            // Preformatted: lines are not joined. A bullet there is one by mistake.
            let text = line.trim_start().trim_start_matches('*');
            return self.single(SegmentKind::Paragraph, 0, text);
        }
        self.block.space = true;
        self.inline(line);
    }

    /// Rules of the page hold from here on.
    fn switch(&mut self, marks: &str) {
        let at = self.block.text.len();
        self.block.switches.extend(marks.chars().filter_map(rule).map(|number| (at, number)));
    }

    /// A block of one line.
    fn single(&mut self, kind: SegmentKind, level: u8, text: &str) {
        self.finish();
        (self.block.kind, self.block.level) = (kind, level);
        self.inline(text);
        self.finish();
    }

    fn inline(&mut self, line: &str) {
        quotes::strip(line, |piece| self.piece(piece));
    }

    fn piece(&mut self, piece: &str) {
        let mut rest = piece;
        while let Some(c) = rest.chars().next() {
            if self.block.is_quiet() {
                let (bytes, chars) = plain_words(rest);
                self.block.push_words(&rest[..bytes], chars);
                rest = &rest[bytes..];
                if bytes > 0 {
                    continue;
                }
            }
            if c == '&'
                && let Some((length, decoded)) = entity(rest)
            {
                decoded.chars().for_each(|c| self.block.push(c));
                rest = &rest[length..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            match c {
                _ if c.is_ascii() => self.block.push(c),
                ANCHOR_OPEN => self.block.open = self.targets.next().map(|target| (target, None)),
                ANCHOR_CLOSE => self.block.close_anchor(),
                KEEP_OPEN if self.block.keep_from.is_some() => self.block.kept_inside += 1,
                KEEP_OPEN => self.block.keep_from = Some(self.block.text.len()),
                KEEP_CLOSE if self.block.kept_inside > 0 => self.block.kept_inside -= 1,
                KEEP_CLOSE => self.block.close_keep(),
                _ if rule(c).is_some() => self.switch(c.encode_utf8(&mut [0; 4])),
                BREAK | ITEM if self.block.open.is_some() => self.block.space = true,
                BREAK => self.next_block(None),
                ITEM => self.next_block(Some(SegmentKind::List)),
                _ if is_mark(c) => {
                    self.block.gap |= c == GAP;
                    self.block.vanished |= c == GAP;
                    if let Some((.., vanished)) = &mut self.block.parenthesis {
                        *vanished |= c == GAP;
                    }
                }
                _ => self.block.push(unprotect(c).unwrap_or(c)),
            }
        }
    }

    /// Ends the block inside a line; the next is of the same kind unless said otherwise.
    fn next_block(&mut self, kind: Option<SegmentKind>) {
        let (old, level) = (self.block.kind, self.block.level);
        if self.in_aside {
            // It keeps its kind, and its place after the block that it stands in.
            let aside = std::mem::replace(&mut self.block, Block { kind: old, level, ..Block::default() });
            return self.asides.push(aside);
        }
        self.finish();
        self.block.kind = kind.unwrap_or(old);
        self.block.level = if kind.is_some() { level.max(1) } else { level };
    }

    /// Appends the block to the page, if it holds anything, and what it was interrupted by.
    fn finish(&mut self) {
        let mut block = std::mem::take(&mut self.block);
        self.append(&mut block);
        // The next block has the room of this one.
        self.block = block.emptied();
        for mut aside in std::mem::take(&mut self.asides) {
            self.append(&mut aside);
        }
    }

    fn append(&mut self, block: &mut Block<'a>) {
        block.close_anchor();
        block.close_keep();
        if let Some(converter) = self.converter {
            block.convert(converter, &mut self.conversions, &self.page.rules);
        }
        // What vanished may leave a full stop alone.
        let bare = block.vanished && !block.text.chars().any(|c| !is_closing(c) && c != ' ');
        if block.text.is_empty() || bare || block.is_navigation(self.page.wiki) {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
            self.chars += 1;
        }
        let start = self.chars;
        self.text.push_str(&block.text);
        self.chars += block.chars;
        self.segments.push(Segment { start, end: self.chars, kind: block.kind, level: block.level });
        let mut slicer = CharSlicer::new(&block.text);
        for &(from, to, target) in &block.anchors {
            let Some(text) = slicer.slice(from, to) else { continue };
            self.anchors.push(Anchor {
                start: start + from,
                end: start + to,
                text: text.to_owned().into(),
                target: target.title.clone().into(),
                fragment: target.fragment.clone().map(Cow::Owned),
            });
        }
    }
}

impl Block<'_> {
    fn emptied(mut self) -> Self {
        self.text.clear();
        self.anchors.clear();
        self.keeps.clear();
        self.switches.clear();
        Self { text: self.text, anchors: self.anchors, keeps: self.keeps, switches: self.switches, ..Self::default() }
    }

    /// Whether the next char, if it is an ordinary one, is appended whatever came before it.
    fn is_quiet(&self) -> bool {
        !self.space && !self.gap && self.parenthesis.is_none() && !self.text.is_empty() && !matches!(self.open, Some((_, None)))
    }

    /// What [`push`](Self::push) does with each char of [`plain_words`] in a block that is quiet, at once.
    fn push_words(&mut self, words: &str, chars: u32) {
        self.text.push_str(words);
        self.chars += chars;
    }

    fn push(&mut self, c: char) {
        if c.is_whitespace() {
            self.space = true;
            return;
        }
        if c.is_control() {
            return;
        }
        let last = self.text.chars().next_back();
        // What vanished leaves no punctuation alone: `( ; born 1950)`, `Rome , and`, `born 1950; )`.
        let opened = matches!(self.parenthesis, Some((at, _, true)) if at + last.map_or(0, char::len_utf8) == self.text.len());
        if (opened && is_separator(c)) || (self.gap && is_separator(c) && last == Some(c)) {
            self.space = false;
            return;
        }
        if self.gap && is_closing(c) {
            self.space = false;
            if is_separator(c) && last.is_some_and(is_separator) {
                // Of two that now touch, the later one counts.
                self.trim_separators();
            }
            if matches!(c, ')' | '）') && !opened {
                self.trim_separators();
            }
        }
        let joins = self.gap && last.is_some_and(is_word) && is_word(c);
        if (self.space && last.is_some() && !opened) || joins {
            self.text.push(' ');
            self.chars += 1;
        }
        (self.space, self.gap) = (false, false);
        if let Some((_, start @ None)) = &mut self.open {
            *start = Some(self.chars);
        }
        match c {
            '(' | '（' => self.parenthesis = Some((self.text.len(), self.chars, false)),
            ')' | '）' => {
                if let Some((bytes, chars, true)) = self.parenthesis.take() {
                    return self.cut(bytes, chars);
                }
            }
            '·' | '/' => {}
            _ if is_separator(c) => {}
            _ => self.parenthesis = None,
        }
        self.text.push(c);
        self.chars += 1;
    }

    /// Takes back separators at the end, as far as no anchor holds them.
    fn trim_separators(&mut self) {
        let keep = self.text.trim_end_matches(|c: char| is_separator(c) || c == ' ').len();
        let cut = u32::try_from(self.text[keep..].chars().count()).expect("pages are under 4 GiB");
        let chars = self.chars - cut;
        let free = self.open.is_none() && self.anchors.last().is_none_or(|anchor| anchor.1 <= chars);
        if free && self.keeps.last().is_none_or(|kept| kept.1 <= keep) && self.keep_from.is_none() {
            self.text.truncate(keep);
            self.chars = chars;
            self.switches.iter_mut().for_each(|switch| switch.0 = switch.0.min(keep));
        }
    }

    /// Takes back an empty parenthesis and the space before it.
    fn cut(&mut self, bytes: usize, chars: u32) {
        self.text.truncate(bytes);
        self.chars = chars;
        if self.text.ends_with(' ') {
            self.text.pop();
            self.chars -= 1;
        }
        let length = self.text.len();
        self.switches.iter_mut().for_each(|switch| switch.0 = switch.0.min(length));
        self.keeps.iter_mut().for_each(|keep| *keep = (keep.0.min(length), keep.1.min(length)));
        if let Some((_, start)) = &mut self.open {
            *start = start.filter(|&start| start < self.chars);
        }
        self.gap = true;
    }

    /// Whether this is a list item that only names a category or a file, as `* [[:Category:Cats]]` under "See also" does.
    fn is_navigation(&self, wiki: &Wiki) -> bool {
        let [(0, end, _)] = self.anchors[..] else { return false };
        let shows = |prefix: &str| matches!(wiki.prefix(prefix), Some(Prefix::Namespace(6 | 14)));
        self.kind == SegmentKind::List && end == self.chars && self.text.split_once(':').is_some_and(|(prefix, _)| shows(prefix))
    }

    fn close_anchor(&mut self) {
        if let Some((target, Some(start))) = self.open.take()
            && start < self.chars
        {
            self.anchors.push((start, self.chars, target));
        }
    }

    fn close_keep(&mut self) {
        if let Some(from) = self.keep_from.take()
            && from < self.text.len()
        {
            self.keeps.push((from, self.text.len()));
        }
    }

    /// Converts the text to the wanted script, by the page's own rules first.
    fn convert(&mut self, converter: &Converter, conversions: &mut Conversions, rules: &[Rule]) {
        let mut conversion = Conversion::of(&self.text, converter);
        let mut switches = std::mem::take(&mut self.switches).into_iter().peekable();
        for &(start, end) in self.keeps.iter().chain([&(self.text.len(), self.text.len())]) {
            while let Some((at, number)) = switches.next_if(|&(at, _)| at <= start) {
                conversion.convert_to(at, conversions);
                conversions.apply(&rules[number]);
            }
            conversion.convert_to(start, conversions);
            conversion.keep_to(end);
            // Rules set inside what is kept hold after it.
            while let Some((_, number)) = switches.next_if(|&(at, _)| at < end) {
                conversions.apply(&rules[number]);
            }
        }
        if !conversion.edits.is_empty() {
            for (start, end, _) in &mut self.anchors {
                (*start, *end) = (moved(*start, &conversion.edits, false), moved(*end, &conversion.edits, true));
            }
            self.chars = u32::try_from(conversion.out.chars().count()).expect("pages are under 4 GiB");
        }
        self.text = conversion.out;
    }
}

/// Length, in bytes and chars, of the words at the start of `text`, with single spaces between them, that hold nothing which means more than itself.
fn plain_words(text: &str) -> (usize, u32) {
    /// So many bytes are looked at together.
    const STRIDE: usize = 16;
    let bytes = text.as_bytes();
    let (mut end, mut chars) = (0, 0);
    loop {
        // No branch for each byte: the compiler makes one comparison of them all.
        while let Some(window) = bytes.get(end..=end + STRIDE)
            && window[..STRIDE]
                .iter()
                .zip(&window[1..])
                .fold(true, |all, (&byte, &next)| all & (plain(byte) | ((byte == b' ') & plain(next))))
        {
            end += STRIDE;
            chars += STRIDE as u32;
        }
        let space = usize::from(bytes.get(end) == Some(&b' '));
        match plain_char(&bytes[end + space..]) {
            0 => return (end, chars),
            length => {
                end += space + length;
                chars += space as u32 + 1;
            }
        }
    }
}

fn plain(byte: u8) -> bool {
    (byte > b' ') & (byte < 0x7f) & (byte != b'(') & (byte != b'&')
}

/// Length of the char at the start of a text if it means no more than itself; of other scripts' chars those of two and three bytes, but
/// for white space, control chars, marks and `（`.
fn plain_char(bytes: &[u8]) -> usize {
    match *bytes {
        [byte, ..] if plain(byte) => 1,
        [0xc2, second, ..] if second > 0xa0 => 2,
        [0xc3..=0xdf, ..] => 2,
        [0xe1, second, third, ..] if (second, third) != (0x9a, 0x80) => 3,
        [0xe2, second, third, ..] if !matches!((second, third), (0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf) | (0x81, 0x9f)) => 3,
        [0xe3, second, third, ..] if (second, third) != (0x80, 0x80) => 3,
        [0xe0 | 0xe4..=0xed, ..] => 3,
        [0xef, second, third, ..] if second >= 0xb8 && (second, third) != (0xbc, 0x88) => 3,
        _ => 0,
    }
}

/// What a line is that stands beside the text.
fn aside(line: &str) -> Option<SegmentKind> {
    match line.chars().next()? {
        CAPTION => Some(SegmentKind::Caption),
        CELL => Some(SegmentKind::Table),
        _ => None,
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, ';' | ',' | ':' | '；' | '，' | '：' | '、')
}

/// Punctuation that no space stands before.
fn is_closing(c: char) -> bool {
    is_separator(c) || matches!(c, '.' | '!' | '?' | ')' | '。' | '！' | '？' | '）')
}

/// Letters and digits of scripts that part words by spaces.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !is_cjk(c)
}

/// Chinese, Japanese and Thai letters: words of these join without a space.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0EFF | 0x2E80..=0x9FFF | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x20000..=0x3FFFF)
}

/// Level and text of a heading.
fn heading(line: &str) -> Option<(u8, &str)> {
    let line = line.trim_end_matches(|c: char| c.is_whitespace() || is_mark(c));
    let opening = line.bytes().take_while(|&byte| byte == b'=').count();
    let closing = line.bytes().rev().take_while(|&byte| byte == b'=').count();
    if opening == 0 || closing == 0 || opening + closing >= line.len() {
        return None;
    }
    let level = opening.min(closing).min(6);
    Some((u8::try_from(level).expect("at most 6"), &line[level..line.len() - level]))
}

/// Where the colon lies that parts `; term : definition`: not in a link, nor in bold or italics. Those of templates, tags and external
/// links are protected already.
fn definition(item: &str) -> Option<usize> {
    let mut inside = false;
    let (mut bold, mut italic) = (false, false);
    // How many apostrophes stand before this char.
    let mut apostrophes = 0;
    item.char_indices().find_map(|(at, c)| {
        if c == '\'' {
            apostrophes += 1;
            return None;
        }
        let run = std::mem::take(&mut apostrophes);
        bold ^= run >= 3;
        italic ^= run == 2 || run >= 5;
        match c {
            ANCHOR_OPEN | KEEP_OPEN => inside = true,
            ANCHOR_CLOSE | KEEP_CLOSE => inside = false,
            ':' if !inside && !bold && !italic && !item[at..].starts_with("://") => return Some(at),
            _ => {}
        }
        None
    })
}

/// The entity at the start of `text`: its length and what it stands for.
fn entity(text: &str) -> Option<(usize, String)> {
    /// The longest names of HTML 5 have 31 letters.
    const LONGEST: usize = 34;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')? + 1;
    let name = &text[..end];
    let decoded = html_escape::decode_html_entities(name);
    // A number that stands for no char of HTML is text, as in MediaWiki.
    let is_char = |c: char| matches!(c, '\t' | '\n') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
    (decoded != name && decoded.chars().all(is_char)).then(|| (end, decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is appended at once is what would be appended char by char.
    #[test]
    fn plain_chars_mean_no_more_than_themselves() {
        let quiet = || Block { text: "a".to_owned(), chars: 1, ..Block::default() };
        for c in ('\0'..=char::MAX).filter(|&c| plain_char(c.to_string().as_bytes()) > 0) {
            let mut block = quiet();
            block.push(c);
            assert_eq!((block.text.chars().last(), block.is_quiet(), is_mark(c), unprotect(c)), (Some(c), true, false, None), "{c:?}");
        }
        for (text, expected) in [
            ("one two", 7),
            (" one", 4),
            ("one  two", 3),
            ("one two three four five (", 23),
            ("twelve bytes and four &amp;", 21),
            ("это слово — 北京 ", "это слово — 北京".len()),
            ("a\u{a0}b", 1),
            ("a\u{fdd0}", 1),
            ("", 0),
        ] {
            assert_eq!(plain_words(text), (expected, text[..expected].chars().count() as u32), "{text}");
        }
    }
}
