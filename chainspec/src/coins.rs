//! Amounts in a chainspec: decimal blockcoin as a string, such as `"0.001"`.

use blocktree_primitives::Amount;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// An amount that is written in blockcoin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coins(pub Amount);

impl<'de> Deserialize<'de> for Coins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Amount::parse_coins(&text).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for Coins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_coins())
    }
}
