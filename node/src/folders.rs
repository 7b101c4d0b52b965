//! Where things are unless told otherwise: the XDG base directories.

use crate::usage::UsageError;
use anyhow::{Context, Result};
use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

const OURS: &str = "blocktree";
/// In a data folder while a node works on it: where it answers.
const RPC_URL: &str = "rpc-url";
/// Bytes of that file at most.
const MAX_URL: u64 = 256;

/// The folder of a chain.
///
/// # Errors
/// When neither `XDG_DATA_HOME` nor `HOME` says where.
pub(crate) fn chain_data(chain: &str) -> Result<PathBuf, UsageError> {
    data_home("--data-dir").map(|home| home.join(OURS).join(chain))
}

/// The folder of the keys.
///
/// # Errors
/// As [`chain_data`].
pub(crate) fn keystore() -> Result<PathBuf, UsageError> {
    data_home("--keystore").map(|home| home.join(OURS).join("keystore"))
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

/// Where a client on this machine reaches a node that listens on `addr`.
pub(crate) fn rpc_url(addr: SocketAddr) -> String {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("ws://{}", SocketAddr::new(ip, addr.port()))
}

/// Notes where the node on a data folder answers.
///
/// # Errors
/// When the file can't be written.
pub(crate) fn write_rpc_url(data_dir: &Path, addr: SocketAddr) -> Result<()> {
    let path = data_dir.join(RPC_URL);
    fs::write(&path, format!("{}\n", rpc_url(addr)))
        .with_context(|| format!("can't write {}", path.display()))
}

/// Where the node on a data folder answers. Right while it runs; a killed node leaves the file.
///
/// # Errors
/// When there is no such file.
pub(crate) fn read_rpc_url(data_dir: &Path) -> Result<String> {
    let path = data_dir.join(RPC_URL);
    let mut text = String::new();
    fs::File::open(&path)
        .and_then(|file| file.take(MAX_URL).read_to_string(&mut text))
        .with_context(|| {
            format!(
                "{} does not say where the node on this folder answers: try again in a moment, or \
                 name it with --rpc URL",
                path.display()
            )
        })?;
    Ok(text.trim().to_owned())
}

/// Removes the note; best effort, for it says nothing when no node runs.
pub(crate) fn remove_rpc_url(data_dir: &Path) {
    let _ = fs::remove_file(data_dir.join(RPC_URL));
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

    #[test]
    fn the_note_says_where_this_machine_reaches_the_node() {
        for (addr, url) in [
            ("127.0.0.1:1", "ws://127.0.0.1:1"),
            ("0.0.0.0:2", "ws://127.0.0.1:2"),
            ("[::]:3", "ws://[::1]:3"),
            ("192.0.2.1:4", "ws://192.0.2.1:4"),
        ] {
            assert_eq!(rpc_url(addr.parse().unwrap()), url);
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(read_rpc_url(folder.path()).is_err());
        write_rpc_url(folder.path(), "127.0.0.1:1".parse().unwrap()).unwrap();
        assert_eq!(read_rpc_url(folder.path()).unwrap(), "ws://127.0.0.1:1");
        remove_rpc_url(folder.path());
        assert!(read_rpc_url(folder.path()).is_err());
    }
}
