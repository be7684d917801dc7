//! Lines to blocks: paragraphs, headings, list items, each with its text, anchors and offsets.

use std::borrow::Cow;

use schemas::CharSlicer;
use schemas::{Anchor, Segment, SegmentKind};

use super::block::{Block, is_closing, plain_words};
use super::conversion::Conversions;
use super::links::Target;
use super::marks::{ANCHOR_CLOSE, ANCHOR_OPEN, BREAK, CAPTION, CELL, GAP, INLINE, ITEM, KEEP_CLOSE, KEEP_OPEN, is_mark, rule, unprotect};
use super::{Converter, Page, quotes};

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

/// What a line is that stands beside the text.
fn aside(line: &str) -> Option<SegmentKind> {
    match line.chars().next()? {
        CAPTION => Some(SegmentKind::Caption),
        CELL => Some(SegmentKind::Table),
        _ => None,
    }
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
