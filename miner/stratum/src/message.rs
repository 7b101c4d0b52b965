//! What miners say, line by line, and what is said to them.
//!
//! Stratum v1 is JSON-RPC without `"jsonrpc"`, one object a line. A line is bounded before it gets
//! here ([`MAX_LINE`]), so what JSON can make of it is bounded too.

use crate::Refusal;
use serde_json::{Map, Value, json};

/// Bytes of a line, without its end.
pub const MAX_LINE: usize = 8 * 1024;
/// Characters of a user name: a principal and a worker's name.
const MAX_USER: usize = 256;

/// What a line asks for, and the number that its answer carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// A number, a text or null: given back as it came.
    pub id: Value,
    /// What is asked, or why that can't be told.
    pub call: Result<Call, Refusal>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// `mining.subscribe`: work is wanted.
    Subscribe,
    /// `mining.authorize`: whom to pay.
    Authorize {
        /// A principal, or a principal, a dot and a worker's name.
        user: String,
        /// The difficulty in the password, as in `d=1024`.
        difficulty: Option<f64>,
    },
    /// `mining.submit`: a share.
    Submit(Share),
    /// `mining.configure` (BIP 310): the mask of version rolling, if that is asked for, and the
    /// names of all extensions.
    Configure {
        /// The bits that the miner would like to roll.
        version_mask: Option<u32>,
        /// All that it asks for.
        extensions: Vec<String>,
    },
    /// `mining.suggest_difficulty`.
    SuggestDifficulty(f64),
    /// `mining.extranonce.subscribe`.
    SubscribeExtranonce,
}

/// A share as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// As in [`Call::Authorize`].
    pub user: String,
    /// The job's number.
    pub job: u64,
    /// The last four bytes of the extra nonce.
    pub extranonce2: [u8; 4],
    /// The header's time.
    pub time: u32,
    /// The header's nonce.
    pub nonce: u32,
    /// The rolled bits of the version, if version rolling was agreed on.
    pub version_bits: Option<u32>,
}

/// A line that is no request; there is no number to answer to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but not an object with a method and a plain id.
    #[error("not a request: {0}")]
    NotARequest(&'static str),
}

/// What a line holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Something to answer.
    Request(Request),
    /// An answer to something that was never asked, or a blank line: to be passed over.
    Nothing,
}

/// Reads a line.
///
/// # Errors
/// See [`Malformed`].
pub fn parse(line: &[u8]) -> Result<Line, Malformed> {
    if line.trim_ascii().is_empty() {
        return Ok(Line::Nothing);
    }
    let value: Value =
        serde_json::from_slice(line).map_err(|error| Malformed::NotJson(error.to_string()))?;
    let Value::Object(mut object) = value else {
        return Err(Malformed::NotARequest("not an object"));
    };
    let id = object.remove("id").unwrap_or(Value::Null);
    if !matches!(id, Value::Null | Value::Number(_) | Value::String(_)) {
        return Err(Malformed::NotARequest("the id is neither a number nor a text"));
    }
    let Some(method) = object.remove("method") else {
        return match object.contains_key("result") || object.contains_key("error") {
            true => Ok(Line::Nothing),
            false => Err(Malformed::NotARequest("no method")),
        };
    };
    let Value::String(method) = method else {
        return Err(Malformed::NotARequest("the method is not a text"));
    };
    let call = match object.remove("params") {
        Some(Value::Array(params)) => call(&method, &params),
        None | Some(Value::Null) => call(&method, &[]),
        Some(_) => Err(Refusal::other("params are not a list")),
    };
    Ok(Line::Request(Request { id, call }))
}

fn call(method: &str, params: &[Value]) -> Result<Call, Refusal> {
    match method {
        "mining.subscribe" => Ok(Call::Subscribe),
        "mining.authorize" => authorize(params),
        "mining.submit" => submit(params).map(Call::Submit),
        "mining.configure" => configure(params),
        "mining.suggest_difficulty" => params
            .first()
            .and_then(Value::as_f64)
            .map(Call::SuggestDifficulty)
            .ok_or(Refusal::other("the difficulty is not a number")),
        "mining.extranonce.subscribe" => Ok(Call::SubscribeExtranonce),
        _ => Err(Refusal::other("method not found")),
    }
}

fn authorize(params: &[Value]) -> Result<Call, Refusal> {
    let user = user(params)?;
    let password = params.get(1).and_then(Value::as_str).unwrap_or_default();
    let asked = password.split(',').find_map(|word| word.trim().strip_prefix("d="));
    Ok(Call::Authorize { user, difficulty: asked.and_then(|number| number.parse().ok()) })
}

