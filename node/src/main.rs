//! The blocktree node and its command line.

fn main() {}
