//! Parameters of methods: one struct per method, given by name or by position.

use crate::error::RpcError;
use core::fmt;
use jsonrpsee::types::Params as RawParams;
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// What a method takes: a struct with named fields, `deny_unknown_fields`, and `default` on each
/// field that may be left out. By position, the order is that of the fields.
pub trait Params: DeserializeOwned + JsonSchema + Send + 'static {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Params for T {}

/// For methods that take nothing.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// Reads parameters, given as object, as array, or not at all.
///
/// # Errors
/// Invalid params, with what is wrong and what the method takes.
pub(crate) fn parse<P: Params>(raw: &RawParams<'_>) -> Result<P, RpcError> {
    let text = raw.as_str().map_or("[]", str::trim_start);
    if !text.starts_with(['{', '[']) {
        return Err(RpcError::invalid_params("an object or an array is expected"));
    }
    serde_json::from_str(text).map_err(|error| {
        let names = field_names::<P>();
        let takes = match names.is_empty() {
            true => "nothing".to_owned(),
            false => names.join(", "),
        };
        RpcError::invalid_params(format!("{error}; the method takes: {takes}"))
    })
}

/// The names of a struct's fields in their order, which is what `params` by position follows. Other
/// names of the same fields are left out: they would look like more parameters.
pub(crate) fn field_names<P: Params>() -> Vec<&'static str> {
    let Err(Found(names)) = P::deserialize(FieldNames) else {
        return Vec::new();
    };
    let schema = schemars::schema_for!(P);
    let properties = schema.get("properties").and_then(|properties| properties.as_object());
    let is_field = |name: &&&str| properties.is_some_and(|all| all.contains_key(**name));
    names.iter().filter(is_field).copied().collect()
}

/// A deserializer that gives nothing but learns which fields are asked for.
struct FieldNames;

/// The fields that were asked for.
#[derive(Debug)]
struct Found(&'static [&'static str]);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl std::error::Error for Found {}

impl serde::de::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for FieldNames {
    type Error = Found;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Found> {
        Err(Found(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Example {
        first_name: String,
        #[serde(default)]
        limit: Option<u64>,
    }

    fn read(text: Option<&str>) -> Result<Example, RpcError> {
        parse(&RawParams::new(text))
    }

    #[test]
    fn by_name_and_by_position() {
        let both = Example { first_name: "a".into(), limit: Some(2) };
        let one = Example { first_name: "a".into(), limit: None };
        assert_eq!(read(Some(r#"{"firstName":"a","limit":2}"#)), Ok(both));
        assert_eq!(read(Some(r#"["a",2]"#)).unwrap().limit, Some(2));
        for text in [r#"["a"]"#, r#" ["a",null]"#, r#"{"firstName":"a"}"#] {
            assert_eq!(read(Some(text)).as_ref(), Ok(&one), "{text}");
        }
        assert_eq!(field_names::<Example>(), ["firstName", "limit"]);
        assert_eq!(field_names::<NoParams>(), [""; 0]);
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Aliased {
        #[serde(alias = "also", alias = "zero")]
        the_event: u64,
        #[serde(default)]
        wait: Option<bool>,
    }

    #[test]
    fn other_names_of_a_parameter_are_no_parameters() {
        assert_eq!(field_names::<Aliased>(), ["theEvent", "wait"]);
        let error = parse::<Aliased>(&RawParams::new(Some("[]"))).unwrap_err();
        assert!(error.message().ends_with("the method takes: theEvent, wait"), "{error}");
        assert!(parse::<Aliased>(&RawParams::new(Some(r#"{"zero":1}"#))).is_ok());
    }

    #[test]
    fn everything_else_is_refused() {
        let deep = format!("[{}1{}]", "[".repeat(5000), "]".repeat(5000));
        for text in [
            None,
            Some("null"),
            Some("7"),
            Some("[]"),
            Some("{}"),
            Some(r#"["a",2,3]"#),
            Some(r#"["a",-1]"#),
            Some(r#"["a",1.5]"#),
            Some(r#"["a",18446744073709551616]"#),
            Some(r#"{"firstName":"a","other":1}"#),
            Some(r#"{"firstName":"a","firstName":"b"}"#),
            Some(r#"{"first_name":"a"}"#),
            Some(deep.as_str()),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code(), -32602, "{text:?}");
            assert!(error.message().starts_with("Invalid params: "));
        }
        let error = read(Some(r#"{"other":1}"#)).unwrap_err();
        assert!(error.message().contains("the method takes: firstName, limit"), "{error}");
        let nothing: Result<NoParams, _> = parse(&RawParams::new(Some("[1]")));
        assert!(nothing.unwrap_err().message().ends_with("the method takes: nothing"));
        for text in [None, Some("[]"), Some("{}")] {
            assert!(parse::<NoParams>(&RawParams::new(text)).is_ok());
        }
    }
}
