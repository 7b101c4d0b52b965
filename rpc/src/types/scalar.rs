//! Amounts, hashes, bytes, principals and paths in JSON.

use blocktree_primitives::{
    Amount, BlockHash, BlockPath, CommitmentHash, ContentHash, EventId, EventRoot, FragmentRoot,
    HistoryRoot, Network, OfferId, PlacementId, Principal, PublicKey, Signature, StateRoot,
};
use core::fmt::{self, Display};
use core::str::FromStr;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// A text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Not a decimal number of base units.
    #[error("an amount is a string of decimal digits, in base units, below 2^64")]
    Amount,
    /// Not lower-case hex of the right length.
    #[error("{0} is expected as lower-case hex digits, two for each byte")]
    Hex(&'static str),
    /// Not a principal of this network.
    #[error("not a principal of this network: {0}")]
    Principal(String),
    /// Not a path on this network.
    #[error("not a path: {0}")]
    Path(String),
}

/// Reads a string and hands it to `parse`.
fn from_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Result<T, BadText>,
) -> Result<T, D::Error> {
    struct Text<T>(fn(&str) -> Result<T, BadText>);
    impl<T> Visitor<'_> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text(parse))
}

/// An amount: base units as a string of decimal digits, because a JSON number is exact to 2^53 only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Units(pub Amount);

impl From<Amount> for Units {
    fn from(amount: Amount) -> Self {
        Self(amount)
    }
}

impl FromStr for Units {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        // `u64::from_str` also takes a plus sign.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = text == "0" || !text.starts_with('0');
        match text.parse() {
            Ok(units) if digits && canonical => Ok(Self(Amount::from_units(units))),
            _ => Err(BadText::Amount),
        }
    }
}

impl Serialize for Units {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, str::parse)
    }
}

impl JsonSchema for Units {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(0|[1-9][0-9]{0,19})$",
            "description": "Base units in decimal; 10^8 make one blockcoin.",
        })
    }
}

/// Something that is shown in hex: its name and length.
pub trait InHex: Copy + Display + FromStr {
    /// What it is, in the schema.
    const NAME: &'static str;
    /// Bytes; twice as many digits.
    const LEN: usize;
    /// What is to be said of it in the schema.
    const ABOUT: &'static str;
}

/// A hash, key or signature in lower-case hex without prefix; block hashes most significant byte
/// first, all others as they are hashed and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashHex<T>(pub T);

impl<T> From<T> for HashHex<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: InHex> FromStr for HashHex<T> {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(BadText::Hex(T::NAME));
        }
        text.parse().map(Self).map_err(|_| BadText::Hex(T::NAME))
    }
}

impl<T: InHex> Serialize for HashHex<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: InHex> Deserialize<'de> for HashHex<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, str::parse)
    }
}

impl<T: InHex> JsonSchema for HashHex<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": format!("^[0-9a-f]{{{}}}$", T::LEN.saturating_mul(2)),
            "description": T::ABOUT,
        })
    }
}

macro_rules! in_hex {
    ($($name:ident $len:literal $about:literal;)*) => {$(
        impl InHex for $name {
            const NAME: &'static str = stringify!($name);
            const LEN: usize = $len;
            const ABOUT: &'static str = $about;
        }
    )*};
}

in_hex! {
    BlockHash 32 "SHA-256d of a header's 80 bytes, most significant byte first.";
    CommitmentHash 32 "SHA-256d of a commitment's 144 bytes.";
    EventRoot 32 "Root of the RFC 6962 tree over a block's encoded events.";
    StateRoot 32 "Root of the global state after a block.";
    HistoryRoot 32 "Root of the mountain range over all headers before a block.";
    EventId 32 "Identity of an event: what its signer signs.";
    OfferId 32 "Identity of an offer: the id of the event that made it.";
    PlacementId 32 "Identity of a placement.";
    FragmentRoot 32 "Root of the RFC 6962 tree over a stored fragment's 256-byte leaves.";
    ContentHash 32 "Hash of a tree block's header and encrypted payload.";
}

/// Bytes in lower-case hex without prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binary(pub Vec<u8>);

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<[u8; 32]> for Binary {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<PublicKey> for Binary {
    fn from(key: PublicKey) -> Self {
        Self(key.0.to_vec())
    }
}

impl From<Signature> for Binary {
    fn from(signature: Signature) -> Self {
        Self(signature.0.to_vec())
    }
}

impl FromStr for Binary {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(BadText::Hex("binary"));
        }
        hex::decode(text).map(Self).map_err(|_| BadText::Hex("binary"))
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, str::parse)
    }
}

impl JsonSchema for Binary {
    fn schema_name() -> Cow<'static, str> {
        "Binary".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^([0-9a-f]{2})*$",
            "description": "Bytes in lower-case hex without prefix.",
        })
    }
}

/// A principal as text: bech32m with the network's prefix. It is read when the network is at hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PrincipalText(pub String);

