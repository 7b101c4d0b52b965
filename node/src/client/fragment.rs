//! `blocktree fragment`: roots and proofs of fragment files, without a node.

use super::{Answer, input, leaves};
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;

/// Roots and Merkle proofs of fragment files; needs no node
#[derive(Debug, Subcommand)]
pub(crate) enum FragmentCommand {
    Root(RootArgs),
    Prove(ProveArgs),
}

/// Print the Merkle root under which the ledger knows a fragment, and its size
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree fragment root cat.f0")]
pub(crate) struct RootArgs {
    /// The fragment
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Print a leaf of a fragment with its path to the root
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree fragment prove cat.f0 3 --json")]
pub(crate) struct ProveArgs {
    /// The fragment
    file: PathBuf,
    /// Which leaf of 256 bytes, from 0
    index: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl FragmentCommand {
    /// Does it; also says whether the answer is to be JSON.
    pub(crate) fn run(self) -> (bool, Result<Answer>) {
        match self {
            Self::Root(args) => (args.json, args.run()),
            Self::Prove(args) => (args.json, args.run()),
        }
    }
}

impl RootArgs {
    fn run(&self) -> Result<Answer> {
        let fragment = leaves::fragment(&self.file)?;
        let root = hex::encode(fragment.root);
        let count = blocktree_fragments::leaf_count(fragment.size);
        let size = input::size_text(fragment.size);
        Ok(Answer::new(
            format!("root    {root}\nsize    {size}\nleaves  {count}"),
            json!({ "root": root, "size": fragment.size, "leaves": count }),
        ))
    }
}

impl ProveArgs {
    fn run(&self) -> Result<Answer> {
        let leaf = leaves::leaf(&self.file, self.index)?;
        let root = hex::encode(leaf.fragment.root);
        let bytes = hex::encode(&leaf.bytes);
        let count = blocktree_fragments::leaf_count(leaf.fragment.size);
        let siblings: Vec<String> = leaf.siblings.iter().map(hex::encode).collect();
        let text = format!(
            "root      {root}\nleaf      {} of {count}: {bytes}\nsiblings  {}",
            leaf.index,
            siblings.join("\n          ")
        );
        let json = json!({
            "root": root,
            "size": leaf.fragment.size,
            "index": leaf.index,
            "count": count,
            "leaf": bytes,
            "siblings": siblings,
        });
        Ok(Answer::new(text, json))
    }
}
