//! The inclusion vectors of transparency-dev/merkle: good paths and every kind of bad one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blocktree_fragments::{Digest, verify_inclusion};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    #[serde(rename = "desc")]
    _desc: String,
    want_err: bool,
}

/// A hash of the vectors; those of a wrong length are refused by the type already.
fn digest(text: &str) -> Option<Digest> {
    STANDARD.decode(text).expect("base64").try_into().ok()
}

/// What became of a case.
fn judge(case: &Case) -> &'static str {
    use blocktree_fragments::InclusionError::{IndexOutOfRange, PathLength, WrongRoot};
    let (Some(root), Some(leaf)) = (digest(&case.root), digest(&case.leaf_hash)) else {
        return "not a hash";
    };
    let siblings: Option<Vec<_>> =
        case.proof.iter().flatten().map(|sibling| digest(sibling)).collect();
    let Some(siblings) = siblings else {
        return "not a hash";
    };
    match verify_inclusion(&root, &leaf, case.leaf_idx, case.tree_size, &siblings) {
        Ok(()) => "accepted",
        Err(IndexOutOfRange { .. }) => "index",
        Err(PathLength { .. }) => "path length",
        Err(WrongRoot) => "root",
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the vectors are there") {
        let path = entry.expect("readable").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_inclusion_vector() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/rfc6962-merkle/inclusion");
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("readable");
        let case: Case = serde_json::from_str(&text).expect("a case");
        let outcome = judge(&case);
        assert_eq!(outcome != "accepted", case.want_err, "{}: {outcome}", path.display());
        *outcomes.entry(outcome).or_default() += 1;
    }
    // 98 files; the counts are those of a recursive verifier in another language. "Not a
    // hash" are the garbage, wrong-leaf and empty-root cases, with hashes of 0 or 9 bytes.
    let expected =
        [("accepted", 6), ("index", 11), ("not a hash", 26), ("path length", 26), ("root", 29)];
    assert_eq!(outcomes, BTreeMap::from(expected));
}
