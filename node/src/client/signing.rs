//! Whose key signs: one of the keystore, or on a dev chain one of the well-known words.

use super::link::Link;
use crate::cli::shared::KeystoreArgs;
use crate::usage::UsageError;
use anyhow::{Context, Result};
use blocktree_primitives::{Network, Principal};
use blocktree_wallet::{DevKeys, KeyName, Signer};
use clap::Args;

/// The key.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Key")]
pub(crate) struct KeyChoice {
    /// The key of this name in the keystore
    #[arg(long, value_name = "NAME")]
    key: Option<KeyName>,
    #[command(flatten)]
    keystore: KeystoreArgs,
    /// On a dev chain: the key with this index of the well-known words [default: 0]
    #[arg(long, value_name = "I", conflicts_with = "key")]
    dev_key: Option<u32>,
}

impl KeyChoice {
    /// The key, opened.
    ///
    /// # Errors
    /// A [`UsageError`] if there is no choice to go by; others when the key can't be opened.
    pub(crate) fn signer(&self, link: &Link) -> Result<Signer> {
        let Some(name) = &self.key else {
            return self.dev_signer(link);
        };
        let keystore = self.keystore.open(link.network)?;
        // A missing key is told before a password is asked for.
        keystore.info(name)?;
        Ok(keystore.unlock(name, &self.keystore.password()?)?.into_signer())
    }

    /// The principal of the key; needs no password.
    ///
    /// # Errors
    /// As [`KeyChoice::signer`].
    pub(crate) fn principal(&self, link: &Link) -> Result<Principal> {
        match &self.key {
            Some(name) => Ok(self.keystore.open(link.network)?.info(name)?.principal()),
            None => Ok(self.dev_signer(link)?.principal()),
        }
    }

    fn dev_signer(&self, link: &Link) -> Result<Signer> {
        if link.network != Network::Dev {
            let why = match self.dev_key {
                Some(_) => {
                    "--dev-key is for dev chains only, and this node's chain is not one: everybody knows \
                     those keys; name one of your own with --key NAME"
                }
                None => {
                    "whose key? Name one of your keystore with --key NAME; `blocktree key list` \
                     shows them, `blocktree key new NAME` makes one"
                }
            };
            return Err(UsageError::new(why).into());
        }
        let index = self.dev_key.unwrap_or(0);
        let secret = DevKeys::new(link.coin_type)
            .secret(index)
            .with_context(|| format!("there is no development key {index}"))?;
        Ok(Signer::new(secret))
    }
}
