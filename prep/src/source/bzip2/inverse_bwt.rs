//! The inverse of the transform of Burrows and Wheeler.
//!
//! A block is one walk through a table of 3.6 MB in which each step says where the next one is: whoever walks it step by step waits
//! for memory. So it is walked from many places at once. Each walk ends where another began, and at the end they are put in order.

/// Entries of the table; more than the largest block has.
const ENTRIES: usize = 1 << 20;
/// Walks under way at once: as many as there are loads that a core keeps in flight, and registers for them.
const LANES: usize = 16;
/// Steps between two looks at where the walks are.
const STEPS: usize = 512;
/// Steps of a walk, roughly.
const WALK: usize = 2048;
/// Set where the next step is the first of another walk.
const LAST: u32 = 1 << 31;

/// So many times the same byte.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub byte: u8,
    pub length: usize,
}

/// What is needed to undo the transform, 6 MB, used for block after block.
pub(super) struct Inverse {
    /// For each place in the sorted block: its byte, and from the eighth bit on which place comes next.
    table: Box<[u32; ENTRIES]>,
    /// Places at which walks begin, ascending.
    starts: Vec<u32>,
    walks: Vec<Walk>,
    /// What the walks gave, piece by piece.
    walked: Vec<u8>,
    pieces: Vec<Piece>,
}

/// A walk from one start to another.
#[derive(Clone, Copy, Default)]
struct Walk {
    /// Its first and last piece.
    pieces: Option<(u32, u32)>,
    /// Where it ended: the place at which another begins.
    end: u32,
}

/// A part of `walked`.
struct Piece {
    start: u32,
    length: u32,
    next: u32,
}

/// The walks under way.
struct Lanes {
    /// The place of each.
    at: [u32; LANES],
    /// Its number; nothing where there was no more to walk.
    walk: [Option<usize>; LANES],
    bytes: [[u8; STEPS]; LANES],
}

impl Inverse {
    pub fn new() -> Self {
        let table = vec![0; ENTRIES].into_boxed_slice().try_into().expect("the length is that of the array");
        Self { table, starts: Vec::new(), walks: Vec::new(), walked: Vec::new(), pieces: Vec::new() }
    }

    /// The block whose transform is `runs`, with so many of each byte, the original being at place `origin` of the sorted block.
    /// Nothing where there is no such place or the block is too large.
    pub fn run(&mut self, runs: impl Iterator<Item = Run>, counts: &[u32; 256], origin: usize, out: &mut Vec<u8>) -> Option<()> {
        let length = counts.iter().map(|&count| count as usize).sum::<usize>();
        if origin >= length || length >= ENTRIES {
            return None;
        }
        self.set_starts(length as u32, origin as u32);
        self.fill(runs, counts, length);
        self.walk(length);
        self.put_in_order(length, origin as u32, out);
        Some(())
    }

    fn set_starts(&mut self, length: u32, origin: u32) {
        self.starts.clear();
        self.starts.extend((0..length).step_by(WALK));
        if let Err(place) = self.starts.binary_search(&origin) {
            self.starts.insert(place, origin);
        }
    }

    fn fill(&mut self, runs: impl Iterator<Item = Run>, counts: &[u32; 256], length: usize) {
        let mut places = [0u32; 256];
        let mut before = 0;
        for (place, count) in places.iter_mut().zip(counts) {
            *place = before;
            before += count;
        }
        let mut starts = self.starts.iter().copied();
        let mut start = starts.next().unwrap_or(u32::MAX);
        let mut next = 0u32;
        for run in runs {
            let place = &mut places[usize::from(run.byte)];
            let first = *place as usize;
            let entries = &mut self.table[first..first + run.length];
            *place += run.length as u32;
            let mut entry = next << 8 | u32::from(run.byte);
            for slot in entries.iter_mut() {
                *slot = entry;
                entry += 1 << 8;
            }
            let end = next + run.length as u32;
            while start < end {
                entries[(start - next) as usize] |= LAST;
                start = starts.next().unwrap_or(u32::MAX);
            }
            next = end;
        }
        // Where lanes stay that have nothing more to walk.
        self.table[length] = (length as u32) << 8;
    }

    fn walk(&mut self, length: usize) {
        self.walks.clear();
        self.walks.resize(self.starts.len(), Walk::default());
        self.walked.clear();
        self.pieces.clear();
        let mut lanes = Lanes { at: [length as u32; LANES], walk: [None; LANES], bytes: [[0; STEPS]; LANES] };
        let mut begun = 0;
        let mut under_way = 0;
        let mut begin = |lanes: &mut Lanes, lane: usize| {
            let start = self.starts.get(begun);
            lanes.at[lane] = start.copied().unwrap_or(length as u32);
            lanes.walk[lane] = start.map(|_| begun);
            begun += usize::from(start.is_some());
            start.is_some()
        };
        for lane in 0..LANES {
            under_way += usize::from(begin(&mut lanes, lane));
        }
        while under_way > 0 {
            let (steps, last) = lanes.step(&self.table);
            for lane in 0..LANES {
                let Some(number) = lanes.walk[lane] else { continue };
                let walk = &mut self.walks[number];
                let piece = self.pieces.len() as u32;
                match &mut walk.pieces {
                    Some((_, last)) => {
                        self.pieces[*last as usize].next = piece;
                        *last = piece;
                    }
                    None => walk.pieces = Some((piece, piece)),
                }
                self.pieces.push(Piece { start: self.walked.len() as u32, length: steps as u32, next: 0 });
                self.walked.extend_from_slice(&lanes.bytes[lane][..steps]);
                if last[lane] {
                    walk.end = lanes.at[lane];
                    under_way -= usize::from(!begin(&mut lanes, lane));
                }
            }
        }
    }

    /// From the origin on, one walk after the other.
    fn put_in_order(&self, length: usize, origin: u32, out: &mut Vec<u8>) {
        out.clear();
        out.reserve(length);
        let mut start = origin;
        // A block that is something repeated comes back to its origin before it is whole.
        while out.len() < length {
            let walk = self.starts.binary_search(&start).expect("walks end where others begin");
            let walk = &self.walks[walk];
            let (mut at, last) = walk.pieces.expect("all walks were walked, and none is empty");
            loop {
                let piece = &self.pieces[at as usize];
                out.extend_from_slice(&self.walked[piece.start as usize..(piece.start + piece.length) as usize]);
                if at == last {
                    break;
                }
                at = piece.next;
            }
            start = walk.end;
        }
        out.truncate(length);
    }
}

impl Lanes {
    /// Goes on until a walk ends. Says how many steps were made, and which walks ended.
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
        self.at = at.map(|place| place & (ENTRIES as u32 - 1));
        (steps, entries.map(|entry| entry & LAST != 0))
    }
}
