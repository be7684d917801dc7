//! The JSON data set format of BERT-MRC: an element for each sentence and label.

use std::collections::BTreeSet;
use std::io::Read;

use schemas::{Counter, Query};
use serde_json::{Map, Value};

use super::elements::{JsonElement, JsonElements};
use super::fields::{ElementError, label, object, string, type_name};
use super::offsets::{RawSpan, SpanOffsets, parse_offset, parse_span};
use crate::corpora::read::corpus_reader::{CorpusReadError, CorpusReader, MalformedSentence, ReadSentence};
use crate::corpora::sentence::AnnotatedSentence;

/// Reads `{"qas_id": "3.1", "context": "a b c", "query": "…", "entity_label": "PER", "start_position": [0], "end_position": [1],
/// "span_position": ["0;1"], "impossible": false}`, as <https://github.com/ShannonAI/mrc-for-flat-nested-ner> has it.
///
/// - Consecutive elements are one sentence while their context and the sentence number in `qas_id` are the same and no label is repeated.
///   A malformed element skips its sentence, since its answers are unknown.
/// - `span_position` holds the answers. Without it, `start_position` and `end_position` are paired in order; with it, they must agree.
/// - Without `entity_label`, the label is that of the question of the query set with the same words.
///
/// Memory: the elements of one sentence.
pub struct MrcJsonReader<'a, R> {
    elements: JsonElements<R>,
    offsets: SpanOffsets,
    queries: &'a [Query],
    /// The first element of the next sentence, already read.
    pending: Option<QuestionElement>,
    next_number: u32,
    sentences: Counter,
    element_counts: Counter,
}

/// An element: one question about a sentence.
struct QuestionElement {
    number: u64,
    line: u64,
    /// The part of `qas_id` that is the same for all questions of a sentence.
    sentence_id: Option<String>,
    context: Option<String>,
    answers: Result<Answers, ElementError>,
}

/// A question and its answers.
struct Answers {
    label: String,
    question: String,
    spans: Vec<Result<RawSpan, ElementError>>,
}

impl<'a, R: Read> MrcJsonReader<'a, R> {
    /// A reader at the start of a file. `queries` tell the label of elements without one.
    pub fn new(input: R, offsets: SpanOffsets, queries: &'a [Query]) -> Self {
        let (sentences, element_counts) = (Counter::default(), Counter::default());
        Self { elements: JsonElements::new(input), offsets, queries, pending: None, next_number: 0, sentences, element_counts }
    }

    fn next_question(&mut self) -> Result<Option<QuestionElement>, CorpusReadError> {
        if let Some(question) = self.pending.take() {
            return Ok(Some(question));
        }
        Ok(self.elements.next_element()?.map(|element| self.parse_question(element)))
    }

    fn parse_question(&self, element: JsonElement) -> QuestionElement {
        let (number, line) = (element.number, element.line);
        let value = element.value.map_err(|detail| ElementError::new("not JSON", detail));
        match value.as_ref().map_err(Clone::clone).and_then(object) {
            Ok(object) => {
                let text = |name: &str| object.get(name).and_then(Value::as_str);
                // BERT-MRC numbers sentences before the last dot of `qas_id`, and labels after it.
                let sentence_id = text("qas_id").and_then(|id| Some(id.rsplit_once('.')?.0.to_owned()));
                let context = text("context").map(str::to_owned);
                QuestionElement { number, line, sentence_id, context, answers: self.parse_answers(object) }
            }
            Err(error) => QuestionElement { number, line, sentence_id: None, context: None, answers: Err(error) },
        }
    }

    fn parse_answers(&self, object: &Map<String, Value>) -> Result<Answers, ElementError> {
        string(object, "context")?;
        let question = string(object, "query")?;
        let label = match object.get("entity_label") {
            Some(value) => label(value)?,
            None => {
                let known = self.queries.iter().find(|query| query.text == question).map(|query| query.label.clone());
                known.ok_or_else(|| {
                    let detail = "no `entity_label`, and its `query` is none of the questions of --queries".to_owned();
                    ElementError::new("missing field", detail)
                })?
            }
        };
        let spans = answer_spans(object)?;
        if object.get("impossible").and_then(Value::as_bool) == Some(true) && !spans.is_empty() {
            return Err(ElementError::new("contradiction", format!("`impossible` is true with {} spans", spans.len())));
        }
        let raw = |(start, end)| RawSpan { start, end, label: label.clone(), text: None };
        let spans = spans.into_iter().map(|span| span.map(raw)).collect();
        Ok(Answers { label, question: question.to_owned(), spans })
    }

    /// Reads the other questions of the sentence that `first` begins.
    fn read_questions(&mut self, first: QuestionElement) -> Result<Vec<QuestionElement>, CorpusReadError> {
        let mut questions = vec![first];
        while let Some(question) = self.next_question()? {
            if !is_same_sentence(&questions, &question) {
                self.pending = Some(question);
                break;
            }
            questions.push(question);
        }
        Ok(questions)
    }

