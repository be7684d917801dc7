//! Generates hostile pages: every construct of wikitext and every mark at which sentences are split, repeated, nested, unclosed, closed
//! without being opened, and in pairs.

/// A piece of wikitext that opens something, and what closes it; empty where nothing does.
pub struct Construct {
    pub open: &'static str,
    pub close: &'static str,
}

const fn pair(open: &'static str, close: &'static str) -> Construct {
    Construct { open, close }
}

const fn only(open: &'static str) -> Construct {
    Construct { open, close: "" }
}

/// What wikitext consists of.
pub const CONSTRUCTS: &[Construct] = &[
    // Links.
    pair("[[", "]]"),
    pair("[[a|", "]]"),
    pair("[[Ada Arden|Ada", "]]"),
    pair("[[File:a.jpg|thumb|", "]]"),
    pair("[[Category:a|", "]]"),
    pair("[[:en:a|", "]]"),
    pair("[http://x.y a:", "]"),
    pair("[//a ", "]"),
    pair("[", "]"),
    only("#REDIRECT [[a"),
    only("http://x.y "),
    only("ISBN 0123456789 "),
    only("RFC 1 "),
    // Templates, parameters and variants.
    pair("{", "}"),
    pair("{{", "}}"),
    pair("{{nowrap|a ", "}}"),
    pair("{{unknown|a=b|c ", "}}"),
    pair("{{lang|de|", "}}"),
    pair("{{ill|", "}}"),
    pair("{{lc:", "}}"),
    pair("{{formatnum:1", "}}"),
    pair("{{#if:a|", "}}"),
    pair("{{sfn|", "}}"),
    pair("{{noteTA|1=zh-hans:a;zh-hant:", "}}"),
    only("{{PAGENAME}}"),
    only("{{!}}"),
    pair("{{{a|", "}}}"),
    pair("-{", "}-"),
    pair("-{zh-hans:甲;zh-hant:乙", "}-"),
    pair("-{H|zh-cn:甲;zh-tw:", "}-"),
    pair("-{A|", "}-"),
    pair("-{zh-tw|", "}-"),
    only(";zh-cn:a"),
    only("=>zh-cn:"),
    only("|"),
    only("="),
    only(";"),
    only(":"),
    // Tables.
    pair("\n{|\n|", "\n|}\n"),
    pair("\n|-\n|a||", "\n"),
    pair("\n!a!!", "\n"),
    pair("<table>", "</table>"),
    pair("\n<table>\n<tr><td>", "\n</table>\n"),
    // Tags.
    pair("<", ">"),
    pair("<ref>", "</ref>"),
    only("<ref name=\"a\" />"),
    pair("<nowiki>", "</nowiki>"),
    pair("<math>", "</math>"),
    pair("<gallery>\nFile:a|b\n", "</gallery>"),
    pair("<pre>", "</pre>"),
    pair("<includeonly>", "</includeonly>"),
    pair("<noinclude>", "</noinclude>"),
    pair("<div>", "</div>"),
    pair("<span a=\"", "\">"),
    pair("<b a='", "'>"),
    pair("<i>:", "</i>"),
    pair("<poem>\n:", "</poem>"),
    pair("<li>", "</li>"),
    only("<br>"),
    only("<br />"),
    pair("<unknown>", "</unknown>"),
    pair("<!--", "-->"),
    only("<!---->"),
    only("<!-- -->\n"),
    // Quotes and brackets.
    pair("''a", "''"),
    pair("'''a", "'''"),
    pair("'''''a", "'''''"),
    pair(" '", "' "),
    pair(" ' ", ". A' "),
    pair("\"a", ".\" "),
    pair("“", "”"),
    pair("„", "“"),
    pair("‘", "’"),
    pair("«", "»"),
    pair("‹", "›"),
    pair("「", "」"),
    pair("『", "』"),
    pair("《", "》"),
    pair(" `a", "` "),
    pair("``", "''"),
    only("‚"),
    only("‛"),
    only("‟"),
    pair("(", ")"),
    pair("（", "）"),
    pair(" (", ") "),
    // Lists and headings.
    pair("\n* a", "\n"),
    pair("\n#", "\n"),
    pair("\n; a", ": b"),
    pair("\n: ", "\n"),
    only("*"),
    only("#"),
    pair("\n==a", "==\n"),
    pair("\n=", "=\n"),
    only("\n----"),
    only("\n a"),
    // Behaviour switches and entities.
    only("__NOTOC__"),
    only("__"),
    only("＿＿"),
    only("&amp;"),
    only("&nbsp;"),
    only("&#x4e2d;"),
    only("&lt;ref&gt;"),
    only("&#"),
    only("&"),
    only("%4"),
    // What ends sentences.
    only(". "),
    only(". A"),
    only("a."),
    only("好。"),
    only("好。1"),
    only("."),
    only(" . "),
    only("! "),
    only("a!"),
    only("?"),
    only("… "),
    only("… !"),
    only("．"),
    only("｡"),
    only("！"),
    only("।"),
    only("॥"),
    only("۔"),
    only("؟"),
    only("։"),
    only("።"),
    only("။"),
    only("၏"),
    only("᠃"),
    only("܀"),
    only("𑁇"),
    only(". [1]"),
    only(" 7 p.m. Tom"),
    only(" J. R."),
    only(" Dr. U.S. A"),
    only(" (1) A"),
    only(" a) A"),
    only(" iv.) A"),
    only(" • a"),
    only("• "),
    only("1. "),
    only(" a@b.co"),
    only("@"),
    // Words.
    only("a"),
    only("A "),
    only("a "),
    only("好"),
    only("Ada Arden "),
    only("字漢"),
    only(" "),
    only("　"),
    only("\n"),
    only("\n\n"),
    only(","),
    only("，；"),
    only("e\u{301}"),
    only("\u{301}"),
    only("\u{200e}"),
    only("½"),
    only("ﷺ"),
    only("\u{fdd2}"),
    only("\u{10005b}"),
    only("🎉"),
];

