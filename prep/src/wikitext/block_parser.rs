//! The last pass: lines to blocks (paragraphs, headings, list items, captions, table cells) with their text, anchors and offsets.

use std::borrow::Cow;

use schemas::CharSlicer;
use schemas::{Anchor, Segment, SegmentKind};

use super::apostrophes::split_at_quote_markup;
use super::block_builder::{BlockBuilder, is_closing};
use super::block_conversion::ActiveRules;
use super::internal_links::LinkTarget;
use super::line_syntax::{definition_colon, entity_at_start, heading};
use super::markers::{
    ANCHOR_CLOSE, ANCHOR_OPEN, BLOCK_BREAK, CAPTION, GAP, INLINE_GAP, LIST_ITEM, TABLE_CELL, UNCONVERTED_CLOSE, UNCONVERTED_OPEN,
    hole_number, is_marker, rule_number, unprotect,
};
use super::page_context::PageContext;
use super::plain_text::plain_text_length;
use super::script_converter::ScriptConverter;

/// The text of a page with what lies in it. Offsets count chars of the text.
pub(super) struct ParsedText {
    pub text: String,
    pub anchors: Vec<Anchor<'static>>,
    pub segments: Vec<Segment>,
    /// Where unknown templates vanished, in order, with the numbers of the templates.
    pub holes: Vec<(u32, usize)>,
}

/// Runs the last pass.
pub(super) fn parse_blocks(text: &str, targets: &[LinkTarget], page: &PageContext<'_>, converter: Option<&ScriptConverter>) -> ParsedText {
    let mut parser = BlockParser {
        page,
        converter,
        targets: targets.iter(),
        text: String::with_capacity(text.len() / 2),
        chars: 0,
        anchors: Vec::new(),
        segments: Vec::new(),
        holes: Vec::new(),
        block: BlockBuilder::default(),
        asides: Vec::new(),
        in_aside: false,
        active_rules: ActiveRules::default(),
    };
    // A rule whose marker was removed, as with a table, is active in the whole page.
    let mut has_marker = vec![false; page.rules.len()];
    let markers = if page.rules.is_empty() { "" } else { text };
    markers.chars().filter_map(rule_number).for_each(|number| has_marker[number] = true);
    for (rule, _) in page.rules.iter().zip(&has_marker).filter(|(_, has_marker)| !**has_marker) {
        parser.active_rules.apply(rule);
    }
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        parser.read_line(&text[start..end]);
        start = end + 1;
    }
    parser.finish_block();
    ParsedText { text: parser.text, anchors: parser.anchors, segments: parser.segments, holes: parser.holes }
}

struct BlockParser<'a> {
    page: &'a PageContext<'a>,
    converter: Option<&'a ScriptConverter>,
    /// Targets of the anchors that follow.
    targets: std::slice::Iter<'a, LinkTarget>,
    /// The text of the finished blocks.
    text: String,
    /// Number of chars of `text`.
    chars: u32,
    anchors: Vec<Anchor<'static>>,
    segments: Vec<Segment>,
    holes: Vec<(u32, usize)>,
    /// The current block.
    block: BlockBuilder<'a>,
    /// Captions and table cells found inside the current block. They are appended after it.
    asides: Vec<BlockBuilder<'a>>,
    /// Whether the current block is a caption or table cell.
    in_aside: bool,
    active_rules: ActiveRules,
}

impl<'a> BlockParser<'a> {
    fn read_line(&mut self, line: &str) {
        if line.chars().all(|c| c.is_whitespace() || (is_marker(c) && !matches!(c, ANCHOR_OPEN | ANCHOR_CLOSE))) {
            if line.contains(INLINE_GAP) {
                (self.block.space, self.block.gap, self.block.has_gap) = (true, true, true);
            } else {
                self.finish_block();
            }
            return self.switch_rules(line);
        }
        let start = line.trim_start_matches(|c| {
            is_marker(c) && !matches!(c, ANCHOR_OPEN | UNCONVERTED_OPEN | BLOCK_BREAK | LIST_ITEM | CAPTION | TABLE_CELL)
        });
        if let Some(kind) = aside_kind(start) {
            let block = std::mem::replace(&mut self.block, BlockBuilder { kind, ..BlockBuilder::default() });
            self.in_aside = true;
            self.read_inline(&start[CAPTION.len_utf8()..]);
            self.in_aside = false;
            let aside = std::mem::replace(&mut self.block, block);
            return self.asides.push(aside);
        }
        if let Some((level, title)) = heading(line) {
            return self.read_block(SegmentKind::Heading, level, title);
        }
        self.switch_rules(&line[..line.len() - start.len()]);
        let prefix = start.bytes().take_while(|byte| matches!(byte, b'*' | b'#' | b';' | b':')).count();
        if prefix > 0 {
            let level = u8::try_from(prefix).unwrap_or(u8::MAX);
            // MediaWiki shows the asterisk of `: *x`, which authors do not intend.
            let item = start[prefix..].trim_start_matches([' ', '*']);
            let colon = start[..prefix].ends_with(';').then(|| definition_colon(item)).flatten();
            return match colon {
                Some(colon) => {
                    self.read_block(SegmentKind::List, level, &item[..colon]);
                    self.read_block(SegmentKind::List, level, &item[colon + 1..]);
                }
                None => self.read_block(SegmentKind::List, level, item),
            };
        }
        if start.trim_end_matches(|c: char| c.is_whitespace() || is_marker(c)) == "-->" {
            // The end of a comment without its start.
            return self.finish_block();
        }
        if start.starts_with("----") {
            return self.read_block(SegmentKind::Paragraph, 0, start.trim_start_matches('-'));
        }
        if line.starts_with(' ') {
            // Preformatted lines are not joined. An asterisk there is a misplaced list item.
            let text = line.trim_start().trim_start_matches('*');
            return self.read_block(SegmentKind::Paragraph, 0, text);
        }
        self.block.space = true;
        self.read_inline(line);
    }

