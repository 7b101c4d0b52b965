//! What goes wrong on our side: a fault stops the node cleanly, and blames no peer.

/// Our disk failed, or what it holds is not what we wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The disk is full.
    #[error("the disk is full: {0}")]
    DiskFull(String),
    /// Reading or writing failed.
    #[error("the disk failed: {0}")]
    Disk(String),
    /// Stored bytes are not what this program writes.
    #[error("the data folder is damaged: {0}")]
    Corrupt(String),
    /// A rule of our own was broken by our own code; the state was not changed.
    #[error("internal error: {0}")]
    Bug(String),
}
