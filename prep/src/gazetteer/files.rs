//! Files of names: text, CSV and Parquet, whatever their encoding and line ends.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, anyhow, bail, ensure};
use arrow::array::AsArray;
use arrow::datatypes::DataType;
use encoding_rs::{DecoderResult, Encoding, UTF_8};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::manifest::InputFile;

use crate::source::{BytesRead, InputStream};

/// `LABEL=FILE[:COLUMN]`, as the command line has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GazetteerArg {
    /// What the file's names are.
    pub label: String,
    /// The file, with or without a column: a colon may be part of its name.
    pub file: String,
}

impl FromStr for GazetteerArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((label, file)) if !label.trim().is_empty() && !file.is_empty() => {
                Ok(Self { label: label.trim().to_owned(), file: file.to_owned() })
            }
            _ => Err("expected LABEL=FILE or LABEL=FILE:COLUMN, as in PER=people.txt".to_owned()),
        }
    }
}

/// A file of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameFile {
    /// Where it is.
    pub path: PathBuf,
    /// Which column holds the names, in CSV and Parquet.
    pub column: Option<String>,
}

impl NameFile {
    /// The file that `FILE[:COLUMN]` means.
    ///
    /// # Errors
    /// There is none.
    pub fn find(file: &str) -> anyhow::Result<Self> {
        let path = PathBuf::from(file);
        if path.is_file() {
            return Ok(Self { path, column: None });
        }
        match file.rsplit_once(':') {
            Some((before, column)) if !column.is_empty() && Path::new(before).is_file() => {
                Ok(Self { path: before.into(), column: Some(column.to_owned()) })
            }
            _ => bail!("no gazetteer file is at {file}"),
        }
    }

    /// Reads the file and hands on its names as they are written; a blank line is none. What the file was is given back.
    ///
    /// Memory: the file, twice where it is not UTF-8; of Parquet a batch of rows.
    ///
    /// # Errors
    /// A file that cannot be read, bytes that are not of the encoding, with their line, a column that is missing or not named; and
    /// what `take` fails with.
    pub fn read(&self, encoding: &'static Encoding, mut take: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<InputFile> {
        let path = &self.path;
        self.read_into(encoding, &mut take).with_context(|| path.display().to_string())
    }

    fn read_into(&self, encoding: &'static Encoding, take: &mut dyn FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<InputFile> {
        let mut head = Vec::new();
        File::open(&self.path).and_then(|file| file.take(4).read_to_end(&mut head)).context("cannot read")?;
        let mut stream = InputStream::open(&self.path, BytesRead::default())?;
        if head == b"PAR1" {
            std::io::copy(&mut stream, &mut std::io::sink()).context("cannot read")?;
            parquet_names(&self.path, self.column.as_deref(), take)?;
            return Ok(stream.input());
        }
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).context("cannot read")?;
        // A byte-order mark says what the file is, whatever the others are; the stream has made UTF-8 of it.
        let encoding = if Encoding::for_bom(&head).is_some() { UTF_8 } else { encoding };
        let text = decode(bytes, encoding)?;
        let is_csv = self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        match &self.column {
            Some(column) => csv_names(&text, column, take)?,
            None if is_csv => {
                let columns = csv_columns(&text, b',').join(", ");
                bail!("CSV needs the column that holds the names, as in LABEL={}:COLUMN; it has {columns}", self.path.display())
            }
            None => text_names(&text, take)?,
        }
        Ok(stream.input())
    }
}

/// A name a line; what follows a tab is not part of it.
fn text_names(text: &str, take: &mut dyn FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
    text.split(['\n', '\r']).filter_map(|line| line.split('\t').next()).filter(|name| !name.trim().is_empty()).try_for_each(take)
}