fn submit(params: &[Value]) -> Result<Share, Refusal> {
    let user = user(params)?;
    let text = |index: usize, name: &'static str| {
        params
            .get(index)
            .and_then(Value::as_str)
            .ok_or_else(|| Refusal::other(format!("{name} is missing or not a text")))
    };
    let job = u64::from_str_radix(text(1, "the job")?, 16).map_err(|_| Refusal::UnknownJob)?;
    let mut extranonce2 = [0; 4];
    hex::decode_to_slice(text(2, "extranonce2")?, &mut extranonce2)
        .map_err(|_| Refusal::other("extranonce2 is not 8 hex digits"))?;
    let time = word(text(3, "ntime")?).ok_or(Refusal::other("ntime is not 8 hex digits"))?;
    let nonce = word(text(4, "the nonce")?).ok_or(Refusal::other("nonce is not 8 hex digits"))?;
    let version_bits = match params.get(5) {
        None | Some(Value::Null) => None,
        Some(bits) => {
            let bits = bits.as_str().and_then(word);
            Some(bits.ok_or(Refusal::other("the version bits are not 8 hex digits"))?)
        }
    };
    Ok(Share { user, job, extranonce2, time, nonce, version_bits })
}

fn user(params: &[Value]) -> Result<String, Refusal> {
    let user = params.first().and_then(Value::as_str);
    let user = user.ok_or(Refusal::other("the user name is missing or not a text"))?;
    if user.len() > MAX_USER {
        return Err(Refusal::other("the user name is too long"));
    }
    Ok(user.to_owned())
}

fn configure(params: &[Value]) -> Result<Call, Refusal> {
    let Some(Value::Array(names)) = params.first() else {
        return Err(Refusal::other("the extensions are not a list"));
    };
    let names = names.iter().map(|name| name.as_str().map(str::to_owned));
    let extensions: Vec<String> =
        names.collect::<Option<_>>().ok_or(Refusal::other("an extension is not a text"))?;
    let asks = extensions.iter().any(|name| name == "version-rolling");
    let mask = match params.get(1).and_then(|options| options.get("version-rolling.mask")) {
        _ if !asks => None,
        None => Some(u32::MAX),
        Some(mask) => Some(
            mask.as_str().and_then(word).ok_or(Refusal::other("the mask is not 8 hex digits"))?,
        ),
    };
    Ok(Call::Configure { version_mask: mask, extensions })
}

/// Eight hex digits, the most significant first.
fn word(text: &str) -> Option<u32> {
    let mut bytes = [0; 4];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(u32::from_be_bytes(bytes))
}

/// The answer to a request: always with `result`, which some miners insist on.
pub(crate) fn answer(id: &Value, result: Result<Value, &Refusal>) -> String {
    let reply = match result {
        Ok(result) => json!({"id": id, "result": result, "error": null}),
        Err(refusal) => json!({"id": id, "result": null, "error": refusal.to_json()}),
    };
    reply.to_string()
}

/// The answer to `mining.subscribe`.
pub(crate) fn subscribed(extranonce1: [u8; 4]) -> Value {
    let name = hex::encode(extranonce1);
    json!([[["mining.set_difficulty", name], ["mining.notify", name]], name, 4])
}

/// The answer to `mining.configure`: what each extension came to.
pub(crate) fn configured(extensions: &[String], mask: u32) -> Value {
    let mut answers = Map::new();
    for name in extensions {
        let is_agreed = match name.as_str() {
            "version-rolling" => {
                if mask != 0 {
                    let text = format!("{mask:08x}");
                    answers.insert("version-rolling.mask".to_owned(), Value::String(text));
                }
                mask != 0
            }
            "subscribe-extranonce" => true,
            _ => false,
        };
        answers.insert(name.clone(), Value::Bool(is_agreed));
    }
    Value::Object(answers)
}

