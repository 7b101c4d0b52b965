//! What a Stratum server asks to be searched, and how headers come of it.

use blocktree_hashing::hash_twice;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A job, ready to be searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) id: String,
    /// The coinbase up to the second extranonce.
    before: Vec<u8>,
    /// And after it.
    after: Vec<u8>,
    branches: Vec<[u8; 32]>,
    version: u32,
    /// As in the header.
    parent: [u8; 32],
    bits: u32,
    time: u32,
    /// What shares must not exceed, little-endian.
    pub(crate) target: [u8; 32],
    /// Bytes of the second extranonce.
    pub(crate) extranonce2: usize,
    /// When it came: its time is brought up to date from there.
    came: Instant,
}

/// What a server sent that is no job.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node's job has no sound {0}")]
pub(crate) struct Unsound(&'static str);

impl Job {
    /// Reads the parameters of `mining.notify`.
    pub(crate) fn read(
        params: &Value,
        extranonce1: &[u8],
        extranonce2: usize,
        target: [u8; 32],
    ) -> Result<Self, Unsound> {
        let text =
            |index: usize, name| params.get(index).and_then(Value::as_str).ok_or(Unsound(name));
        let bytes = |index, name| hex::decode(text(index, name)?).map_err(|_| Unsound(name));
        let word = |index, name| match bytes(index, name)?.try_into() {
            Ok(four) => Ok(u32::from_be_bytes(four)),
            Err(_) => Err(Unsound(name)),
        };
        let mut parent: [u8; 32] =
            bytes(1, "previous hash")?.try_into().map_err(|_| Unsound("previous hash"))?;
        parent.as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse());
        let branches = params.get(4).and_then(Value::as_array).ok_or(Unsound("branches"))?;
        let branches = branches
            .iter()
            .map(|branch| hex::decode(branch.as_str()?).ok()?.try_into().ok())
            .collect::<Option<_>>()
            .ok_or(Unsound("branches"))?;
        let mut before = bytes(2, "coinbase")?;
        before.extend_from_slice(extranonce1);
        Ok(Self {
            id: text(0, "id")?.to_owned(),
            before,
            after: bytes(3, "coinbase")?,
            branches,
            version: word(5, "version")?,
            parent,
            bits: word(6, "bits")?,
            time: word(7, "time")?,
            target,
            extranonce2,
            came: Instant::now(),
        })
    }

    /// The header's time at this moment.
    pub(crate) fn time_now(&self) -> u32 {
        let since = u32::try_from(self.came.elapsed().as_secs()).unwrap_or(u32::MAX);
        self.time.saturating_add(since)
    }

    /// The root over the coinbase with this extranonce: the header's commitment.
    pub(crate) fn root(&self, extranonce2: &[u8]) -> [u8; 32] {
        let coinbase = [&self.before[..], extranonce2, &self.after].concat();
        self.branches
            .iter()
            .fold(hash_twice(&coinbase), |root, branch| hash_twice(&[root, *branch].concat()))
    }

    /// The header, its nonce 0.
    pub(crate) fn header(&self, root: &[u8; 32], time: u32) -> [u8; 80] {
        let mut header = [0; 80];
        let (version, parent) = (self.version.to_le_bytes(), self.parent);
        header[..4].copy_from_slice(&version);
        header[4..36].copy_from_slice(&parent);
        header[36..68].copy_from_slice(root);
        header[68..72].copy_from_slice(&time.to_le_bytes());
        header[72..76].copy_from_slice(&self.bits.to_le_bytes());
        header
    }
}

/// The target of a share difficulty, little-endian: `0xFFFF · 2^208 / difficulty`, in the 53 bits
/// that the number has, as other miners compute it.
pub(crate) fn target(difficulty: f64) -> Option<[u8; 32]> {
    if !difficulty.is_finite() || difficulty <= 0.0 {
        return None;
    }
    // difficulty = mantissa * 2^(power - 52), the mantissa of 53 bits: IEEE 754.
    let bits = difficulty.to_bits();
    let power = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0) - 1023;
    let mantissa = u128::from((bits & ((1 << 52) - 1)) | (1 << 52));
    // 0xFFFF * 2^104 / mantissa has 67 or 68 bits; 2^(208 + 52 - power - 104) is still missing.
    let quotient = (0xffff_u128 << 104) / mantissa;
    let mut shift = 156 - power;
    let mut value = quotient;
    if shift < 0 {
        value = value.checked_shr(shift.unsigned_abs()).unwrap_or(0);
        shift = 0;
    }
    let (at, bit) = (usize::try_from(shift / 8).ok()?, shift % 8);
    let mut target = [0; 32];
    let bytes = (value << bit).to_le_bytes();
    for (index, byte) in bytes.into_iter().enumerate() {
        match target.get_mut(at.saturating_add(index)) {
            Some(place) => *place = byte,
            // Easier than anything: every hash will do.
            None if byte != 0 => return Some([0xff; 32]),
            None => {}
        }
    }
    Some(target)
}