    /// Joins the questions of a sentence. `None` where its context is empty.
    fn join_questions(&mut self, questions: Vec<QuestionElement>) -> Option<ReadSentence> {
        let count = questions.len() as u64;
        let line = questions[0].line;
        let context = questions.iter().find_map(|question| question.context.clone()).unwrap_or_default();
        let (mut asked, mut malformed) = (Vec::new(), None);
        let mut sentence = self.offsets.resolve(&context, Vec::new()).into_sentence(self.next_number, (0, line));
        for QuestionElement { number, line, answers, .. } in questions {
            match answers {
                Ok(answers) => {
                    // Each question is resolved on its own, so that what is reported names its element.
                    let of_question = self.offsets.resolve(&context, answers.spans).into_sentence(0, (number, line));
                    sentence.annotation.append_spans(of_question.annotation);
                    sentence.notes.dropped.extend(of_question.notes.dropped);
                    sentence.notes.ambiguous_offsets |= of_question.notes.ambiguous_offsets;
                    asked.push((answers.label, answers.question));
                }
                Err(error) if malformed.is_none() => malformed = Some(error.at(number, line)),
                Err(_) => {}
            }
        }
        self.element_counts.seen += count;
        if let Some(malformed) = malformed {
            return Some(self.skip_sentence(malformed, count));
        }
        let annotation = &sentence.annotation;
        if annotation.is_blank() {
            self.sentences.skip("empty");
            *self.element_counts.skipped.entry("empty".to_owned()).or_default() += count;
            return None;
        }
        self.sentences.keep();
        self.element_counts.out += count;
        self.next_number += 1;
        Some(ReadSentence::Read(AnnotatedSentence { questions: asked, ..sentence }))
    }

    /// Skips the sentence of these elements.
    fn skip_sentence(&mut self, malformed: MalformedSentence, elements: u64) -> ReadSentence {
        self.next_number += 1;
        self.sentences.skip(malformed.reason);
        *self.element_counts.skipped.entry("in a skipped sentence".to_owned()).or_default() += elements;
        ReadSentence::Skipped(malformed)
    }
}

/// Whether an element asks about the same sentence as those before it.
fn is_same_sentence(questions: &[QuestionElement], next: &QuestionElement) -> bool {
    let sentence_id = questions.iter().find_map(|question| question.sentence_id.as_ref());
    let context = questions.iter().find_map(|question| question.context.as_ref());
    let agrees = |known: Option<&String>, found: Option<&String>| known.is_none() || found.is_none() || known == found;
    let label = |question: &QuestionElement| question.answers.as_ref().ok().map(|answers| answers.label.clone());
    let is_repeated = label(next).is_some_and(|next_label| questions.iter().filter_map(label).any(|label| label == next_label));
    agrees(sentence_id, next.sentence_id.as_ref()) && agrees(context, next.context.as_ref()) && !is_repeated
}

/// The start and end of an answer, or why there is none.
type AnswerSpan = Result<(u64, u64), ElementError>;

/// The start and end of each answer of an element.
fn answer_spans(object: &Map<String, Value>) -> Result<Vec<AnswerSpan>, ElementError> {
    let array = |name: &str| match object.get(name) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.as_slice())),
        Some(other) => Err(ElementError::new("bad field", format!("`{name}` is {}, expected an array", type_name(other)))),
    };
    let offsets =
        |name: &str| array(name)?.map(|items| items.iter().map(parse_offset).collect::<Result<Vec<u64>, ElementError>>()).transpose();
    let (starts, ends) = (offsets("start_position")?, offsets("end_position")?);
    let Some(items) = array("span_position")? else {
        let (Some(starts), Some(ends)) = (starts, ends) else {
            let detail = "no `span_position`, expected it, or `start_position` and `end_position`".to_owned();
            return Err(ElementError::new("missing field", detail));
        };
        if starts.len() != ends.len() {
            let detail = format!("{} starts and {} ends without `span_position`, expected as many", starts.len(), ends.len());
            return Err(ElementError::new("contradiction", detail));
        }
        return Ok(starts.into_iter().zip(ends).map(Ok).collect());
    };
    let parsed: Vec<AnswerSpan> = items.iter().map(parse_span).collect();
    let Ok(spans) = parsed.iter().cloned().collect::<Result<Vec<_>, _>>() else { return Ok(parsed) };
    let differs = |given: Option<Vec<u64>>, of_span: fn(&(u64, u64)) -> u64| {
        given.is_some_and(|given| given.into_iter().collect::<BTreeSet<_>>() != spans.iter().map(of_span).collect())
    };
    if differs(starts, |span| span.0) || differs(ends, |span| span.1) {
        let detail = "`span_position` has other starts or ends than `start_position` and `end_position`".to_owned();
        return Err(ElementError::new("contradiction", detail));
    }
    Ok(parsed)
}

