//! The MRC JSON of BERT-MRC code bases: an element for each sentence and label.

use std::collections::BTreeSet;
use std::io::Read;

use schemas::{Counter, Query};
use serde_json::{Map, Value};

use super::elements::{Element, Elements};
use super::offsets::{Marked, Offsets, pair, position};
use super::{Trouble, kind, label, object, string};
use crate::corpora::sentence::{Fault, Item, ReadError, Sentence, SentenceReader};

/// Reads `{"qas_id": "3.1", "context": "a b c", "query": "…", "entity_label": "PER", "start_position": [0], "end_position": [1],
/// "span_position": ["0;1"], "impossible": false}`.
///
/// - Elements that follow each other are one sentence while their context and the sentence's part of `qas_id` are the same and no
///   label comes twice. One malformed element costs the sentence: what it would answer is not known.
/// - `span_position` is the answer; without it, `start_position` and `end_position` are paired in order.
/// - Without `entity_label` the label is that of the query set's question with the same words.
///
/// Memory: the elements of a sentence.
pub struct Reader<'a, R> {
    elements: Elements<R>,
    offsets: Offsets,
    known: &'a [Query],
    /// The first element of the next sentence.
    next: Option<Ask>,
    number: u32,
    sentences: Counter,
    parts: Counter,
}

/// An element.
struct Ask {
    number: u64,
    line: u64,
    /// What `qas_id` says of the sentence.
    stem: Option<String>,
    context: Option<String>,
    answer: Result<Answer, Trouble>,
}

struct Answer {
    label: String,
    question: String,
    spans: Vec<Marked>,
}

impl<'a, R: Read> Reader<'a, R> {
    /// A reader at the file's start. `known`: questions that tell the label of elements without one.
    pub fn new(input: R, offsets: Offsets, known: &'a [Query]) -> Self {
        let elements = Elements::new(input);
        let (sentences, parts) = (Counter::default(), Counter::default());
        Self { elements, offsets, known, next: None, number: 0, sentences, parts }
    }

    fn next_ask(&mut self) -> Result<Option<Ask>, ReadError> {
        if let Some(ask) = self.next.take() {
            return Ok(Some(ask));
        }
        Ok(self.elements.next_element()?.map(|element| self.ask(element)))
    }

    fn ask(&self, element: Element) -> Ask {
        let (number, line) = (element.number, element.line);
        match object(element) {
            Ok(object) => {
                let text = |name: &str| object.get(name).and_then(Value::as_str);
                // The reference counts sentences before the last dot and labels after it.
                let stem = text("qas_id").and_then(|id| Some(id.rsplit_once('.')?.0.to_owned()));
                Ask { number, line, stem, context: text("context").map(str::to_owned), answer: self.answer(&object) }
            }
            Err(trouble) => Ask { number, line, stem: None, context: None, answer: Err(trouble) },
        }
    }

    fn answer(&self, object: &Map<String, Value>) -> Result<Answer, Trouble> {
        string(object, "context")?;
        let question = string(object, "query")?;
        let label = match object.get("entity_label") {
            Some(value) => label(value)?,
            None => {
                let known = self.known.iter().find(|query| query.text == question).map(|query| query.label.clone());
                known.ok_or_else(|| {
                    let detail = "no `entity_label`, and its `query` is none of the questions of --queries".to_owned();
                    Trouble::new("missing field", detail)
                })?
            }
        };
        let pairs = spans(object)?;
        if object.get("impossible").and_then(Value::as_bool) == Some(true) && !pairs.is_empty() {
            return Err(Trouble::new("contradiction", format!("`impossible` is true with {} spans", pairs.len())));
        }
        let spans = pairs.into_iter().map(|(start, end)| Marked { start, end, label: label.clone(), text: None }).collect();
        Ok(Answer { label, question: question.to_owned(), spans })
    }

