//! Which target a block must meet (docs/protocol.md §3.5): ASERT `aserti3-2d` of Bitcoin Cash,
//! exactly, with genesis as anchor; or always the target of genesis.

use crate::fork::ChainInfo;
use crate::params::{Difficulty, Params};
use crate::target::{Target, TargetError};
use primitive_types::{U256, U512};

/// One as a fixed-point number: 16 bits after the point.
const ONE: u128 = 1 << 16;

/// What ASERT computes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asert {
    /// The target of the anchor block.
    pub anchor: Target,
    /// The easiest target.
    pub limit: Target,
    /// Seconds between blocks that are aimed at.
    pub spacing: u32,
    /// Seconds of delay that double the target. Not zero.
    pub half_life: u64,
}

impl Asert {
    /// The target, as compact bits, of the block after one that is `height_diff` above the
    /// anchor and whose time is `time_diff` seconds after that of the anchor's parent.
    #[must_use]
    pub fn next_bits(&self, time_diff: i64, height_diff: u64) -> u32 {
        // 128 bits hold everything: 2^32 · 2^64 · 2^16.
        let ideal = i128::from(self.spacing) * (i128::from(height_diff) + 1);
        let late = i128::from(time_diff) - ideal;
        // Rounded towards zero, as C++ does; a half-life of zero is refused by `Params::check`.
        let exponent = (late * 65_536) / i128::from(self.half_life.max(1));
        // 2^exponent = 2^shift · 2^(fraction / 65536), the shift rounded down.
        let shift = exponent >> 16;
        let fraction = u128::try_from(exponent & 0xffff).unwrap_or(0);
        let product = U512::from(self.anchor.value()) * U512::from(two_to_the(fraction));
        let target = shifted(product, shift - 16).unwrap_or(U256::MAX);
        Target::new(target.max(U256::one()).min(self.limit.value())).unwrap_or(self.limit).to_bits()
    }
}

/// 2^(fraction / 65536) in 16-bit fixed point, by the cubic approximation that gives `aserti3`
/// its name; below 2 · 65536.
fn two_to_the(fraction: u128) -> u128 {
    let square = fraction * fraction;
    let cubic = 195_766_423_245_049 * fraction + 971_821_376 * square + 5_127 * square * fraction;
    ONE + ((cubic + (1 << 47)) >> 48)
}

/// ⌊value · 2^by⌋, `None` if it does not fit 256 bits.
fn shifted(value: U512, by: i128) -> Option<U256> {
    let distance = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    if by <= 0 {
        let value = if distance < 512 { value >> distance } else { U512::zero() };
        return U256::try_from(value).ok();
    }
    match value.bits().checked_add(distance) {
        Some(bits) if bits <= 256 => U256::try_from(value << distance).ok(),
        _ => None,
    }
}

