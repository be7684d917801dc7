//! Blocks, HTML tags, entities, and what is noted about a page.
#![allow(clippy::unwrap_used)]

use schemas::char_slice;

use super::support::{check, extractor};

#[test]
fn blocks_and_html_tags() {
    check(
        "en",
        &[
            ("one\ntwo\n\nthree", "one two\nthree", ""),
            ("== Head == <!-- c -->\ntext", "Head\ntext", ""),
            ("=== [[a]] ===", "a", "a→A"),
            ("* a\n** [[b]]\n# c\n: d\n;term : def", "a\nb\nc\nd\nterm\ndef", "b→B"),
            (": *a\n-->{{x}}\nb", "a\nb", ""),
            ("----text\nmore", "text\nmore", ""),
            (" pre [[a]]\n pre2\n *x\n-->\ny", "pre a\npre2\nx\ny", "a→A"),
            ("{{table start}}\n|-\n| a\n|}\nb", "b", ""),
            ("{| class=x\n| [[a]]\n{|\n|b\n|}\n|}\nafter", "after", ""),
            ("'''The Long<br>Name''' is [[a]].<br>More", "The Long Name is a.\nMore", "a→A"),
            ("<ul><li>One</li><li>Two</li></ul>After the list.\n\nMore.", "One\nTwo\nAfter the list.\nMore.", ""),
            ("x<tabber>\nOne=[[a]]\n|-|\nTwo=b\n</tabber>y <translate>\n<!--T:1-->\nIt [[b]]s.\n</translate>", "x y It bs.", "bs→B"),
            ("<pages index=\"Book.djvu\" from=1 to=2 />Text.<pagequality level=\"3\" user=\"\" />", "Text.", ""),
            ("A<span style=\"display:none\">!sort [[b]]</span> [[c]].", "A c.", "c→C"),
            ("soft\u{ad}ly [[so\u{ad}ft|so&shy;ft]] a&#8203;b \u{feff}c\u{200e}", "softly soft ab c", "soft→Soft"),
            ("a<br />b<br>c", "a\nb\nc", ""),
            ("<div class=\"a > b\">x</div><p>y", "x\ny", ""),
            ("a\n<poem>\nb [[c]]\n:d\n</poem>\ne", "a\nb c\nd\ne", "c→C"),
            ("a <table><tr><td>b</td></tr></table> c", "a\nc", ""),
            ("A\n{|\n|x\n|}B", "A\nB", ""),
            ("I.\n{|\n| x\n\nstill", "I.\nstill", ""),
            ("; ''Ship: Sail'' (1995): a boat", "Ship: Sail (1995)\na boat", ""),
            (";'''a: b''' : c\n; <b>a: [[x9:e]]</b>: c", "a: b\nc\na: x9:e\nc", "x9:e→X9:e"),
            ("*; \"[http://x.org Title: sub]\": text\n; {{lang|fr|a: b}} : c", "\"Title: sub\"\ntext\na: b\nc", ""),
            ("; a<wbr> <i>b: c</i>: d\nx <b>y: z</b>", "a b: c\nd\nx y: z", ""),
            ("The grapheme <a> and <img src=x>.", "The grapheme <a> and <img src=x>.", ""),
            ("a<includeonly>b\n\nc", "a", ""),
            ("He died in\n<ref>F</ref>\n[[Paris]] alone.\n{{x}}\nNext", "He died in Paris alone.\nNext", "Paris→Paris"),
            ("Let\n<math>x</math>\n{{sfn|A}}\nbe.", "Let be.", ""),
            ("[[Spain in 2010|{{flagu|Spain}}]] {{nowrap|[[cat]]}}s", "Spain cats", "Spain→Spain in 2010; cat→Cat"),
            ("{{Script|Copt|Ⲁ}} {{font color|blue|white|W}} {{linktext|서|울}} {{val|9.11|e=-31|u=kg}}", "Ⲁ W 서울 9.11×10-31 kg", ""),
            ("1775{{ndash}}1783 [[2010{{endash}}11 x|y]] a{{shy}}b", "1775–1783 y ab", "y→2010–11 x"),
            (
                "{{HMS|Hood|51|6}} {{USS|Iowa|BB-61|2}} {{nihongo||東京|T}}",
                "HMS Hood Iowa 東京 (T)",
                "HMS Hood→HMS Hood (51); Iowa→USS Iowa (BB-61)",
            ),
            ("&#150; &#x7F; &#9;&#x1F600;", "&#150; &#x7F; 😀", ""),
            ("{{(!}}\n{{!}} a\n{{!)}}\nb", "b", ""),
            ("{{convert|10|x|20|x|5|cm|in}}, {{convert|3|mi|20|chain|km}}", "10 x 20 x 5 cm, 3 mi 20 chain", ""),
            ("{{formatnum:1,234|R}} {{formatnum:1234}}", "1234 1,234", ""),
            ("''a''<sub>''n''</sub> and '''b'''<sup><i>'''2'''</i></sup>", "an and b2", ""),
            ("<ul><li>a<li>b</ul>", "a\nb", ""),
            ("H<sub>2</sub>O <small>x</small> <President> 1 < 2", "H2O x <President> 1 < 2", ""),
            ("&lt;b&gt; &amp;lt; &ndash; &#8212; &#x4e2d; a&nbsp;b &bogus; &zwnj;", "<b> &lt; – — 中 a b &bogus; \u{200c}", ""),
            ("'''B''' ''i'' l''''amour'''", "B i l'amour", ""),
            ("==\n=x\n= =", "== =x", ""),
            (
                "* [[:Category:Cats]]\n* [[:Category:Dogs|dogs]]\n* [[:File:a.jpg]] b\n[[:Category:Cows]]",
                "dogs\nFile:a.jpg b\nCategory:Cows",
                "dogs→Category:Dogs; File:a.jpg→File:A.jpg; Category:Cows→Category:Cows",
            ),
        ],
    );
    let page = extractor("en").extract("Page", "intro\n== H ==\n* a\n** b\n\ntext");
    let segments: Vec<String> = page
        .segments
        .iter()
        .map(|segment| format!("{}{}:{}", segment.kind.name(), segment.level, char_slice(&page.text, segment.start, segment.end).unwrap()))
        .collect();
    assert_eq!(segments, ["paragraph0:intro", "heading2:H", "list1:a", "list2:b", "paragraph0:text"]);
}

#[test]
fn disambiguation_pages_and_issues_are_noted() {
    let extractor = extractor("zh");
    assert!(extractor.extract("x", "'''x'''可以指：\n{{disambig}}").disambiguation);
    assert!(extractor.extract("x", "__DISAMBIG__").disambiguation);
    assert_eq!(extractor.extract("x", "{{a").issues, ["unclosed template"]);
}
