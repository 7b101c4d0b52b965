//! Waiting events: the pool and its policy.
