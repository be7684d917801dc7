//! The inputs of a run: opened to see what they are, then read in turn.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context, ensure};
use schemas::manifest::Input;
use schemas::{Folder, Page, QuerySet};

use super::{Config, INTERRUPTED, redirects, variant};
use crate::cli::{DumpArgs, Variant};
use crate::pipeline::Feed;
use crate::source::{PageChunk, Progress, SiteInfo, SplitError, Splitter, Stream};
use crate::wikitext::Templates;

/// Bytes of XML, or pages, handed to a worker at once.
const BATCH_BYTES: usize = 1 << 19;
const BATCH_PAGES: usize = 64;
/// Faults of a stream, without a page between them, after which the rest is given up.
const MAX_FAULTS: usize = 100;

/// Inputs, opened and known to be what they should be.
pub(super) struct Sources {
    pub sources: Vec<Source>,
    pub sites: BTreeMap<String, SiteInfo>,
    /// Bytes of all inputs, as they are on disk.
    pub bytes: u64,
    /// The user's templates with the built-in ones, and the hash of the file.
    pub templates: Option<(Templates, String)>,
}

/// One of them.
pub(super) enum Source {
    Dump { input: DumpInput, site: SiteInfo, lang: String, path: String },
    Pages { folder: Folder, path: PathBuf },
}

impl Sources {
    pub fn open(paths: &[PathBuf], args: &DumpArgs, threads: usize, progress: &Progress) -> anyhow::Result<Self> {
        let templates = args.templates.as_deref().map(read_templates).transpose()?;
        let mut all = Self { sources: Vec::new(), sites: BTreeMap::new(), bytes: 0, templates };
        for path in paths {
            if path.is_dir() {
                let folder = Folder::open::<Page>(path)?;
                let sites = folder.manifest().config.get("sites").cloned().unwrap_or_default();
                let sites: BTreeMap<String, BTreeMap<i32, String>> =
                    serde_json::from_value(sites).with_context(|| format!("{}: manifest's config.sites", path.display()))?;
                for (lang, namespaces) in sites {
                    let site = SiteInfo { lang: lang.clone(), namespaces, ..SiteInfo::default() };
                    all.sites.entry(lang).or_insert(site);
                }
                all.bytes += folder.manifest().shards.iter().map(|shard| shard.bytes).sum::<u64>();
                all.sources.push(Source::Pages { folder, path: path.clone() });
                continue;
            }
            if args.resolve_redirects {
                redirects::check_input(path)?;
            }
            let name = path.display().to_string();
            let input = DumpInput::open(path, threads, progress)?;
            let site = input.site.clone();
            let told = if site.lang.is_empty() { site.dbname.strip_suffix("wiki").unwrap_or_default() } else { &site.lang };
            let lang = args.lang.clone().unwrap_or_else(|| told.to_owned());
            ensure!(!lang.is_empty(), "{name} does not say its language; give it with --lang");
            all.sites.entry(lang.clone()).or_insert_with(|| site.clone());
            all.bytes += std::fs::metadata(path).map_or(0, |meta| meta.len());
            all.sources.push(Source::Dump { input, site, lang, path: name });
        }
        Ok(all)
    }

    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().filter_map(|source| match source {
            Source::Pages { path, .. } => Some(path.as_path()),
            Source::Dump { .. } => None,
        })
    }

    pub fn first_folder(&self) -> String {
        self.folders().next().map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Whether the text of some page is Simplified Chinese by conversion.
    pub fn are_simplified(&self, args: &DumpArgs) -> bool {
        self.sources.iter().any(|source| match source {
            Source::Dump { lang, .. } => variant(lang, args) == Variant::ZhHans,
            Source::Pages { folder, .. } => {
                let config = &folder.manifest().config;
                config["sites"].get("zh").is_some() && config["variant"] != "none"
            }
        })
    }

    /// What workers need to know of each source.
    pub fn dumps(&self) -> Vec<Dump> {
        self.sources
            .iter()
            .map(|source| match source {
                Source::Dump { path, site, lang, .. } => Dump { path: path.clone(), site: site.clone(), lang: lang.clone() },
                Source::Pages { path, .. } => Dump { path: path.display().to_string(), site: SiteInfo::default(), lang: String::new() },
            })
            .collect()
    }

    pub fn config(&self, args: &DumpArgs, queries: Option<Vec<QuerySet>>) -> Config {
        Config {
            namespaces: args.namespace.clone(),
            variant: args.variant,
            with: args.with.clone(),
            templates: self.templates.as_ref().map(|(_, hash)| hash.clone()),
            strict: args.strict,
            skip_damaged: args.skip_damaged,
            queries,
            min_entities: None,
            max_chars: None,
            repeat_mentions: None,
            resolve_redirects: args.resolve_redirects,
            nee: None,
            sites: self.sites.iter().map(|(lang, site)| (lang.clone(), site.namespaces.clone())).collect(),
        }
    }
}

/// A dump whose head was read.
pub(super) struct DumpInput {
    path: PathBuf,
    threads: usize,
    progress: Progress,
    /// What it says of its wiki.
    pub site: SiteInfo,
    /// Open still, where it cannot be opened twice.
    splitter: Option<Box<Splitter<Stream>>>,
}