impl PrincipalText {
    /// A principal's text on `network`.
    #[must_use]
    pub fn new(principal: &Principal, network: Network) -> Self {
        Self(principal.to_text(network))
    }

    /// The principal.
    ///
    /// # Errors
    /// [`BadText::Principal`].
    pub fn read(&self, network: Network) -> Result<Principal, BadText> {
        Principal::from_text(&self.0, network).map_err(|e| BadText::Principal(e.to_string()))
    }
}

impl JsonSchema for PrincipalText {
    fn schema_name() -> Cow<'static, str> {
        "Principal".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(blk|tblk|dblk)1[023456789acdefghjklmnpqrstuvwxyz]{58}$",
            "description": "A principal in bech32m; the prefix tells the network.",
        })
    }
}

/// A path as text: `/<principal>/name/…`. It is read when the network is at hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PathText(pub String);

impl PathText {
    /// A path's text on `network`.
    #[must_use]
    pub fn new(path: &BlockPath, network: Network) -> Self {
        Self(path.to_text(network))
    }

    /// The path.
    ///
    /// # Errors
    /// [`BadText::Path`].
    pub fn read(&self, network: Network) -> Result<BlockPath, BadText> {
        BlockPath::from_text(&self.0, network).map_err(|e| BadText::Path(e.to_string()))
    }
}

impl JsonSchema for PathText {
    fn schema_name() -> Cow<'static, str> {
        "Path".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^/(blk|tblk|dblk)1[023456789acdefghjklmnpqrstuvwxyz]{58}(/[^/]+)*$",
            "description": "A path: the root principal and the names below it.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;
    use serde_json::{from_str, json, to_value};

    fn refused<T: DeserializeOwned>(texts: &[&str]) {
        for text in texts {
            assert!(from_str::<T>(text).is_err(), "{text}");
        }
    }

    fn fits<T: JsonSchema + Serialize>(value: &T) -> bool {
        let schema = schemars::schema_for!(T).to_value();
        jsonschema::is_valid(&schema, &to_value(value).unwrap())
    }

    #[test]
    fn amounts_are_exact_strings() {
        let most = Units(Amount::MAX);
        assert_eq!(to_value(most).unwrap(), json!("18446744073709551615"));
        assert_eq!(from_str::<Units>("\"18446744073709551615\"").unwrap(), most);
        assert!(fits(&most) && fits(&Units(Amount::ZERO)));
        refused::<Units>(&[
            "1",
            "\"\"",
            "\"-1\"",
            "\"+1\"",
            "\"01\"",
            "\"1.0\"",
            "\" 1\"",
            "\"0x1\"",
            "\"18446744073709551616\"",
        ]);
    }

    #[test]
    fn hashes_are_lower_case_hex() {
        let mut bytes = [0; 32];
        bytes[0] = 0xab;
        let block = HashHex(BlockHash(bytes));
        let text = format!("{}ab", "0".repeat(62));
        assert_eq!(to_value(block).unwrap(), json!(text), "most significant byte first");
        assert_eq!(from_str::<HashHex<BlockHash>>(&format!("\"{text}\"")).unwrap(), block);
        let event = HashHex(EventId(bytes));
        assert_eq!(to_value(event).unwrap(), json!(format!("ab{}", "0".repeat(62))));
        assert!(fits(&block) && fits(&event));
        let upper = format!("\"{}AB\"", "0".repeat(62));
        refused::<HashHex<EventId>>(&[&upper, "\"\"", "\"ab\"", "7", "null"]);
        let prefixed = format!("\"0x{}\"", "0".repeat(62));
        refused::<HashHex<EventId>>(&[&prefixed]);
    }

    #[test]
    fn bytes_are_lower_case_hex() {
        let bytes = Binary(vec![0, 0xff]);
        assert_eq!(to_value(&bytes).unwrap(), json!("00ff"));
        assert_eq!(from_str::<Binary>("\"00ff\"").unwrap(), bytes);
        assert!(fits(&bytes) && fits(&Binary::default()));
        refused::<Binary>(&["\"0\"", "\"0x00\"", "\"FF\"", "\"zz\"", "[0]"]);
    }

    #[test]
    fn principals_and_paths_belong_to_a_network() {
        let principal = Principal([7; 32]);
        let text = PrincipalText::new(&principal, Network::Dev);
        assert!(text.0.starts_with("dblk1") && fits(&text));
        assert_eq!(text.read(Network::Dev), Ok(principal));
        assert!(matches!(text.read(Network::Main), Err(BadText::Principal(_))));
        let path = BlockPath::new(principal, vec![blocktree_primitives::Name::new("a b").unwrap()]);
        let path = path.unwrap();
        let text = PathText::new(&path, Network::Test);
        assert!(text.0.ends_with("/a b") && fits(&text));
        assert_eq!(text.read(Network::Test), Ok(path));
        for bad in ["", "a", "/", "/x/y"] {
            let read = PathText(bad.to_owned()).read(Network::Test);
            assert!(matches!(read, Err(BadText::Path(_))), "{bad}");
        }
    }
}
