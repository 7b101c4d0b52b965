//! The global state: overlay, undo, typed maps and the authenticated root.
