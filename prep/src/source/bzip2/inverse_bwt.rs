//! The inverse Burrows–Wheeler transform.
//!
//! A block is one walk through a table of 3.6 MB in which each entry holds a byte and the index of the next entry. A walk step by step
//! waits for memory at each step. So the block is walked from many start points at once, in lanes whose loads overlap. A walk ends where
//! another one started; at the end the walks are concatenated in order.

/// Entries of the table. More than the largest block needs.
const ENTRIES: usize = 1 << 20;
/// Number of simultaneous walks: about the number of loads that a core keeps in flight.
const LANES: usize = 16;
/// Most steps of all lanes between two checks for finished walks.
const STEPS: usize = 512;
/// Average number of steps of a walk.
const WALK: usize = 2048;
/// Entries that are written at a time: most runs are shorter, and a loop over the exact length is mispredicted at almost every run.
const PADDED_RUN: usize = 8;
/// Flag of an entry: the next step belongs to another walk.
const LAST: u32 = 1 << 31;

/// A run of one byte.
#[derive(Clone, Copy)]
pub(super) struct ByteRun {
    pub byte: u8,
    pub length: usize,
}

/// Buffers of the inverse transform, 6 MB, reused for block after block.
pub(super) struct InverseBwt {
    /// By index in the sorted block: the byte in the low 8 bits, the index of the next entry above them, and [`LAST`].
    table: Box<[u32; ENTRIES]>,
    /// Indices at which walks start, ascending.
    starts: Vec<u32>,
    /// The walks, in the order of `starts`.
    walks: Vec<Walk>,
    /// The bytes of all walks, in chunks.
    walked: Vec<u8>,
    chunks: Vec<Chunk>,
}

/// A walk from one start to another.
#[derive(Clone, Copy, Default)]
struct Walk {
    /// Its first and last chunk.
    chunks: Option<(u32, u32)>,
    /// Where it ended: the start of the walk that follows it.
    end: u32,
}

/// Consecutive bytes of a walk, as a range of `walked`.
struct Chunk {
    start: u32,
    length: u32,
    /// The next chunk of the same walk.
    next: u32,
}

/// The walks in progress.
struct Lanes {
    /// The current index of each lane.
    at: [u32; LANES],
    /// The number of its walk; `None` if the lane is idle.
    walk: [Option<usize>; LANES],
    bytes: [[u8; STEPS]; LANES],
}

impl InverseBwt {
    /// Allocates the table.
    pub fn new() -> Self {
        let table = vec![0; ENTRIES].into_boxed_slice().try_into().expect("the length is that of the array");
        Self { table, starts: Vec::new(), walks: Vec::new(), walked: Vec::new(), chunks: Vec::new() }
    }

    /// Inverts the transform of a block and replaces the content of `out`. `runs` is the last column of the sorted block, `counts` how
    /// often each byte occurs in it, and `origin` the row of the original block.
    ///
    /// `None` if there is no such row, or if the block is too large.
    pub fn invert(&mut self, runs: impl Iterator<Item = ByteRun>, counts: &[u32; 256], origin: usize, out: &mut Vec<u8>) -> Option<()> {
        let length = counts.iter().map(|&count| count as usize).sum::<usize>();
        if origin >= length || length >= ENTRIES {
            return None;
        }
        self.choose_starts(length as u32, origin as u32);
        self.fill_table(runs, counts, length);
        self.walk(length);
        self.concatenate(length, origin as u32, out);
        Some(())
    }

    fn choose_starts(&mut self, length: u32, origin: u32) {
        self.starts.clear();
        self.starts.extend((0..length).step_by(WALK));
        if let Err(index) = self.starts.binary_search(&origin) {
            self.starts.insert(index, origin);
        }
    }

