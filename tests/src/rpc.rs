//! A JSON-RPC client of some lines, on purpose not the node's own.

use serde_json::{Value, json};
use std::time::Duration;

/// What came instead of a result.
#[derive(Debug)]
pub enum RpcFailure {
    /// The node answered with an error object.
    Error {
        /// Its code.
        code: i64,
        /// Its message.
        message: String,
        /// Its data.
        data: Value,
    },
    /// The node did not answer: it was killed, or is not there yet.
    Unreachable(String),
}

/// A way to a node.
#[derive(Clone, Debug)]
pub struct Rpc {
    url: String,
    agent: ureq::Agent,
}

impl Rpc {
    /// A client of the node at `address`, such as `127.0.0.1:9944`.
    #[must_use]
    pub fn new(address: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            .build();
        Self { url: format!("http://{address}"), agent: config.into() }
    }

    /// Calls a method.
    ///
    /// # Errors
    /// See [`RpcFailure`].
    pub fn try_call(&self, method: &str, params: Value) -> Result<Value, RpcFailure> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let unreachable = |error: ureq::Error| RpcFailure::Unreachable(error.to_string());
        let mut response = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .send(request.to_string())
            .map_err(unreachable)?;
        let text = response.body_mut().read_to_string().map_err(unreachable)?;
        let mut reply: Value = serde_json::from_str(&text)
            .map_err(|e| RpcFailure::Unreachable(format!("{e}: {text}")))?;
        if let Some(error) = reply.get("error").filter(|error| !error.is_null()) {
            return Err(RpcFailure::Error {
                code: error["code"].as_i64().unwrap_or(0),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
                data: error["data"].clone(),
            });
        }
        Ok(reply["result"].take())
    }

    /// Calls a method that must succeed.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn call(&self, method: &str, params: Value) -> Value {
        match self.try_call(method, params.clone()) {
            Ok(result) => result,
            #[allow(clippy::panic)] // a test's failure
            Err(failure) => panic!("{method}({params}): {failure:?}"),
        }
    }
}