impl<R: Read> CorpusReader for MrcJsonReader<'_, R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        while let Some(first) = self.next_question()? {
            let questions = self.read_questions(first)?;
            if let Some(sentence) = self.join_questions(questions) {
                return Ok(Some(sentence));
            }
        }
        Ok(None)
    }

    fn sentences(&self) -> &Counter {
        &self.sentences
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("elements", &self.element_counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora::sentence::Annotation;

    fn element(id: &str, context: &str, label: &str, rest: &str) -> String {
        format!(r#"{{"qas_id":"{id}","context":"{context}","query":"{label}?","entity_label":"{label}",{rest}}}"#)
    }

    /// Sentences as `number text asked start-end:label …`, skipped ones as `line: reason`.
    fn read(elements: &[String]) -> Vec<String> {
        let text = elements.join("\n");
        let known = [Query { label: "KNOWN".to_owned(), text: "which?".to_owned() }];
        let mut reader = MrcJsonReader::new(text.as_bytes(), SpanOffsets::TOKENS_INCLUSIVE, &known);
        let mut found = Vec::new();
        while let Some(sentence) = reader.next_sentence().unwrap() {
            found.push(match sentence {
                ReadSentence::Read(AnnotatedSentence {
                    number,
                    annotation: Annotation::TokenSpans { tokens, spans },
                    questions,
                    notes,
                    ..
                }) => {
                    let asked: Vec<&str> = questions.iter().map(|(label, _)| label.as_str()).collect();
                    let spans: Vec<String> =
                        spans.iter().map(|(tokens, label)| format!(" {}-{}:{label}", tokens.start, tokens.end)).collect();
                    let dropped = notes.dropped.iter().map(|span| {
                        let element = span.detail.as_deref().unwrap_or_default().split(": ").next().unwrap_or_default();
                        format!(" !{element}: {}", span.reason)
                    });
                    format!("{number} {} {}{}{}", tokens.join("_"), asked.join("+"), spans.concat(), dropped.collect::<String>())
                }
                ReadSentence::Read(other) => panic!("{other:?}"),
                ReadSentence::Skipped(malformed) => format!("{}: {}", malformed.line, malformed.reason),
            });
        }
        assert!(reader.sentences().adds_up() && reader.records().1.adds_up());
        assert_eq!(reader.records().1.seen, elements.len() as u64);
        found
    }

    #[test]
    fn elements_of_a_sentence_are_joined() {
        let spans = |text: &str| format!(r#""span_position":[{text}]"#);
        for (elements, expected) in [
            (vec![], &[][..]),
            (
                vec![element("0.1", "a b", "X", &spans(r#""0;1""#)), element("0.2", "a b", "Y", &spans(r#""1;1","0;0""#))],
                &["0 a_b X+Y 0-2:X 1-2:Y 0-1:Y"],
            ),
            // Another number, another text or a repeated label begins a new sentence.
            (vec![element("0.1", "a", "X", &spans("")), element("1.2", "a", "Y", &spans(""))], &["0 a X", "1 a Y"]),
            (vec![element("", "a", "X", &spans("")), element("", "b", "Y", &spans(""))], &["0 a X", "1 b Y"]),
            (vec![element("", "a", "X", &spans("")), element("", "a", "X", &spans(""))], &["0 a X", "1 a X"]),
            // A malformed element skips its sentence and no other; a malformed span itself alone.
            (
                vec![element("0.1", "a", "X", &spans("")), element("0.2", "a", "Y", "\"x\":7"), element("1.1", "b", "X", &spans(""))],
                &["2: missing field", "1 b X"],
            ),
            (
                vec![element("0.1", "a", "X", &spans(r#"7,"0;0""#)), element("0.2", "a", "Y", &spans(r#""0;1""#))],
                &["0 a X+Y 0-1:X !element 1: bad span !element 2: span outside"],
            ),
            (vec![element("0.1", "a", "X", &spans("")), "x".to_owned()], &["2: not JSON"]),
            (vec![element("0.1", " ", "X", &spans(""))], &[]),
        ] {
            assert_eq!(read(&elements), expected, "{elements:?}");
        }
    }

    #[test]
    fn answers_are_read_and_must_agree() {
        for (rest, expected) in [
            (r#""start_position":[0,1],"end_position":[1,1]"#, "0 a_b X 0-2:X 1-2:X"),
            (r#""start_position":[0],"end_position":[0,1]"#, "1: contradiction"),
            (r#""start_position":[0],"end_position":[1],"span_position":["0;1"],"impossible":false"#, "0 a_b X 0-2:X"),
            (r#""start_position":[0],"end_position":[1],"span_position":["1;1"]"#, "1: contradiction"),
            (r#""span_position":[[0,1]]"#, "0 a_b X 0-2:X"),
            (r#""span_position":["0;1"],"impossible":true"#, "1: contradiction"),
            (r#""span_position":[],"impossible":false"#, "0 a_b X"),
            (r#""impossible":true"#, "1: missing field"),
            (r#""span_position":"0;1""#, "1: bad field"),
        ] {
            assert_eq!(read(&[element("0.1", "a b", "X", rest)]), [expected], "{rest}");
        }
        let unlabelled = |query: &str| format!(r#"{{"context":"a","query":"{query}","span_position":["0;0"]}}"#);
        assert_eq!(read(&[unlabelled("which?")]), ["0 a KNOWN 0-1:KNOWN"]);
        assert_eq!(read(&[unlabelled("why?")]), ["1: missing field"]);
    }
}