/// A share.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The work it was found in: shares of a lost connection are worth nothing.
    pub(crate) session: u64,
    pub(crate) job: Arc<Job>,
    pub(crate) extranonce2: Vec<u8>,
    pub(crate) time: u32,
    pub(crate) nonce: u32,
}

/// Where the client puts work and searchers find it.
#[derive(Default)]
pub(crate) struct Board {
    /// Changes with the job, so that searchers see a new one by a load.
    version: AtomicU64,
    present: Mutex<Present>,
    came: Condvar,
    /// Extranonces given out; no two searchers get one.
    pub(crate) extranonce2: AtomicU64,
    /// Hashes tried.
    pub(crate) hashes: AtomicU64,
}

#[derive(Default)]
struct Present {
    job: Option<Arc<Job>>,
    session: u64,
}

impl Board {
    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection begins: the number of its session.
    pub(crate) fn begin(&self) -> u64 {
        let mut present = self.present();
        present.session = present.session.wrapping_add(1);
        present.session
    }

    /// Searchers take this up at once: nothing is lost by leaving off, for no nonce is likelier.
    pub(crate) fn put(&self, job: Job) {
        self.present().job = Some(Arc::new(job));
        self.version.fetch_add(1, Ordering::Release);
        self.came.notify_all();
    }

    /// There is nothing to do.
    pub(crate) fn clear(&self) {
        self.present().job = None;
        self.version.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The job and its session, waiting a while for one.
    pub(crate) fn job(&self, wait: Duration) -> Option<(Arc<Job>, u64)> {
        let present = self.present();
        let has_none = |present: &mut Present| present.job.is_none();
        let (present, _) = self
            .came
            .wait_timeout_while(present, wait, has_none)
            .unwrap_or_else(PoisonError::into_inner);
        present.job.clone().map(|job| (job, present.session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn big_endian(difficulty: f64) -> String {
        hex::encode(target(difficulty).unwrap().into_iter().rev().collect::<Vec<_>>())
    }

    #[test]
    fn targets_of_difficulties() {
        let tail = "0".repeat(48);
        assert_eq!(big_endian(1.0), format!("00000000ffff0000{tail}"));
        assert_eq!(big_endian(0.003_906_25), format!("000000ffff000000{tail}"));
        assert_eq!(big_endian(1024.0), format!("00000000003fffc0{tail}"));
        // 0xFFFF * 2^208 / 3 = 0x5555 * 2^208.
        assert_eq!(big_endian(3.0), format!("0000000055550000{tail}"));
        assert_eq!(target(1e-30), Some([0xff; 32]));
        assert_eq!(target(1e300), Some([0; 32]));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(target(wrong), None);
        }
    }

    /// Bitcoin's block 1, whose coinbase is its only transaction, cut as a pool might.
    #[test]
    fn headers_are_bitcoins() {
        let coinbase = "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0704ffff001d0104ffffffff0100f2052a0100000043410496b538e853519c726a2c91e61ec11600ae1390813a627c66fb8be7947be63c52da7589379515d4e0a604f8141781e62294721166bf621e73a82cbf2342c858eeac00000000";
        let params = json!([
            "1",
            // The genesis hash's bytes, each word reversed.
            "0a8ce26f72b3f1b646a2a6c14ff763ae65831e939c085ae10019d66800000000",
            &coinbase[..20],
            &coinbase[32..],
            [],
            "00000001",
            "1d00ffff",
            "4966bc61",
            true
        ]);
        let extranonce1 = hex::decode(&coinbase[20..28]).unwrap();
        let job = Job::read(&params, &extranonce1, 2, [0; 32]).unwrap();
        let root = job.root(&hex::decode(&coinbase[28..32]).unwrap());
        let mut header = job.header(&root, 0x4966_bc61);
        header[76..].copy_from_slice(&2_573_394_689_u32.to_le_bytes());
        let mut hash = hash_twice(&header);
        hash.reverse();
        let wanted = "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048";
        assert_eq!(hex::encode(hash), wanted);
    }

    #[test]
    fn unsound_jobs_are_named() {
        let good =
            json!(["1", "00".repeat(32), "", "", [], "00000001", "1d00ffff", "4966bc61", true]);
        assert!(Job::read(&good, &[], 4, [0; 32]).is_ok());
        for (index, value, name) in [
            (0, json!(1), "id"),
            (1, json!("00"), "previous hash"),
            (2, json!("0"), "coinbase"),
            (4, json!(["00"]), "branches"),
            (5, json!("1"), "version"),
            (6, json!(null), "bits"),
            (7, json!("000000000"), "time"),
        ] {
            let mut bad = good.clone();
            bad[index] = value;
            assert_eq!(Job::read(&bad, &[], 4, [0; 32]), Err(Unsound(name)));
        }
        assert_eq!(Job::read(&json!({}), &[], 4, [0; 32]), Err(Unsound("previous hash")));
    }
}
