//! What the node answers, for people: names and values below each other, amounts in blockcoin.

use blocktree_primitives::Amount;
use serde_json::Value;

/// Fields that are amounts of base units.
const AMOUNTS: [&str; 11] = [
    "collateral",
    "demandDeposit",
    "deposit",
    "fee",
    "free",
    "held",
    "minPayment",
    "payment",
    "placementDeposit",
    "pot",
    "reserveHeld",
];

/// An object's fields, one a line; objects within are shown with a dotted name.
pub(crate) fn fields(value: &Value) -> String {
    let mut rows = Vec::new();
    collect("", value, &mut rows);
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> =
        rows.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.join("\n")
}

/// Several objects, with an empty line between; `none` if there are none.
pub(crate) fn list(items: &[Value], none: &str) -> String {
    if items.is_empty() {
        return none.to_owned();
    }
    items.iter().map(fields).collect::<Vec<_>>().join("\n\n")
}

/// An amount of base units in blockcoin.
pub(crate) fn coins(units: &str) -> String {
    units.parse().map_or_else(|_| units.to_owned(), |units| Amount::from_units(units).to_coins())
}

fn collect(name: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let inner = |key: &str| match name {
        "" => key.to_owned(),
        _ => format!("{name}.{key}"),
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                collect(&inner(key), value, rows);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object()) => {
            for (index, item) in items.iter().enumerate() {
                collect(&inner(&index.to_string()), item, rows);
            }
        }
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(|item| scalar(name, item)).collect();
            let text = if texts.is_empty() { "none".to_owned() } else { texts.join(" ") };
            rows.push((name.to_owned(), text));
        }
        other => rows.push((name.to_owned(), scalar(name, other))),
    }
}

fn scalar(name: &str, value: &Value) -> String {
    let last = name.rsplit_once('.').map_or(name, |(_, last)| last);
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if AMOUNTS.contains(&last) => coins(text),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_stand_below_each_other_and_amounts_are_blockcoin() {
        let shown = fields(&json!({
            "free": "150000000",
            "name": "x",
            "list": ["a", "b"],
            "none": null,
            "terms": { "payment": "1", "period": 12 },
        }));
        let expected = "free           1.5\nlist           a b\nname           x\nnone           none\n\
                        terms.payment  0.00000001\nterms.period   12";
        assert_eq!(shown, expected);
        assert_eq!(list(&[], "nothing"), "nothing");
        assert_eq!(list(&[json!({"a": 1}), json!({"a": 2})], ""), "a  1\n\na  2");
    }
}
