//! What a caller is told when something is refused: the standard codes of JSON-RPC, and our own
//! from 1000 up, one per named rule (docs/rpc.md lists them all).
//!
//! Every error of ours carries `data: { "rule": … }`, so that a program need not read the text.

use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE};
use serde_json::{Value, json};

/// A reason to refuse: its code, its name (which `data.rule` carries) and what it means. Codes and names are
/// append-only: scripts depend on them.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The JSON-RPC error code, 1000 or more.
    pub code: i32,
    /// The name, `group.Rule`.
    pub name: &'static str,
    /// What it means, for the documentation.
    pub meaning: &'static str,
}

impl Rule {
    /// A rule. Only tables of rules call this.
    pub(crate) const fn new(code: i32, name: &'static str, meaning: &'static str) -> Self {
        Self { code, name, meaning }
    }
}

macro_rules! rules {
    ($(#[$doc:meta])* pub mod $module:ident { $($id:ident = $code:literal $name:literal $meaning:literal;)* }) => {
        $(#[$doc])*
        pub mod $module {
            use crate::error::Rule;
            $(
                #[doc = $meaning]
                pub static $id: Rule = Rule::new($code, $name, $meaning);
            )*
            /// All of this table, in the order of their codes.
            pub static ALL: &[&Rule] = &[$(&$id),*];
        }
    };
}
rules! {
    /// 1000 to 1149: of the interface itself, and of events before any rule of the ledger.
    pub mod interface {
        RATE_LIMITED = 1000 "rpc.RateLimited" "the connection asks more per second than the node allows";
        TOO_SLOW = 1001 "rpc.TooSlow" "the answer took longer than a request may take";
        BUSY = 1002 "rpc.Busy" "too many costly requests are under way";
        UNAUTHORIZED = 1003 "rpc.Unauthorized" "an admin method without the token of the data folder";
        NOT_FOUND = 1004 "rpc.NotFound" "there is nothing at this hash, height, id, path or principal";
        STOPPING = 1005 "rpc.Stopping" "the node is stopping";
        UNKNOWN_CURSOR = 1006 "rpc.UnknownCursor" "the cursor is no block that this node knows";
        NOT_A_DEVELOPMENT_CHAIN = 1007 "rpc.NotADevelopmentChain" "only a development chain makes blocks on demand";
        NOT_ACCEPTED = 1008 "rpc.NotAccepted" "the block is known already, known to be invalid, or not worth keeping";
        NOT_DONE = 1009 "rpc.NotDone" "the node could not do what an admin asked";
        NOT_AN_EVENT = 1100 "event.Malformed" "the bytes are no event, or no call";
        BAD_SIGNATURE = 1101 "event.BadSignature" "the event is not signed by its signer, or was made for another chain";
        BAD_CALL_SIGNATURE = 1102 "event.BadCallSignature" "a signature within the event's call fails";
    }
}

/// What a caller is told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct RpcError {
    code: i32,
    message: String,
    data: Option<Value>,
}

impl RpcError {
    /// Refused by a rule of ours; `why` is for people.
    #[must_use]
    pub fn refused(rule: &'static Rule, why: impl Into<String>) -> Self {
        Self { code: rule.code, message: why.into(), data: Some(json!({ "rule": rule.name })) }
    }

    /// The same, with figures for programs beside the rule's name.
    #[must_use]
    pub fn with_detail(mut self, detail: Value) -> Self {
        if let Some(Value::Object(data)) = &mut self.data {
            data.insert("detail".to_owned(), detail);
        }
        self
    }

    /// Parameters that are not what the method takes.
    #[must_use]
    pub fn invalid_params(why: impl Into<String>) -> Self {
        Self {
            code: INVALID_PARAMS_CODE,
            message: format!("Invalid params: {}", why.into()),
            data: None,
        }
    }

    /// Our own fault. `why` must hold nothing secret: it is told to the caller.
    #[must_use]
    pub fn internal(why: impl Into<String>) -> Self {
        Self {
            code: INTERNAL_ERROR_CODE,
            message: format!("Internal error: {}", why.into()),
            data: None,
        }
    }

    /// The JSON-RPC error code.
    #[must_use]
    pub const fn code(&self) -> i32 {
        self.code
    }

    /// The text for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What programs read, with the rule's name under `rule`.
    #[must_use]
    pub const fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }

    /// The error as the member `error` of an answer.
    #[must_use]
    pub(crate) fn to_object(&self) -> ErrorObjectOwned {
        ErrorObjectOwned::owned(self.code, self.message.clone(), self.data.clone())
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        Self::owned(error.code, error.message, error.data)
    }
}

/// Every rule of ours, in the order of their codes.
#[must_use]
pub fn all_rules() -> Vec<&'static Rule> {
    let mut all = Vec::new();
    all.extend_from_slice(interface::ALL);
    all.extend(crate::refusal::all_rules());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_and_names_are_unique_and_ordered() {
        let rules = all_rules();
        assert!(rules.len() > 4);
        assert!(rules.windows(2).all(|pair| pair[0].code < pair[1].code), "codes ascend");
        assert!(rules.iter().all(|rule| rule.code >= 1000 && !rule.meaning.is_empty()));
        let names: BTreeSet<_> = rules.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), rules.len());
    }

    #[test]
    fn every_rule_is_in_the_documentation() {
        let document = include_str!("../../docs/rpc.md");
        for rule in all_rules() {
            let row = format!("| {} | `{}` | {} |", rule.code, rule.name, rule.meaning);
            assert!(document.contains(&row), "docs/rpc.md lacks the row\n{row}");
        }
        let rows = document.lines().filter(|line| line.starts_with("| 1")).count();
        assert_eq!(rows, all_rules().len(), "docs/rpc.md has rows of rules that don't exist");
    }

    #[test]
    fn the_rule_stands_in_data() {
        let error = RpcError::refused(&interface::NOT_FOUND, "no such block")
            .with_detail(json!({ "height": 7 }));
        let object = serde_json::to_value(error.to_object()).unwrap();
        let expected = json!({
            "code": 1004,
            "message": "no such block",
            "data": { "rule": "rpc.NotFound", "detail": { "height": 7 } },
        });
        assert_eq!(object, expected);
    }
}
