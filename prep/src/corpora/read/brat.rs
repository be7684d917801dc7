//! Standoff of the annotation tool brat: the entities of `FILE.txt` in `FILE.ann`.

use std::io::Read;

use schemas::{Counter, char_slice};

use super::corpus_reader::{CorpusReadError, CorpusReader, ReadSentence, excerpt};
use super::json::fields::ElementError;
use super::json::offsets::{RawSpan, ResolvedText, SpanOffsets};
use super::lines::TextLines;
use crate::corpora::sentence::AnnotatedSentence;

/// Bytes that a line may have: an entity may be as long as a text.
const MAX_LINE_BYTES: usize = 1 << 22;

/// Reads the annotations of a text, which is one sentence.
///
/// | line | is |
/// |---|---|
/// | `T1<TAB>PER 0 3<TAB>Ada` | an entity; its text must be that of its chars |
/// | `T2<TAB>PER 0 3;8 11<TAB>Ada Bek` | an entity of several parts, which is skipped and counted |
/// | `R1`, `E1`, `A1`, `M1`, `N1`, `#1`, `*` | relations, events, attributes, normalisations, notes, equivalences: no entities |
///
/// Memory: the text and its entities.
pub struct BratReader<'a, R> {
    lines: TextLines<R>,
    text: &'a str,
    offsets: SpanOffsets,
    sentences: Counter,
    records: Counter,
    is_read: bool,
}

impl<'a, R: Read> BratReader<'a, R> {
    /// A reader of the annotations of a text. Offsets are chars unless `offsets` says otherwise.
    pub fn new(annotations: R, text: &'a str, offsets: Option<SpanOffsets>) -> Self {
        Self {
            lines: TextLines::new(annotations, MAX_LINE_BYTES, "an entity of standoff"),
            text,
            offsets: offsets.unwrap_or(SpanOffsets::CHARS_EXCLUSIVE),
            sentences: Counter::default(),
            records: Counter::default(),
            is_read: false,
        }
    }

    /// The text with its entities. Where the lines of a text end in CRLF and its offsets count that as one char, as programs do that
    /// read text in Python, the text is read that way too.
    fn resolve(&self, spans: Vec<Result<RawSpan, ElementError>>) -> ResolvedText {
        let read = self.offsets.resolve(self.text, spans.clone());
        if read.notes.dropped.is_empty() || !self.text.contains("\r\n") {
            return read;
        }
        let other = self.offsets.resolve(&self.text.replace("\r\n", "\n"), spans);
        if other.notes.dropped.len() < read.notes.dropped.len() { other } else { read }
    }
}

/// What a line of standoff is.
enum BratLine {
    Entity(Result<RawSpan, ElementError>),
    /// Another annotation, as counters name it.
    Other(&'static str),
}

/// Parses a line of the annotations of `document`.
fn parse_line(text: &str, document: &str) -> BratLine {
    let (id, rest) = text.split_once('\t').unwrap_or((text, ""));
    let kind = id.chars().next().filter(|kind| {
        let number = &id[kind.len_utf8()..];
        (*kind == '*') == number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let other = match kind {
        Some('T') => return BratLine::Entity(parse_entity(id, rest, document)),
        Some('R' | '*') => "relation",
        Some('E') => "event",
        Some('A' | 'M') => "attribute",
        Some('N') => "normalisation",
        Some('#') => "note",
        _ => {
            let detail = format!("`{}` is no line of standoff, expected one such as T1<TAB>PER 0 3<TAB>Ada", excerpt(text));
            return BratLine::Entity(Err(ElementError::new("bad line", detail)));
        }
    };
    BratLine::Other(other)
}

fn parse_entity(id: &str, rest: &str, document: &str) -> Result<RawSpan, ElementError> {
    let malformed = |reason, what: &str| {
        let detail = format!("{}: `{}` {what}, expected a label, the first char and the one after the last", excerpt(id), excerpt(rest));
        ElementError::new(reason, detail)
    };
    let (place, text) = rest.split_once('\t').map_or((rest, None), |(place, text)| (place, Some(text)));
    let (label, offsets) = place.split_once(' ').ok_or_else(|| malformed("bad span", "has no offsets"))?;
    if label.trim().is_empty() {
        return Err(malformed("no label", "has no label"));
    }
    let parts = offsets.split(';').map(|part| {
        let (start, end) = part.trim().split_once(' ')?;
        Some((start.parse::<u64>().ok()?, end.trim().parse::<u64>().ok()?))
    });
    let parts: Vec<(u64, u64)> = parts.collect::<Option<_>>().ok_or_else(|| malformed("bad span", "has other offsets"))?;
    let (start, end) = (parts[0].0, parts[parts.len() - 1].1);
    // brat writes an entity that goes over the end of a line in parts.
    let is_space = |start: u64, end: u64| {
        let between = u32::try_from(start).ok().zip(u32::try_from(end).ok());
        between.and_then(|(start, end)| char_slice(document, start, end)).is_some_and(|between| between.trim().is_empty())
    };
    if parts.windows(2).any(|two| two[0].1 != two[1].0 && !is_space(two[0].1, two[1].0)) {
        return Err(ElementError::new(
            "discontinuous span",
            format!("{}: `{}` has several parts, expected one", excerpt(id), excerpt(rest)),
        ));
    }
    Ok(RawSpan { start, end, label: label.to_owned(), text: text.map(str::to_owned) })
}

impl<R: Read> CorpusReader for BratReader<'_, R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        if std::mem::replace(&mut self.is_read, true) {
            return Ok(None);
        }
        let mut spans = Vec::new();
        while let Some(line) = self.lines.next_line()? {
            if line.trim().is_empty() {
                self.records.skip("blank");
                continue;
            }
            match parse_line(line, self.text) {
                BratLine::Other(kind) => self.records.skip(kind),
                BratLine::Entity(span) => {
                    let number = self.lines.number();
                    match &span {
                        Ok(_) => self.records.keep(),
                        Err(error) => self.records.skip(error.reason),
                    }
                    spans.push(span.map_err(|error| ElementError { detail: format!("line {number}: {}", error.detail), ..error }));
                }
            }
        }
        if self.text.trim().is_empty() && spans.is_empty() {
            self.sentences.skip("empty");
            return Ok(None);
        }
        self.sentences.keep();
        let ResolvedText { annotation, notes } = self.resolve(spans);
        Ok(Some(ReadSentence::Read(AnnotatedSentence { number: 0, line: 1, annotation, questions: Vec::new(), notes })))
    }

