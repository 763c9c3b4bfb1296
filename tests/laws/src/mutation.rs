//! Changes inputs as a fuzzer does, but drawn from a seed, so that a test is the same in every run.

/// Numbers that bring out mistakes at the ends of a field.
const TELLING: [u8; 10] = [0, 1, 2, 3, 0x0f, 0x10, 0x7f, 0x80, 0xfe, 0xff];

/// Largest input the mutations grow to.
const LEN_MAX: usize = 4096;

/// A stream of numbers from a seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when it is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// A byte, often one that stands at the end of something.
    pub fn byte(&mut self) -> u8 {
        if self.below(2) == 0 {
            TELLING[self.below(TELLING.len())]
        } else {
            self.next().to_le_bytes()[0]
        }
    }
}

/// A copy of `base`, changed in a few places; parts of `other` may be spliced in.
#[must_use]
pub fn mutated(random: &mut Random, base: &[u8], other: &[u8]) -> Vec<u8> {
    let mut data = base.to_vec();
    for _ in 0..=random.below(6) {
        change(random, &mut data, other);
    }
    data.truncate(LEN_MAX);
    data
}

fn change(random: &mut Random, data: &mut Vec<u8>, other: &[u8]) {
    let at = random.below(data.len() + 1);
    let len = random.below(17);
    let end = (at + len).min(data.len());
    match random.below(7) {
        0 => {
            if let Some(byte) = data.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            if let Some(byte) = data.get_mut(at) {
                *byte = random.byte();
            }
        }
        2 => data.truncate(at),
        3 => {
            data.drain(at..end);
        }
        4 => {
            let copy = data[at..end].to_vec();
            let to = random.below(data.len() + 1);
            data.splice(to..to, copy);
        }
        5 => {
            let new: Vec<u8> = (0..len).map(|_| random.byte()).collect();
            data.splice(at..at, new);
        }
        _ => {
            let from = random.below(other.len() + 1);
            let to = (from + random.below(200)).min(other.len());
            data.splice(at..end, other[from..to].iter().copied());
        }
    }
}