    /// Takes elements to the sentence's end and makes the item of it; nothing where the context is empty.
    fn sentence(&mut self, first: Ask) -> Result<Option<Item>, ReadError> {
        let mut asks = vec![first];
        while let Some(ask) = self.next_ask()? {
            if !continues(&asks, &ask) {
                self.next = Some(ask);
                break;
            }
            asks.push(ask);
        }
        let count = asks.len() as u64;
        let line = asks[0].line;
        let context = asks.iter().find_map(|ask| ask.context.clone()).unwrap_or_default();
        let (mut spans, mut questions, mut fault) = (Vec::new(), Vec::new(), None);
        for ask in asks {
            match ask.answer {
                Ok(answer) if fault.is_none() => {
                    // Checked one by one, so that the fault names its element.
                    if let Err(trouble) = self.offsets.body(&context, answer.spans.clone()) {
                        fault = Some(trouble.at(ask.number, ask.line));
                    }
                    spans.extend(answer.spans);
                    questions.push((answer.label, answer.question));
                }
                Ok(_) => {}
                Err(trouble) => fault = fault.or(Some(trouble.at(ask.number, ask.line))),
            }
        }
        let body = match fault {
            Some(fault) => return Ok(Some(self.leave_out(fault, count))),
            None => self.offsets.body(&context, spans).expect("each span was checked"),
        };
        if body.is_blank() {
            self.sentences.skip("empty");
            self.parts.seen += count;
            *self.parts.skipped.entry("empty".to_owned()).or_default() += count;
            return Ok(None);
        }
        self.sentences.keep();
        self.parts.seen += count;
        self.parts.out += count;
        let number = self.number;
        self.number += 1;
        Ok(Some(Item::Sentence(Sentence { number, line, body, questions })))
    }

    fn leave_out(&mut self, fault: Fault, elements: u64) -> Item {
        self.number += 1;
        self.sentences.skip(fault.reason);
        self.parts.seen += elements;
        *self.parts.skipped.entry("in a sentence left out".to_owned()).or_default() += elements;
        Item::Fault(fault)
    }
}

/// Whether an element asks the same sentence as those before it.
fn continues(asks: &[Ask], next: &Ask) -> bool {
    let stem = asks.iter().find_map(|ask| ask.stem.as_ref());
    let context = asks.iter().find_map(|ask| ask.context.as_ref());
    let same = |before: Option<&String>, now: Option<&String>| before.is_none() || now.is_none() || before == now;
    let label = |ask: &Ask| ask.answer.as_ref().ok().map(|answer| answer.label.clone());
    let asked = label(next).is_some_and(|label_of_next| asks.iter().filter_map(label).any(|label| label == label_of_next));
    same(stem, next.stem.as_ref()) && same(context, next.context.as_ref()) && !asked
}

/// The spans of an element.
fn spans(object: &Map<String, Value>) -> Result<Vec<(u64, u64)>, Trouble> {
    let array = |name: &str| match object.get(name) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.as_slice())),
        Some(other) => Err(Trouble::new("bad field", format!("`{name}` is {}, expected an array", kind(other)))),
    };
    let numbers = |name: &str| array(name)?.map(|items| items.iter().map(position).collect::<Result<Vec<u64>, Trouble>>()).transpose();
    let (starts, ends) = (numbers("start_position")?, numbers("end_position")?);
    let Some(items) = array("span_position")? else {
        let (Some(starts), Some(ends)) = (starts, ends) else {
            let detail = "no `span_position`, expected it, or `start_position` and `end_position`".to_owned();
            return Err(Trouble::new("missing field", detail));
        };
        if starts.len() != ends.len() {
            let detail = format!("{} starts and {} ends without `span_position`, expected as many", starts.len(), ends.len());
            return Err(Trouble::new("contradiction", detail));
        }
        return Ok(starts.into_iter().zip(ends).collect());
    };
    let pairs = items.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    let differs = |given: Option<Vec<u64>>, of: fn(&(u64, u64)) -> u64| {
        given.is_some_and(|given| given.into_iter().collect::<BTreeSet<_>>() != pairs.iter().map(of).collect())
    };
    if differs(starts, |pair| pair.0) || differs(ends, |pair| pair.1) {
        let detail = "`span_position` has other starts or ends than `start_position` and `end_position`".to_owned();
        return Err(Trouble::new("contradiction", detail));
    }
    Ok(pairs)
}

