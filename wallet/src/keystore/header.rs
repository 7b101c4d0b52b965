//! The plain part of a key file: what the key is called and whose it is, and how to open the rest. All of
//! it is covered by the seal, so it is the truth once the file was opened, and only a claim before.

use super::VERSION;
use super::error::Damage;
use super::name::KeyName;
use super::seal::{KdfCost, NONCE_LEN, SALT_LEN};
use blocktree_primitives::{Network, Principal, PublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What every key file says it is.
pub(super) const FORMAT: &str = "blocktree key";
const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";

/// What is known of a key without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name in the keystore.
    pub name: KeyName,
    /// The network that it is for.
    pub network: Network,
    /// The public key.
    pub public_key: PublicKey,
    /// Seconds since 1970 at which the file was made, by the clock of that machine.
    pub created: u64,
}

impl KeyInfo {
    /// The key's principal.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::of(&self.public_key)
    }
}

/// How to open the sealed part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    pub(super) cost: KdfCost,
    pub(super) salt: [u8; SALT_LEN],
    pub(super) nonce: [u8; NONCE_LEN],
}

/// The header as JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    format: String,
    version: u32,
    name: String,
    network: String,
    principal: String,
    public_key: Hex<32>,
    created: u64,
    kdf: Kdf,
    cipher: Cipher,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    algorithm: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Hex<SALT_LEN>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    algorithm: String,
    nonce: Hex<NONCE_LEN>,
}

impl Header {
    pub(super) fn new(info: &KeyInfo, opening: &Opening) -> Self {
        Self {
            format: FORMAT.into(),
            version: VERSION,
            name: info.name.to_string(),
            network: network_name(info.network).into(),
            principal: info.principal().to_text(info.network),
            public_key: Hex(info.public_key.0),
            created: info.created,
            kdf: Kdf {
                algorithm: KDF.into(),
                memory_kib: opening.cost.memory_kib(),
                passes: opening.cost.passes(),
                lanes: opening.cost.lanes(),
                salt: Hex(opening.salt),
            },
            cipher: Cipher { algorithm: CIPHER.into(), nonce: Hex(opening.nonce) },
        }
    }

    /// What the header says, if it makes sense and asks for no more than is allowed.
    pub(super) fn check(&self) -> Result<(KeyInfo, Opening), Damage> {
        let known = self.format == FORMAT
            && self.version == VERSION
            && self.kdf.algorithm == KDF
            && self.cipher.algorithm == CIPHER;
        let network = network_of(&self.network).filter(|_| known);
        let info = KeyInfo {
            name: self.name.parse().map_err(|_| Damage::Foreign)?,
            network: network.ok_or(Damage::Foreign)?,
            public_key: PublicKey(self.public_key.0),
            created: self.created,
        };
        if self.principal != info.principal().to_text(info.network) {
            return Err(Damage::Principal);
        }
        let cost = KdfCost::from_file(self.kdf.memory_kib, self.kdf.passes, self.kdf.lanes);
        if !cost.is_allowed() {
            return Err(Damage::TooCostly(cost));
        }
        let opening = Opening { cost, salt: self.kdf.salt.0, nonce: self.cipher.nonce.0 };
        Ok((info, opening))
    }
}

/// The network's name in key files and messages.
pub(super) const fn network_name(network: Network) -> &'static str {
    match network {
        Network::Main => "main",
        Network::Test => "test",
        Network::Dev => "dev",
    }
}

fn network_of(name: &str) -> Option<Network> {
    [Network::Main, Network::Test, Network::Dev]
        .into_iter()
        .find(|network| network_name(*network) == name)
}

/// Bytes as lower-case hex digits.
pub(super) struct Hex<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).map_err(de::Error::custom)?;
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(de::Error::custom("upper-case hex digits"));
        }
        Ok(Self(bytes))
    }
}
