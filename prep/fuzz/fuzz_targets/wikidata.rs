//! Any bytes, read as lines of the JSON dump of Wikidata, give records that are read back, and counts that add up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prep::names::wikidata::entity::NameSelection;
use prep::names::wikidata::lines::LineRecords;
use prep::names::wikidata::record::NameRecord;

fuzz_target!(|data: &[u8]| {
    let selection = NameSelection { lang: "en".to_owned(), wiki: "enwiki".to_owned() };
    let found = LineRecords::read(&[data], &selection, |name| name.len() as u16);
    assert!(found.entities.adds_up());
    let mut records = found.records.as_slice();
    for (partition, bytes) in &found.partitions {
        let before = records.len();
        let record = NameRecord::read(&mut records).expect("it was written");
        assert_eq!((record.name.len() as u16, before - records.len()), (*partition, *bytes as usize));
    }
    assert!(records.is_empty());
    // Spilled bytes may be damaged.
    let mut damaged = data;
    while NameRecord::read(&mut damaged).is_some() {}
});
