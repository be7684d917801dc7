//! Reads names from gazetteer files: text, CSV and Parquet, in any encoding and with any line ends.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use arrow::array::AsArray;
use arrow::datatypes::DataType;
use encoding_rs::{DecoderResult, Encoding, UTF_8};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::manifest::InputFile;

use crate::source::{BytesRead, InputStream};

/// Takes a name; its error ends the reading.
type TakeName<'a> = &'a mut dyn FnMut(&str) -> anyhow::Result<()>;

/// A file of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameFile {
    /// Path of the file.
    pub path: PathBuf,
    /// The column that holds the names: its name, or `#2` for the second one of a table without a header. Required for CSV and Parquet;
    /// `None` reads one name per line.
    pub column: Option<String>,
}

/// What was read of a [`NameFile`].
#[derive(Debug)]
pub struct NamesRead {
    /// The file, with its size and hash.
    pub input: InputFile,
    /// Rows of a table that have more or fewer fields than its first row. They are skipped.
    pub ragged_rows: u64,
}

impl NameFile {
    /// Resolves `FILE` or `FILE:COLUMN`. A colon may be part of a path, so the whole text is taken for a path where such a file exists.
    ///
    /// # Errors
    /// Neither file exists.
    pub fn resolve(file_and_column: &str) -> anyhow::Result<Self> {
        let path = PathBuf::from(file_and_column);
        if path.is_file() {
            return Ok(Self { path, column: None });
        }
        match file_and_column.rsplit_once(':') {
            Some((path, column)) if !column.is_empty() && Path::new(path).is_file() => {
                Ok(Self { path: path.into(), column: Some(column.to_owned()) })
            }
            _ => bail!("no gazetteer file {file_and_column}; expected an existing file, or FILE:COLUMN for CSV and Parquet"),
        }
    }

    /// Reads the file and passes each name on as it is written. Blank lines are skipped.
    ///
    /// Parquet is detected by its first bytes, CSV by a given column or the extension `.csv`; anything else is text. bzip2, gzip,
    /// xz and zstd are decompressed. A byte-order mark decides the encoding; `encoding` is that of files without one.
    ///
    /// Memory: the decompressed file, twice where it is not UTF-8; for Parquet one batch of rows.
    ///
    /// # Errors
    /// A file that cannot be read; bytes that are invalid in the encoding, with their line; a column that is missing or not given; and
    /// any error of `take`.
    pub fn read(&self, encoding: &'static Encoding, mut take: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<NamesRead> {
        let path = &self.path;
        self.read_names(encoding, &mut take).with_context(|| path.display().to_string())
    }

    fn read_names(&self, encoding: &'static Encoding, take: TakeName<'_>) -> anyhow::Result<NamesRead> {
        let mut head = Vec::new();
        File::open(&self.path).and_then(|file| file.take(4).read_to_end(&mut head)).context("cannot read")?;
        let mut stream = InputStream::open(&self.path, BytesRead::default())?;
        if head == b"PAR1" {
            // Read for the hash alone; Parquet needs a file to seek in.
            std::io::copy(&mut stream, &mut std::io::sink()).context("cannot read")?;
            read_parquet(&self.path, self.column.as_deref(), take)?;
            return Ok(NamesRead { input: stream.input(), ragged_rows: 0 });
        }
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).context("cannot read")?;
        // The stream has converted text with a byte-order mark to UTF-8 already.
        let encoding = if Encoding::for_bom(&head).is_some() { UTF_8 } else { encoding };
        let text = decode(bytes, encoding)?;
        let is_csv = self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let ragged_rows = match &self.column {
            Some(column) => read_csv(&text, column, take)?,
            None if is_csv => {
                let columns = csv_header(&text, b',').join(", ");
                bail!("CSV needs the column that holds the names, as in LABEL={}:COLUMN; it has {columns}", self.path.display())
            }
            None => {
                read_lines(&text, take)?;
                0
            }
        };
        Ok(NamesRead { input: stream.input(), ragged_rows })
    }
}

/// One name per line, up to the first tab.
fn read_lines(text: &str, take: TakeName<'_>) -> anyhow::Result<()> {
    text.split(['\n', '\r']).filter_map(|line| line.split('\t').next()).filter(|name| !name.trim().is_empty()).try_for_each(take)
}

fn decode(bytes: Vec<u8>, encoding: &'static Encoding) -> anyhow::Result<String> {
    let invalid = |valid_text: &str| {
        let line = valid_text.replace("\r\n", "\n").split(['\n', '\r']).count();
        anyhow!("line {line} is not {}; give the file's encoding with --encoding, as in --encoding gbk", encoding.name())
    };
    if encoding == UTF_8 {
        return String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            invalid(&String::from_utf8_lossy(&error.as_bytes()[..valid]))
        });
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let capacity = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).context("the file is too large")?;
    let mut text = String::with_capacity(capacity);
    match decoder.decode_to_string_without_replacement(&bytes, &mut text, true) {
        (DecoderResult::InputEmpty, _) => Ok(text),
        _ => Err(invalid(&text)),
    }
}

/// Delimiters of tables that people call CSV.
const DELIMITERS: [u8; 3] = [b',', b'\t', b';'];

fn csv_reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    // Tab-separated files do not quote: a quote is a char like any other.
    csv::ReaderBuilder::new().delimiter(delimiter).quoting(delimiter != b'\t').flexible(true).from_reader(text.as_bytes())
}