/// Something that is said unasked.
pub(crate) fn notification(method: &str, params: &Value) -> String {
    json!({"id": null, "method": method, "params": params}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Request {
        match parse(line.as_bytes()) {
            Ok(Line::Request(request)) => request,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn refused(line: &str) -> String {
        request(line).call.unwrap_err().to_string()
    }

    #[test]
    fn reads_what_miners_send() {
        // As cpuminer writes them.
        let subscribe = r#"{"id": 1, "method": "mining.subscribe", "params": ["cpuminer/2.5.1"]}"#;
        assert_eq!(request(subscribe), Request { id: json!(1), call: Ok(Call::Subscribe) });
        let authorize = r#"{"id": 2, "method": "mining.authorize", "params": ["dblk1.rig", ""]}"#;
        let user = "dblk1.rig".to_owned();
        assert_eq!(request(authorize).call, Ok(Call::Authorize { user, difficulty: None }));
        let submit = r#"{"method": "mining.submit", "params": ["u", "1f", "00000001", "65a1b2c3", "deadbeef"], "id":4}"#;
        let share = Share {
            user: "u".to_owned(),
            job: 31,
            extranonce2: [0, 0, 0, 1],
            time: 0x65a1_b2c3,
            nonce: 0xdead_beef,
            version_bits: None,
        };
        assert_eq!(request(submit), Request { id: json!(4), call: Ok(Call::Submit(share)) });
        let configure = r#"{"id":"a","method":"mining.configure","params":[["version-rolling","info"],{"version-rolling.mask":"ffffffff"}]}"#;
        let extensions = vec!["version-rolling".to_owned(), "info".to_owned()];
        let call = Call::Configure { version_mask: Some(u32::MAX), extensions };
        assert_eq!(request(configure), Request { id: json!("a"), call: Ok(call) });
        let password = r#"{"method":"mining.authorize","params":["u","x, d=512"]}"#;
        let asked = Call::Authorize { user: "u".to_owned(), difficulty: Some(512.0) };
        assert_eq!(request(password), Request { id: Value::Null, call: Ok(asked) });
    }

    #[test]
    fn passes_over_answers_and_blank_lines() {
        for line in ["", "  \r", r#"{"id":7,"result":"x/1.0","error":null}"#] {
            assert_eq!(parse(line.as_bytes()), Ok(Line::Nothing), "{line:?}");
        }
    }

    #[test]
    fn names_what_is_wrong_with_a_line() {
        let malformed = |line: &str| parse(line.as_bytes()).unwrap_err().to_string();
        assert!(malformed("GET / HTTP/1.1").starts_with("not JSON"));
        assert!(malformed(&"[".repeat(MAX_LINE)).starts_with("not JSON"));
        assert_eq!(malformed("[]"), "not a request: not an object");
        assert_eq!(malformed("{}"), "not a request: no method");
        assert_eq!(malformed(r#"{"method":1}"#), "not a request: the method is not a text");
        let nested = r#"{"id":[1],"method":"mining.subscribe"}"#;
        assert_eq!(malformed(nested), "not a request: the id is neither a number nor a text");
    }

    #[test]
    fn names_what_is_wrong_with_a_request() {
        let of = |method: &str, params: &str| {
            refused(&format!(r#"{{"id":1,"method":"mining.{method}","params":{params}}}"#))
        };
        assert_eq!(of("get_transactions", "[]"), "method not found");
        assert_eq!(of("submit", "{}"), "params are not a list");
        assert_eq!(of("authorize", "[]"), "the user name is missing or not a text");
        let long = format!(r#"["{}"]"#, "x".repeat(257));
        assert_eq!(of("authorize", &long), "the user name is too long");
        assert_eq!(of("submit", r#"["u"]"#), "the job is missing or not a text");
        assert_eq!(of("submit", r#"["u","xyz"]"#), "job not found");
        assert_eq!(of("submit", r#"["u","1",5]"#), "extranonce2 is missing or not a text");
        let bad = |params: &str| of("submit", &format!(r#"["u","1",{params}]"#));
        assert_eq!(bad(r#""000001","0","0""#), "extranonce2 is not 8 hex digits");
        assert_eq!(bad(r#""00000001","0","0""#), "ntime is not 8 hex digits");
        assert_eq!(bad(r#""00000001","65a1b2c3","+eadbeef""#), "nonce is not 8 hex digits");
        let rolled = r#""00000001","65a1b2c3","deadbeef",7"#;
        assert_eq!(bad(rolled), "the version bits are not 8 hex digits");
        assert_eq!(of("configure", "[]"), "the extensions are not a list");
        assert_eq!(of("configure", "[[1]]"), "an extension is not a text");
        let mask = r#"[["version-rolling"],{"version-rolling.mask":"1fffe00"}]"#;
        assert_eq!(of("configure", mask), "the mask is not 8 hex digits");
        assert_eq!(of("suggest_difficulty", r#"["1"]"#), "the difficulty is not a number");
    }
}