/// How a page repeats one or two constructs.
#[derive(Clone, Copy)]
pub enum Shape {
    /// `a.open b.open a.open b.open …`
    Open,
    /// `a.open b.close a.open b.close …`
    OpenClose,
    /// `a.close b.close a.close b.close …`
    Close,
    /// All that opens, then all that closes, in the order in which brackets match.
    Nested,
    /// One half `a.open`, the other half `b.open`.
    OpenHalves,
    /// One half `a.open`, the other half `b.close`.
    CloseHalf,
    /// 100 of `a` around all of `b.open b.close b.open b.close …`.
    Around,
}

/// A page that repeats two constructs, which may be the same.
#[derive(Clone, Copy)]
pub struct Input {
    pub first: &'static Construct,
    pub second: &'static Construct,
    pub shape: Shape,
}

impl Input {
    /// The page with about so many bytes of text. `None` if there is nothing to repeat.
    pub fn wikitext(&self, bytes: usize) -> Option<String> {
        let (a, b) = (self.first, self.second);
        let filled = |unit: &str, bytes: usize| (!unit.is_empty()).then(|| unit.repeat(bytes / unit.len()));
        match self.shape {
            Shape::Open => filled(&format!("{}{}", a.open, b.open), bytes),
            Shape::OpenClose => filled(&format!("{}{}", a.open, b.close), bytes).filter(|_| !b.close.is_empty()),
            Shape::Close => filled(&format!("{}{}", a.close, b.close), bytes),
            Shape::Nested => {
                let (open, close) = (format!("{}{}", a.open, b.open), format!("{}{}", b.close, a.close));
                let count = bytes / (open.len() + close.len());
                (!close.is_empty()).then(|| open.repeat(count) + &close.repeat(count))
            }
            Shape::OpenHalves => Some(filled(a.open, bytes / 2)? + &filled(b.open, bytes / 2)?),
            Shape::CloseHalf => Some(filled(a.open, bytes / 2)? + &filled(b.close, bytes / 2)?),
            Shape::Around => Some(a.open.repeat(100) + &filled(&format!("{}{}", b.open, b.close), bytes)? + &a.close.repeat(100)),
        }
    }

    /// What is repeated.
    pub fn name(&self) -> String {
        let (a, b) = (self.first, self.second);
        match self.shape {
            Shape::Open => format!("({:?} {:?})ⁿ", a.open, b.open),
            Shape::OpenClose => format!("({:?} {:?})ⁿ", a.open, b.close),
            Shape::Close => format!("({:?} {:?})ⁿ", a.close, b.close),
            Shape::Nested => format!("({:?} {:?})ⁿ ({:?} {:?})ⁿ", a.open, b.open, b.close, a.close),
            Shape::OpenHalves => format!("{:?}ⁿ {:?}ⁿ", a.open, b.open),
            Shape::CloseHalf => format!("{:?}ⁿ {:?}ⁿ", a.open, b.close),
            Shape::Around => format!("{:?}¹⁰⁰ ({:?} {:?})ⁿ {:?}¹⁰⁰", a.open, b.open, b.close, a.close),
        }
    }
}

/// All constructs alone.
pub fn single_inputs() -> Vec<Input> {
    let shapes = [Shape::Open, Shape::OpenClose, Shape::Close, Shape::Nested, Shape::OpenHalves, Shape::CloseHalf, Shape::Around];
    CONSTRUCTS.iter().flat_map(|construct| shapes.map(|shape| Input { first: construct, second: construct, shape })).collect()
}

/// All pairs of constructs, one after the other and inside each other.
pub fn paired_inputs() -> Vec<Input> {
    let shapes = [Shape::Open, Shape::Nested, Shape::OpenHalves, Shape::CloseHalf, Shape::Around];
    let pairs = CONSTRUCTS.iter().flat_map(|first| CONSTRUCTS.iter().map(move |second| (first, second)));
    pairs.flat_map(|(first, second)| shapes.map(|shape| Input { first, second, shape })).collect()
}