    fn sentences(&self) -> &Counter {
        &self.sentences
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("lines", &self.records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora::sentence::Annotation;

    /// The entities of a text as `label@text`, dropped ones as `!reason`, with `~` for a space; and the counts of lines.
    fn read(text: &str, annotations: &str) -> (String, String) {
        let mut reader = BratReader::new(annotations.as_bytes(), text, None);
        let Some(ReadSentence::Read(sentence)) = reader.next_sentence().unwrap() else { return (String::new(), String::new()) };
        assert_eq!(reader.next_sentence().unwrap(), None);
        let Annotation::CharSpans { text, spans } = sentence.annotation else { panic!() };
        let spans = spans.iter().map(|(chars, label)| format!("{label}@{}", schemas::char_slice(&text, chars.start, chars.end).unwrap()));
        let found: Vec<String> = spans.chain(sentence.notes.dropped.iter().map(|span| format!("!{}", span.reason))).collect();
        assert!(reader.sentences().adds_up() && reader.records().1.adds_up());
        let found: Vec<String> = found.iter().map(|found| found.replace(' ', "~")).collect();
        (found.join(" "), reader.records().1.to_string())
    }

    #[test]
    fn entities_are_read() {
        for (text, annotations, expected) in [
            ("Ada saw Oslo.", "T1\tPER 0 3\tAda\nT2\tLOC 8 12\tOslo\n", "PER@Ada LOC@Oslo"),
            // Chars, not bytes; the end of a line is a space in the annotation.
            ("🎉 Ödön\nBek", "T1\tPER 2 10\tÖdön Bek\n", "PER@Ödön\nBek"),
            ("🎉 Ödön\nBek", "T1\tPER 2 6;7 10\tÖdön Bek\n", "PER@Ödön\nBek"),
            ("Ada", "T1\tPER 2 3;0 1\tAda\n", "!discontinuous~span"),
            ("left and right arm", "T1\tX 0 4;15 18\tleft arm\nT2\tX 9 18\tright arm\n", "X@right~arm !discontinuous~span"),
            ("Ada", "T1\tPER 0 3\tBob\n", "!other~text"),
            ("Ada", "T1\tPER 0 9\tAda\n", "!span~outside"),
            ("Ada", "T1\tPER 0 3\n", "PER@Ada"),
            ("Ada", "T1 PER 0 3 Ada\n", "!bad~line"),
            ("Ada", "T1\tPER\tAda\n", "!bad~span"),
            ("Ada", "T1\tPER 0 x\tAda\n", "!bad~span"),
            ("Ada", "T1\t 0 3\tAda\n", "!no~label"),
            ("Ada", "Ada\tB-PER\nT1\tPER 0 3\tAda\n", "PER@Ada !bad~line"),
            // Offsets that count CRLF as one char.
            ("Ada\r\nBo\r\nCy", "T1\tPER 4 6\tBo\nT2\tPER 7 9\tCy\n", "PER@Bo PER@Cy"),
            ("Ada\r\nBo", "T1\tPER 5 7\tBo\n", "PER@Bo"),
        ] {
            assert_eq!(read(text, annotations).0, expected, "{annotations}");
        }
    }

    #[test]
    fn other_annotations_are_counted() {
        let annotations = "T1\tPER 0 3\tAda\nR1\tKnows Arg1:T1 Arg2:T1\nE1\tMeet:T1\nA1\tSure T1\nM1\tSure T1\nN1\tReference T1 Wikidata:Q7259\n\
            #1\tAnnotatorNotes T1\ta note\n*\tEquiv T1 T1\n\n";
        let counts = "9 in, 1 out, 8 skipped (attribute 2, blank 1, event 1, normalisation 1, note 1, relation 2)";
        assert_eq!(read("Ada", annotations), ("PER@Ada".to_owned(), counts.to_owned()));
        assert_eq!(read(" \n", "").0, "");
    }
}