impl DumpInput {
    /// A file is closed again until its turn comes, so that many inputs do not take threads and memory all at once.
    fn open(path: &Path, threads: usize, progress: &Progress) -> anyhow::Result<Self> {
        let name = || path.display().to_string();
        let file = path.is_file();
        let stream = if file { Stream::open(path, Progress::default()) } else { Stream::open_on(threads, path, progress.clone()) }?;
        let splitter = Splitter::new(stream).with_context(name)?;
        let site = splitter.site().clone();
        let splitter = (!file).then(|| Box::new(splitter));
        Ok(Self { path: path.to_owned(), threads, progress: progress.clone(), site, splitter })
    }

    fn splitter(self) -> anyhow::Result<Splitter<Stream>> {
        match self.splitter {
            Some(splitter) => Ok(*splitter),
            None => {
                let stream = Stream::open_on(self.threads, &self.path, self.progress)?;
                Splitter::new(stream).with_context(|| self.path.display().to_string())
            }
        }
    }
}

/// A piece of work.
pub(super) enum Work {
    Chunks { dump: usize, chunks: Vec<PageChunk> },
    Rows(Vec<Page>),
}

/// A dump, as workers need it.
pub(super) struct Dump {
    pub path: String,
    pub site: SiteInfo,
    pub lang: String,
}

/// What the reading thread has to say at the end.
pub(super) struct Ended {
    pub inputs: Vec<Input>,
    /// How many of them are damaged.
    pub damaged: usize,
    /// What broke, where something did.
    pub damage: Vec<anyhow::Error>,
}

/// Reads the user's templates.
fn read_templates(path: &Path) -> anyhow::Result<(Templates, String)> {
    let name = || format!("--templates {}", path.display());
    let text = std::fs::read_to_string(path).with_context(name)?;
    let templates = Templates::built_in().with(&text).with_context(name)?;
    Ok((templates, blake3::hash(text.as_bytes()).to_hex().to_string()))
}

/// Reads all inputs in turn and hands their pages on.
pub(super) fn read_all(sources: Vec<Source>, feed: &mut Feed<Work>, skip_damaged: bool) -> Ended {
    let mut ended = Ended { inputs: Vec::new(), damaged: 0, damage: Vec::new() };
    for (index, source) in sources.into_iter().enumerate() {
        let outcome = match source {
            Source::Dump { input, path, .. } => input.splitter().and_then(|mut splitter| {
                let mut damage = Vec::new();
                let wanted = read_dump(&mut splitter, index, feed, skip_damaged, &mut damage);
                ended.inputs.push(splitter.reader().input());
                let mut damage = damage.into_iter().map(|error| anyhow::Error::new(error).context(path.clone()));
                let first = damage.next();
                if first.is_some() {
                    ended.damaged += 1;
                }
                match first {
                    Some(error) if !wanted || !skip_damaged => Err(error),
                    first => {
                        ended.damage.extend(first.into_iter().chain(damage));
                        Ok(wanted)
                    }
                }
            }),
            Source::Pages { folder, path } => {
                ended.inputs.extend(folder.manifest().shards.iter().map(|shard| Input {
                    path: path.join(&shard.file).display().to_string(),
                    bytes: shard.bytes,
                    blake3: shard.blake3.clone(),
                }));
                read_folder(&folder, feed)
            }
        };
        match outcome {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                ended.damage.push(error);
                if !skip_damaged {
                    break;
                }
            }
        }
    }
    ended
}

/// Hands on the pages of a dump. What breaks goes to `damage`; with `skip_damaged` reading goes on after it where that can be done.
/// False: nobody wants more.
fn read_dump(
    splitter: &mut Splitter<Stream>,
    dump: usize,
    feed: &mut Feed<Work>,
    skip_damaged: bool,
    damage: &mut Vec<SplitError>,
) -> bool {
    let mut chunks = Vec::new();
    let mut bytes = 0;
    // Of a stream that never recovers there is an end too.
    let mut faults_in_a_row = 0;
    loop {
        match splitter.next() {
            Some(Ok(chunk)) => {
                faults_in_a_row = 0;
                bytes += chunk.xml.len();
                chunks.push(chunk);
            }
            Some(Err(error)) => {
                let goes_on = skip_damaged && error.can_go_on() && faults_in_a_row < MAX_FAULTS;
                // After a fault of the stream, an end without </mediawiki> is no news, nor is the same fault again.
                let cause = |error: &SplitError| error.source().map(ToString::to_string);
                let again = damage.last().is_some_and(|last| cause(last) == cause(&error));
                if faults_in_a_row == 0 || (goes_on && !again) {
                    damage.push(error);
                }
                if !goes_on {
                    break;
                }
                faults_in_a_row += 1;
                splitter.go_on();
            }
            None => break,
        }
        if bytes >= BATCH_BYTES || chunks.len() >= BATCH_PAGES {
            bytes = 0;
            if INTERRUPTED.load(Ordering::Relaxed) || !feed.send(Work::Chunks { dump, chunks: std::mem::take(&mut chunks) }) {
                return false;
            }
        }
    }
    chunks.is_empty() || feed.send(Work::Chunks { dump, chunks })
}

fn read_folder(folder: &Folder, feed: &mut Feed<Work>) -> anyhow::Result<bool> {
    for rows in folder.rows::<Page>() {
        if INTERRUPTED.load(Ordering::Relaxed) || !feed.send(Work::Rows(rows?)) {
            return Ok(false);
        }
    }
    Ok(true)
}
