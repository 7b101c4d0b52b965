//! SHA-256 compression by instructions that not every x86-64 has.
//!
//! All `unsafe` of the project is in this folder, and of two kinds: entering a function
//! whose processor features were detected (each kernel's `Detected`), and unaligned
//! loads and stores through references ([`memory`]).

// Lanes are walked by index throughout: the loops have constant counts and unroll, and
// closures would stand between the intrinsics and their target features.
#![expect(clippy::needless_range_loop, reason = "several arrays are walked together")]

pub(crate) mod avx512;
mod memory;
pub(crate) mod shani;
