//! Arguments that several commands have.

use crate::chosen::{ChainName, Chosen};
use crate::folders;
use crate::usage::UsageError;
use anyhow::{Context, Result};
use blocktree_primitives::Network;
use blocktree_wallet::{Keystore, Password};
use clap::Args;
use std::path::PathBuf;

/// Which chain.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChainArg {
    /// The chain: dev, test, main, or the path of a chainspec (.json)
    #[arg(long, value_name = "CHAIN", default_value_t)]
    pub(crate) chain: ChainName,
}

/// Which data folder.
#[derive(Clone, Debug, Args)]
pub(crate) struct FolderArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArg,
    /// Where the chain's data is [default: a folder per chain in ~/.local/share/blocktree]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl FolderArgs {
    /// The chain, and its folder.
    ///
    /// # Errors
    /// When a chainspec can't be read, or there is no place for a folder.
    pub(crate) fn load(self) -> Result<(Chosen, PathBuf)> {
        let chain = Chosen::load(&self.chain.chain)?;
        let folder = match self.data_dir {
            Some(folder) => folder,
            None => folders::chain_data(&chain.spec.name)?,
        };
        Ok((chain, folder))
    }
}

/// Where keys are, and how to open them.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeystoreArgs {
    /// The folder of the keys [default: ~/.local/share/blocktree/keystore]
    #[arg(long, value_name = "DIR")]
    pub(crate) keystore: Option<PathBuf>,
    /// A file with the password, less one line end; without it the terminal is asked
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

impl KeystoreArgs {
    /// The keystore, as used on a network.
    ///
    /// # Errors
    /// When there is no place for it.
    pub(crate) fn open(&self, network: Network) -> Result<Keystore, UsageError> {
        let folder = match &self.keystore {
            Some(folder) => folder.clone(),
            None => folders::keystore()?,
        };
        Ok(Keystore::new(folder, network))
    }

    /// The password of a key that exists.
    ///
    /// # Errors
    /// When the file or the terminal gives none.
    pub(crate) fn password(&self) -> Result<Password> {
        match &self.password_file {
            Some(path) => Ok(Password::from_file(path)?),
            None => Ok(Password::new(ask("Password: ")?.as_bytes())?),
        }
    }

    /// A password for a new key: from a terminal, twice.
    ///
    /// # Errors
    /// When the file or the terminal gives none, or the two differ.
    pub(crate) fn new_password(&self) -> Result<Password> {
        if self.password_file.is_some() {
            return self.password();
        }
        let first = ask("Choose a password: ")?;
        let password = Password::new(first.as_bytes())?;
        if *first != *ask("The same again: ")? {
            anyhow::bail!("the two passwords differ: try again");
        }
        Ok(password)
    }
}

/// Asks the terminal, which shows nothing of what is typed.
///
/// # Errors
/// When there is no terminal.
pub(crate) fn ask(prompt: &str) -> Result<zeroize::Zeroizing<String>> {
    let typed = rpassword::prompt_password(prompt).with_context(
        || "there is no terminal to ask for the password: give it by --password-file FILE",
    )?;
    Ok(zeroize::Zeroizing::new(typed))
}