/// The column names in the first row.
fn csv_header(text: &str, delimiter: u8) -> Vec<String> {
    csv_reader(text, delimiter).headers().map(|row| row.iter().map(|name| name.trim().to_owned()).collect()).unwrap_or_default()
}

/// Reads a column, with the first delimiter that makes the header have it. Returns the number of rows that were skipped, because they have
/// more or fewer fields than the first one.
fn read_csv(text: &str, column: &str, take: TakeName<'_>) -> anyhow::Result<u64> {
    let number = column.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
    let found = match number {
        Some(number) => {
            // Without a header, the delimiter that parts the first row into most fields is the one.
            let fields = |delimiter: &u8| csv_header(text, *delimiter).len();
            let delimiter = DELIMITERS.into_iter().rev().max_by_key(fields).filter(|delimiter| (1..=fields(delimiter)).contains(&number));
            delimiter.map(|delimiter| (delimiter, number - 1))
        }
        None => DELIMITERS.into_iter().find_map(|delimiter| {
            let index = csv_header(text, delimiter).iter().position(|name| name == column)?;
            Some((delimiter, index))
        }),
    };
    let Some((delimiter, index)) = found else {
        let header = csv_header(text, b',').join(", ");
        bail!("no column is named `{column}`; the first line has {header}; a table without a header has columns #1, #2, …");
    };
    let mut reader = csv_reader(text, delimiter);
    let fields = reader.headers()?.len();
    if number.is_some() {
        reader.headers()?.clone().get(index).map_or(Ok(()), &mut *take)?;
    }
    let mut ragged_rows = 0;
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row)? {
        match row.get(index) {
            Some(name) if row.len() == fields => take(name)?,
            _ => ragged_rows += 1,
        }
    }
    Ok(ragged_rows)
}

fn read_parquet(path: &Path, column: Option<&str>, take: TakeName<'_>) -> anyhow::Result<()> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let columns = || builder.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
    let Some(column) = column else {
        bail!("Parquet needs the column that holds the names, as in LABEL={}:COLUMN; it has {}", path.display(), columns());
    };
    let Some(index) = builder.schema().fields().iter().position(|field| field.name() == column) else {
        bail!("no column is named `{column}`; it has {}", columns());
    };
    let data_type = builder.schema().field(index).data_type().clone();
    ensure!(is_text(&data_type), "column `{column}` is {data_type}, expected text");
    let projection = ProjectionMask::roots(builder.parquet_schema(), [index]);
    for batch in builder.with_projection(projection).build()? {
        let names = arrow::compute::cast(batch?.column(0), &DataType::LargeUtf8)?;
        names.as_string::<i64>().iter().flatten().try_for_each(&mut *take)?;
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
        let NamesRead { input, ragged_rows } = input;
        assert_eq!((input.bytes, input.blake3), (bytes.len() as u64, blake3::hash(bytes).to_string()));
        names.extend((ragged_rows > 0).then(|| format!("{ragged_rows} ragged")));
        Ok(names)
    }

    #[test]
    fn a_colon_may_be_part_of_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("a:b"), "").unwrap();
        std::fs::write(path("c"), "").unwrap();
        let column = |file: &str| NameFile::resolve(&path(file)).map(|file| file.column);
        assert_eq!(column("a:b").unwrap(), None);
        assert_eq!(column("a:b:name").unwrap(), Some("name".to_owned()));
        assert_eq!(column("c:name").unwrap(), Some("name".to_owned()));
        assert!(column("d:name").unwrap_err().to_string().contains("d:name"));
    }

    #[test]
    fn text_in_any_encoding() {
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
    fn csv_with_any_delimiter() {
        let csv = b"id,name\r\n1,\"Paris, Texas\"\r\n2,Oslo\r\n";
        assert_eq!(read("a.csv", csv, Some("name"), "utf-8").unwrap(), ["Paris, Texas", "Oslo"]);
        assert_eq!(read("a.tsv", b"id\tname\n1\tthe \"Old\n", Some("name"), "utf-8").unwrap(), ["the \"Old"]);
        assert_eq!(read("a.csv", b"id;name\n1;Oslo\n", Some("name"), "utf-8").unwrap(), ["Oslo"]);
        let ragged = b"id,name\n1,a\n2\n3,b,c\n4,d\n";
        assert_eq!(read("a.csv", ragged, Some("name"), "utf-8").unwrap(), ["a", "d", "2 ragged"]);
        assert_eq!(read("a.txt", b"1;Oslo, NO;x\n2;Bergen;y\n", Some("#2"), "utf-8").unwrap(), ["Oslo, NO", "Bergen"]);
        assert_eq!(read("a.csv", b"Oslo,1\nBergen,2\n", Some("#1"), "utf-8").unwrap(), ["Oslo", "Bergen"]);
        for (column, bytes, expected) in [
            (None, &csv[..], "it has id, name"),
            (Some("nom"), csv, "no column is named `nom`; the first line has id, name"),
            (Some("#3"), csv, "no column is named `#3`"),
            (Some("#0"), csv, "no column is named `#0`"),
        ] {
            let error = read("a.csv", bytes, column, "utf-8").unwrap_err();
            assert!(error.contains("a.csv") && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn parquet_with_any_text_type() {
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