    fn fill_table(&mut self, runs: impl Iterator<Item = ByteRun>, counts: &[u32; 256], length: usize) {
        // By byte: the index of its next row in the sorted block.
        let mut rows = [0u32; 256];
        let mut before = 0;
        for (row, count) in rows.iter_mut().zip(counts) {
            *row = before;
            before += count;
        }
        // By byte: the row after its last one.
        let ends: [u32; 256] = std::array::from_fn(|byte| rows[byte] + counts[byte]);
        let mut starts = self.starts.iter().copied();
        let mut start = starts.next().unwrap_or(u32::MAX);
        let mut next = 0u32;
        for run in runs {
            let row = &mut rows[usize::from(run.byte)];
            let first = *row as usize;
            *row += run.length as u32;
            let mut entry = next << 8 | u32::from(run.byte);
            let padded = run.length.next_multiple_of(PADDED_RUN);
            if first + padded <= ends[usize::from(run.byte)] as usize {
                // The rows after the run belong to the same byte, and its later runs overwrite them.
                for entries in self.table[first..first + padded].as_chunks_mut::<PADDED_RUN>().0 {
                    *entries = std::array::from_fn(|at| entry + ((at as u32) << 8));
                    entry += (PADDED_RUN as u32) << 8;
                }
            } else {
                for slot in &mut self.table[first..first + run.length] {
                    *slot = entry;
                    entry += 1 << 8;
                }
            }
            let end = next + run.length as u32;
            while start < end {
                self.table[first + (start - next) as usize] |= LAST;
                start = starts.next().unwrap_or(u32::MAX);
            }
            next = end;
        }
        // Idle lanes stay at this entry.
        self.table[length] = (length as u32) << 8;
    }

    fn walk(&mut self, length: usize) {
        self.walks.clear();
        self.walks.resize(self.starts.len(), Walk::default());
        self.walked.clear();
        self.chunks.clear();
        let mut lanes = Lanes { at: [length as u32; LANES], walk: [None; LANES], bytes: [[0; STEPS]; LANES] };
        let mut started = 0;
        let mut active = 0;
        let mut start_walk = |lanes: &mut Lanes, lane: usize| {
            let start = self.starts.get(started);
            lanes.at[lane] = start.copied().unwrap_or(length as u32);
            lanes.walk[lane] = start.map(|_| started);
            started += usize::from(start.is_some());
            start.is_some()
        };
        for lane in 0..LANES {
            active += usize::from(start_walk(&mut lanes, lane));
        }
        while active > 0 {
            let (steps, last) = lanes.step(&self.table);
            for lane in 0..LANES {
                let Some(number) = lanes.walk[lane] else { continue };
                let walk = &mut self.walks[number];
                let chunk = self.chunks.len() as u32;
                match &mut walk.chunks {
                    Some((_, last)) => {
                        self.chunks[*last as usize].next = chunk;
                        *last = chunk;
                    }
                    None => walk.chunks = Some((chunk, chunk)),
                }
                self.chunks.push(Chunk { start: self.walked.len() as u32, length: steps as u32, next: 0 });
                self.walked.extend_from_slice(&lanes.bytes[lane][..steps]);
                if last[lane] {
                    walk.end = lanes.at[lane];
                    active -= usize::from(!start_walk(&mut lanes, lane));
                }
            }
        }
    }

    /// Writes the walks one after the other, from the one that starts at the origin.
    fn concatenate(&self, length: usize, origin: u32, out: &mut Vec<u8>) {
        out.clear();
        out.reserve(length);
        let mut start = origin;
        // In a periodic block, the walk returns to the origin after one period.
        while out.len() < length {
            let walk = self.starts.binary_search(&start).expect("a walk ends at the start of another");
            let walk = &self.walks[walk];
            let (mut at, last) = walk.chunks.expect("all walks were walked, and none is empty");
            loop {
                let chunk = &self.chunks[at as usize];
                out.extend_from_slice(&self.walked[chunk.start as usize..(chunk.start + chunk.length) as usize]);
                if at == last {
                    break;
                }
                at = chunk.next;
            }
            start = walk.end;
        }
        out.truncate(length);
    }
}

impl Lanes {
    /// Advances all lanes until a walk ends, [`STEPS`] steps at most. Returns the number of steps, and which walks ended.
    #[inline(never)]
    fn step(&mut self, table: &[u32; ENTRIES]) -> (usize, [bool; LANES]) {
        let mut at = self.at;
        let mut entries = [0; LANES];
        let mut steps = 0;
        while steps < STEPS {
            let mut any = 0;
            for lane in 0..LANES {
                let entry = table[at[lane] as usize % ENTRIES];
                self.bytes[lane][steps] = entry as u8;
                at[lane] = entry >> 8;
                entries[lane] = entry;
                any |= entry;
            }
            steps += 1;
            if any & LAST != 0 {
                break;
            }
        }
        self.at = at.map(|index| index & (ENTRIES as u32 - 1));
        (steps, entries.map(|entry| entry & LAST != 0))
    }
}
