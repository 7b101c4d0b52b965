//! Templates and the search for blocks.