fn decode(bytes: Vec<u8>, encoding: &'static Encoding) -> anyhow::Result<String> {
    let wrong = |before: &str| {
        let line = before.replace("\r\n", "\n").split(['\n', '\r']).count();
        anyhow!("line {line} is not {}; say what it is with --encoding, as in --encoding gbk", encoding.name())
    };
    if encoding == UTF_8 {
        return String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            wrong(&String::from_utf8_lossy(&error.as_bytes()[..valid]))
        });
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).context("the file is too large")?;
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(&bytes, &mut text, true) {
        (DecoderResult::InputEmpty, _) => Ok(text),
        _ => Err(wrong(&text)),
    }
}

/// What parts the columns of tables that people call CSV.
const DELIMITERS: [u8; 3] = [b',', b'\t', b';'];

fn csv_reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    // In tables with tabs a quote is a char like any other.
    csv::ReaderBuilder::new().delimiter(delimiter).quoting(delimiter != b'\t').from_reader(text.as_bytes())
}

fn csv_columns(text: &str, delimiter: u8) -> Vec<String> {
    csv_reader(text, delimiter).headers().map(|row| row.iter().map(|name| name.trim().to_owned()).collect()).unwrap_or_default()
}

fn csv_names(text: &str, column: &str, take: &mut dyn FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let found = DELIMITERS.iter().find_map(|&delimiter| {
        let at = csv_columns(text, delimiter).iter().position(|name| name == column)?;
        Some((delimiter, at))
    });
    let Some((delimiter, at)) = found else {
        bail!("no column is named `{column}`; the first line has {}", csv_columns(text, b',').join(", "));
    };
    let mut reader = csv_reader(text, delimiter);
    let mut row = csv::StringRecord::new();
    // A row of more or fewer columns than the first is an error that names its line.
    while reader.read_record(&mut row)? {
        row.get(at).map_or(Ok(()), &mut *take)?;
    }
    Ok(())
}