    /// Conversion rules become active or inactive at the end of the current text.
    fn switch_rules(&mut self, markers: &str) {
        let at = self.block.text.len();
        self.block.rule_switches.extend(markers.chars().filter_map(rule_number).map(|number| (at, number)));
    }

    /// Reads a block of one line.
    fn read_block(&mut self, kind: SegmentKind, level: u8, text: &str) {
        self.finish_block();
        (self.block.kind, self.block.level) = (kind, level);
        self.read_inline(text);
        self.finish_block();
    }

    /// Appends the text of a line to the current block.
    fn read_inline(&mut self, line: &str) {
        split_at_quote_markup(line, |text| self.read_text(text));
    }

    /// Appends text without quote markup to the current block.
    fn read_text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if self.block.accepts_plain_text() {
                let (bytes, chars) = plain_text_length(rest);
                self.block.push_plain_text(&rest[..bytes], chars);
                rest = &rest[bytes..];
                if bytes > 0 {
                    continue;
                }
            }
            if c == '&'
                && let Some((length, decoded)) = entity_at_start(rest)
            {
                decoded.chars().for_each(|c| self.block.push(c));
                rest = &rest[length..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            match c {
                _ if c.is_ascii() => self.block.push(c),
                ANCHOR_OPEN => self.block.open_anchor = self.targets.next().map(|target| (target, None)),
                ANCHOR_CLOSE => self.block.close_anchor(),
                UNCONVERTED_OPEN if self.block.unconverted_start.is_some() => self.block.unconverted_depth += 1,
                UNCONVERTED_OPEN => self.block.unconverted_start = Some(self.block.text.len()),
                UNCONVERTED_CLOSE if self.block.unconverted_depth > 0 => self.block.unconverted_depth -= 1,
                UNCONVERTED_CLOSE => self.block.close_unconverted(),
                _ if rule_number(c).is_some() => self.switch_rules(c.encode_utf8(&mut [0; 4])),
                _ if let Some(number) = hole_number(c) => self.block.holes.push((self.block.chars, number)),
                BLOCK_BREAK | LIST_ITEM if self.block.open_anchor.is_some() => self.block.space = true,
                BLOCK_BREAK => self.next_block(None),
                LIST_ITEM => self.next_block(Some(SegmentKind::List)),
                _ if is_marker(c) => {
                    self.block.gap |= c == GAP;
                    self.block.has_gap |= c == GAP;
                    if let Some((.., has_gap)) = &mut self.block.parenthesis {
                        *has_gap |= c == GAP;
                    }
                }
                _ => self.block.push(unprotect(c).unwrap_or(c)),
            }
        }
    }

    /// Starts a new block inside a line, of the given kind or else the same kind.
    fn next_block(&mut self, kind: Option<SegmentKind>) {
        let (old, level) = (self.block.kind, self.block.level);
        if self.in_aside {
            // The parts of a caption or cell follow the block around them too.
            let aside = std::mem::replace(&mut self.block, BlockBuilder { kind: old, level, ..BlockBuilder::default() });
            return self.asides.push(aside);
        }
        self.finish_block();
        self.block.kind = kind.unwrap_or(old);
        self.block.level = if kind.is_some() { level.max(1) } else { level };
    }

    /// Appends the current block and the captions and cells found in it to the page.
    fn finish_block(&mut self) {
        let mut block = std::mem::take(&mut self.block);
        self.append(&mut block);
        // The next block reuses the buffers.
        self.block = block.cleared();
        for mut aside in std::mem::take(&mut self.asides) {
            self.append(&mut aside);
        }
    }

    /// Appends a block to the page, unless it is empty.
    fn append(&mut self, block: &mut BlockBuilder<'a>) {
        block.close_anchor();
        block.close_unconverted();
        if let Some(converter) = self.converter {
            block.convert(converter, &mut self.active_rules, &self.page.rules);
        }
        // A removed template may leave only a full stop.
        let is_bare = block.has_gap && !block.text.chars().any(|c| !is_closing(c) && c != ' ');
        if block.text.is_empty() || is_bare || block.is_navigation(self.page.wiki) {
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
        self.holes.extend(block.holes.iter().map(|&(hole, number)| (start + hole.min(block.chars), number)));
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

/// The kind of a line that is a caption or table cell.
fn aside_kind(line: &str) -> Option<SegmentKind> {
    match line.chars().next()? {
        CAPTION => Some(SegmentKind::Caption),
        TABLE_CELL => Some(SegmentKind::Table),
        _ => None,
    }
}