impl Params {
    /// The `bits` that the block after `parent` must carry, exactly.
    ///
    /// # Errors
    /// [`TargetError`] if the parameters were never checked.
    pub fn expected_bits(&self, parent: &ChainInfo) -> Result<u32, TargetError> {
        let Difficulty::Asert { half_life_spacings } = self.difficulty else {
            return Ok(self.genesis_bits);
        };
        let asert = Asert {
            anchor: Target::from_bits(self.genesis_bits)?,
            limit: Target::from_bits(self.limit_bits)?,
            spacing: self.spacing,
            half_life: u64::from(half_life_spacings) * u64::from(self.spacing),
        };
        // Genesis, the anchor, has no parent; one spacing before it stands in for that time.
        let anchor_parent_time = i64::from(self.genesis_time) - i64::from(self.spacing);
        let time_diff = i64::from(parent.time) - anchor_parent_time;
        Ok(asert.next_bits(time_diff, parent.height.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Work;
    use blocktree_primitives::{BlockHash, Height};

    const LIMIT: u32 = 0x1d00_ffff;

    fn target(bits: u32) -> Target {
        Target::from_bits(bits).unwrap()
    }

    fn field(text: &str, name: &str) -> String {
        let line = text.lines().find(|line| line.contains(name)).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    }

    fn bits(text: &str) -> u32 {
        u32::from_str_radix(text.strip_prefix("0x").unwrap(), 16).unwrap()
    }

    /// Bitcoin Cash Node's vectors (tests/vectors/asert), every row of every run: spacing 600 s,
    /// half-life 172,800 s, limit 0x1d00ffff.
    #[test]
    fn bitcoin_cash_vectors() {
        let runs = [
            include_str!("../../../tests/vectors/asert/run01.txt"),
            include_str!("../../../tests/vectors/asert/run02.txt"),
            include_str!("../../../tests/vectors/asert/run03.txt"),
            include_str!("../../../tests/vectors/asert/run04.txt"),
            include_str!("../../../tests/vectors/asert/run05.txt"),
            include_str!("../../../tests/vectors/asert/run06.txt"),
        ];
        let mut rows = 0;
        for run in runs {
            let asert = Asert {
                anchor: target(bits(&field(run, "anchor nBits:"))),
                limit: target(LIMIT),
                spacing: 600,
                half_life: 172_800,
            };
            let anchor_height: u64 = field(run, "anchor height:").parse().unwrap();
            let parent_time: i64 = field(run, "anchor parent time:").parse().unwrap();
            for row in run.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())) {
                let fields: Vec<&str> = row.split_whitespace().collect();
                let [_, height, time, expected] = fields[..] else {
                    panic!("four columns: {row}");
                };
                let (height, time): (u64, i64) = (height.parse().unwrap(), time.parse().unwrap());
                let found = asert.next_bits(time - parent_time, height - anchor_height);
                assert_eq!(found, bits(expected), "{row}");
                rows += 1;
            }
        }
        // Ten rows each of runs 1 to 3, 225 each of 4 and 5, 1000 of run 6.
        assert_eq!(rows, 3 * 10 + 2 * 225 + 1000);
    }

    fn params(difficulty: Difficulty) -> Params {
        Params {
            genesis_time: 1_700_000_000,
            genesis_bits: 0x1c00_ffff,
            limit_bits: LIMIT,
            spacing: 60,
            difficulty,
            max_future: 600,
        }
    }

    fn parent(height: u64, time: u32) -> ChainInfo {
        ChainInfo {
            hash: BlockHash::ZERO,
            height: Height(height),
            time,
            bits: 0,
            total_work: Work::ZERO,
        }
    }

    #[test]
    fn genesis_is_the_anchor_as_if_its_parent_came_one_spacing_before() {
        let asert = params(Difficulty::Asert { half_life_spacings: 288 });
        let at = |height, time| asert.expected_bits(&parent(height, time)).unwrap();
        // On schedule nothing changes: block h at genesis + 60 h.
        assert_eq!(at(0, 1_700_000_000), 0x1c00_ffff);
        assert_eq!(at(1000, 1_700_060_000), 0x1c00_ffff);
        // One half-life, 288 · 60 = 17,280 s, late: twice the target; early: half.
        assert_eq!(at(1000, 1_700_077_280), 0x1c01_fffe);
        assert_eq!(at(1000, 1_700_042_720), 0x1b7f_ff80);
        // Late by eight half-lives and more: the limit, 256 times genesis.
        assert_eq!(at(0, 1_700_138_240), LIMIT);
        assert_eq!(at(0, u32::MAX), LIMIT);
        // 64 bits of height ahead of any clock: the hardest target, 1.
        assert_eq!(at(u64::MAX, 0), 0x0101_0000);
    }

    #[test]
    fn extremes_neither_panic_nor_leave_the_range() {
        for half_life in [1, u64::MAX] {
            for anchor in [U256::one(), U256::MAX] {
                let asert = Asert {
                    anchor: Target::new(anchor).unwrap(),
                    limit: Target::new(U256::MAX).unwrap(),
                    spacing: u32::MAX,
                    half_life,
                };
                for time in [i64::MIN, -1, 0, 1, i64::MAX] {
                    for height in [0, 1, u64::MAX] {
                        assert!(Target::from_bits(asert.next_bits(time, height)).is_ok());
                    }
                }
            }
        }
    }

    #[test]
    fn a_constant_difficulty_stays() {
        let constant = params(Difficulty::Constant);
        assert_eq!(constant.expected_bits(&parent(9, u32::MAX)), Ok(0x1c00_ffff));
    }
}
