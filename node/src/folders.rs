//! Where things are unless told otherwise: the XDG base directories.

use crate::usage::UsageError;
use std::path::{Path, PathBuf};

const OURS: &str = "blocktree";

/// The folder of a chain.
///
/// # Errors
/// When neither `XDG_DATA_HOME` nor `HOME` says where.
pub(crate) fn chain_data(chain: &str) -> Result<PathBuf, UsageError> {
    data_home("--data-dir").map(|home| home.join(OURS).join(chain))
}

/// `XDG_DATA_HOME`, or its default; `flag` is what to give where there is neither.
fn data_home(flag: &str) -> Result<PathBuf, UsageError> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    data_home_of(absolute("XDG_DATA_HOME"), absolute("HOME").as_deref()).ok_or_else(|| {
        UsageError::new(format!(
            "neither XDG_DATA_HOME nor HOME names a folder: name one with {flag}"
        ))
    })
}

fn data_home_of(xdg: Option<PathBuf>, home: Option<&Path>) -> Option<PathBuf> {
    xdg.or_else(|| Some(home?.join(".local").join("share")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_xdg_data_home_comes_first_then_the_home_folder() {
        let (xdg, home) = (PathBuf::from("/data"), Path::new("/home/me"));
        assert_eq!(data_home_of(Some(xdg.clone()), Some(home)), Some(xdg));
        assert_eq!(data_home_of(None, Some(home)), Some("/home/me/.local/share".into()));
        assert_eq!(data_home_of(None, None), None);
    }
}
