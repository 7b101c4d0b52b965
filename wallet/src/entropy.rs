//! Random bytes of the operating system; the only place that asks for them.

use zeroize::Zeroizing;

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes ({0}); no key can be made without them")]
pub struct EntropyError(getrandom::Error);

/// `N` random bytes, erased when dropped.
///
/// # Errors
/// When the operating system gives none.
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, EntropyError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(EntropyError)?;
    Ok(bytes)
}