impl<R: Read> SentenceReader for Reader<'_, R> {
    fn next_item(&mut self) -> Result<Option<Item>, ReadError> {
        while let Some(ask) = self.next_ask()? {
            if let Some(item) = self.sentence(ask)? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    fn sentences(&self) -> &Counter {
        &self.sentences
    }

    fn parts(&self) -> (&'static str, &Counter) {
        ("elements", &self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora::sentence::Body;

    fn element(id: &str, context: &str, label: &str, rest: &str) -> String {
        format!(r#"{{"qas_id":"{id}","context":"{context}","query":"{label}?","entity_label":"{label}",{rest}}}"#)
    }

    /// Sentences as `number text asked start-end:label …`, faults as `line: reason`.
    fn read(elements: &[String]) -> Vec<String> {
        let text = elements.join("\n");
        let known = [Query { label: "KNOWN".to_owned(), text: "which?".to_owned() }];
        let mut reader = Reader::new(text.as_bytes(), Offsets::TOKENS, &known);
        let mut found = Vec::new();
        while let Some(item) = reader.next_item().unwrap() {
            found.push(match item {
                Item::Sentence(Sentence { number, body: Body::Tokens { tokens, entities }, questions, .. }) => {
                    let asked: Vec<&str> = questions.iter().map(|(label, _)| label.as_str()).collect();
                    let entities: Vec<String> =
                        entities.iter().map(|(tokens, label)| format!(" {}-{}:{label}", tokens.start, tokens.end)).collect();
                    format!("{number} {} {}{}", tokens.join("_"), asked.join("+"), entities.concat())
                }
                Item::Sentence(other) => panic!("{other:?}"),
                Item::Fault(fault) => format!("{}: {}", fault.line, fault.reason),
            });
        }
        assert!(reader.sentences().adds_up() && reader.parts().1.adds_up());
        assert_eq!(reader.parts().1.seen, elements.len() as u64);
        found
    }

    #[test]
    fn elements_of_a_sentence_are_put_together() {
        let spans = |text: &str| format!(r#""span_position":[{text}]"#);
        for (elements, expected) in [
            (vec![], &[][..]),
            (
                vec![element("0.1", "a b", "X", &spans(r#""0;1""#)), element("0.2", "a b", "Y", &spans(r#""1;1","0;0""#))],
                &["0 a_b X+Y 0-2:X 1-2:Y 0-1:Y"],
            ),
            // Another number, another text, or a label once more begin a sentence.
            (vec![element("0.1", "a", "X", &spans("")), element("1.2", "a", "Y", &spans(""))], &["0 a X", "1 a Y"]),
            (vec![element("", "a", "X", &spans("")), element("", "b", "Y", &spans(""))], &["0 a X", "1 b Y"]),
            (vec![element("", "a", "X", &spans("")), element("", "a", "X", &spans(""))], &["0 a X", "1 a X"]),
            // A malformed element costs its sentence and no other.
            (
                vec![element("0.1", "a", "X", &spans("")), element("0.2", "a", "Y", &spans("7")), element("1.1", "b", "X", &spans(""))],
                &["2: bad span", "1 b X"],
            ),
            (vec![element("0.1", "a", "X", &spans(r#""0;1""#)), element("1.1", "b", "X", &spans(""))], &["1: span outside", "1 b X"]),
            (vec![element("0.1", "a", "X", &spans("")), "x".to_owned()], &["2: not JSON"]),
            (vec![element("0.1", " ", "X", &spans(""))], &[]),
        ] {
            assert_eq!(read(&elements), expected, "{elements:?}");
        }
    }

    #[test]
    fn answers() {
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