fn parquet_names(path: &Path, column: Option<&str>, take: &mut dyn FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let columns = || builder.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
    let Some(column) = column else {
        bail!("Parquet needs the column that holds the names, as in LABEL={}:COLUMN; it has {}", path.display(), columns());
    };
    let Some(at) = builder.schema().fields().iter().position(|field| field.name() == column) else {
        bail!("no column is named `{column}`; it has {}", columns());
    };
    let found = builder.schema().field(at).data_type().clone();
    ensure!(is_text(&found), "column `{column}` is {found}, expected text");
    let mask = ProjectionMask::roots(builder.parquet_schema(), [at]);
    for batch in builder.with_projection(mask).build()? {
        let texts = arrow::compute::cast(batch?.column(0), &DataType::LargeUtf8)?;
        texts.as_string::<i64>().iter().flatten().try_for_each(&mut *take)?;
    }
    Ok(())
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, Int32Array, LargeStringArray, RecordBatch, StringArray, StringViewArray};
    use arrow::datatypes::Int32Type;
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;

    use super::*;

    fn read(name: &str, bytes: &[u8], column: Option<&str>, encoding: &str) -> Result<Vec<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut names = Vec::new();
        let file = NameFile { path, column: column.map(str::to_owned) };
        let input = file
            .read(Encoding::for_label(encoding.as_bytes()).unwrap(), |name| {
                names.push(name.to_owned());
                Ok(())
            })
            .map_err(|error| format!("{error:#}"))?;
        assert_eq!((input.bytes, input.blake3), (bytes.len() as u64, blake3::hash(bytes).to_string()));
        Ok(names)
    }

    #[test]
    fn arguments() {
        for (text, expected) in [
            ("PER=a.txt", Some(("PER", "a.txt"))),
            ("LOC=x=y.csv:name", Some(("LOC", "x=y.csv:name"))),
            ("a.txt", None),
            ("=a", None),
            ("A=", None),
        ] {
            let found = text.parse::<GazetteerArg>().ok();
            assert_eq!(found, expected.map(|(label, file)| GazetteerArg { label: label.to_owned(), file: file.to_owned() }), "{text}");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("a:b"), "").unwrap();
        std::fs::write(path("c"), "").unwrap();
        let column = |file: &str| NameFile::find(&path(file)).map(|file| file.column);
        assert_eq!(column("a:b").unwrap(), None);
        assert_eq!(column("a:b:name").unwrap(), Some("name".to_owned()));
        assert_eq!(column("c:name").unwrap(), Some("name".to_owned()));
        assert!(column("d:name").unwrap_err().to_string().contains("d:name"));
    }

    #[test]
    fn text_of_every_kind() {
        let utf16: Vec<u8> = [0xfeff].into_iter().chain("北京\r\nÖdön".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (bytes, encoding, expected) in [
            ("北京\nÖdön\n".as_bytes(), "utf-8", &["北京", "Ödön"][..]),
            ("北京\r\n\r\nÖdön".as_bytes(), "utf-8", &["北京", "Ödön"]),
            ("\u{feff}北京\t193258\rÖdön\t1\r".as_bytes(), "utf-8", &["北京", "Ödön"]),
            ("\u{feff}北京".as_bytes(), "gbk", &["北京"]),
            (b"\xb1\xb1\xbe\xa9\n\xc9\xcf\xba\xa3\t9\n", "gbk", &["北京", "上海"]),
            (&utf16, "utf-8", &["北京", "Ödön"]),
            (b"", "utf-8", &[]),
        ] {
            assert_eq!(read("names.txt", bytes, None, encoding).unwrap(), expected, "{encoding} {bytes:?}");
        }
        for (bytes, encoding, line) in
            [(&b"a\nb\r\nc\r\xff\n"[..], "utf-8", "line 4 is not UTF-8"), (b"\xb1\xb1\n\xff\xff", "gbk", "line 2 is not GBK")]
        {
            let error = read("names.txt", bytes, None, encoding).unwrap_err();
            assert!(error.contains("names.txt") && error.contains(line) && error.contains("--encoding"), "{error}");
        }
    }

    #[test]
    fn tables() {
        let csv = b"id,name\r\n1,\"Paris, Texas\"\r\n2,Oslo\r\n";
        assert_eq!(read("a.csv", csv, Some("name"), "utf-8").unwrap(), ["Paris, Texas", "Oslo"]);
        assert_eq!(read("a.tsv", b"id\tname\n1\tthe \"Old\n", Some("name"), "utf-8").unwrap(), ["the \"Old"]);
        assert_eq!(read("a.csv", b"id;name\n1;Oslo\n", Some("name"), "utf-8").unwrap(), ["Oslo"]);
        for (column, bytes, expected) in [
            (None, &csv[..], "it has id, name"),
            (Some("nom"), csv, "no column is named `nom`; the first line has id, name"),
            (Some("name"), b"id,name\n1,a\n2\n", "line: 3"),
        ] {
            let error = read("a.csv", bytes, column, "utf-8").unwrap_err();
            assert!(error.contains("a.csv") && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn parquet() {
        let texts = ["北京", "Oslo"];
        let arrays: [ArrayRef; 5] = [
            Arc::new(StringArray::from(texts.to_vec())),
            Arc::new(LargeStringArray::from(texts.to_vec())),
            Arc::new(StringViewArray::from(texts.to_vec())),
            Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>()),
            Arc::new(Int32Array::from(vec![1, 2])),
        ];
        let names = ["plain", "large", "view", "dictionary", "number"];
        let batch = RecordBatch::try_from_iter(names.into_iter().zip(arrays)).unwrap();
        let mut bytes = Vec::new();
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        for name in &names[..4] {
            assert_eq!(read("a.parquet", &bytes, Some(name), "utf-8").unwrap(), texts, "{name}");
        }
        for (column, expected) in
            [(None, "it has plain, large"), (Some("x"), "no column is named `x`"), (Some("number"), "is Int32, expected text")]
        {
            let error = read("a.parquet", &bytes, column, "utf-8").unwrap_err();
            assert!(error.contains("a.parquet") && error.contains(expected), "{error}");
        }
    }
}
