//! The OpenRPC document: what `rpc.discover` answers, made from the definitions of the methods.

use crate::error::all_rules;
use crate::params::{Params, field_names};
use crate::registry::{Answer, Def, SubscriptionNames};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The version of the OpenRPC specification that the document follows.
const OPENRPC: &str = "1.3.2";
/// Where the schemas of answers lie within the document.
const SCHEMAS: &str = "/components/schemas";

/// What the document says of the whole interface.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// What it is called.
    pub title: &'a str,
    /// The version of the node.
    pub version: &'a str,
    /// What is to be known before calling anything.
    pub description: &'a str,
}

/// How to end a subscription and what its messages are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscription {
    /// `method` of its messages.
    pub(crate) notification: &'static str,
    /// The method that ends it.
    pub(crate) unsubscribe: &'static str,
}

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What the document says of a method.
pub(crate) struct MethodDoc {
    name: &'static str,
    summary: String,
    params: Vec<Value>,
    by_position_only: bool,
    result_name: &'static str,
    result: SchemaOf,
    subscription: Option<(Subscription, SchemaOf)>,
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = generator.subschema_for::<T>();
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    schema
}

impl MethodDoc {
    pub(crate) fn new<P: Params, R: Answer>(def: &Def) -> Self {
        Self {
            name: def.name,
            summary: def.summary.to_owned(),
            params: describe_params::<P>(),
            by_position_only: false,
            result_name: "answer",
            result: schema_of::<R>,
            subscription: None,
        }
    }

    pub(crate) fn subscription<P: Params, R: Answer>(def: &Def, names: &SubscriptionNames) -> Self {
        Self {
            result_name: "subscription",
            result: subscription_id,
            subscription: Some((names.into(), schema_of::<R>)),
            ..Self::new::<P, R>(def)
        }
    }

    pub(crate) fn unsubscription(def: &Def, names: &SubscriptionNames) -> Self {
        let subscription = json!({
            "name": "subscription",
            "required": true,
            "schema": { "type": ["integer", "string"] },
        });
        Self {
            name: names.unsubscribe,
            summary: format!(
                "Ends a subscription that {} opened; true if there was one.",
                def.name
            ),
            params: vec![subscription],
            by_position_only: true,
            result_name: "ended",
            result: schema_of::<bool>,
            subscription: None,
        }
    }

    fn describe(&self, schemas: &mut SchemaGenerator) -> Value {
        let mut method = json!({
            "name": self.name,
            "summary": self.summary,
            "paramStructure": if self.by_position_only { "by-position" } else { "either" },
            "params": self.params,
            "result": { "name": self.result_name, "schema": (self.result)(schemas) },
        });
        if let Some((subscription, message)) = self.subscription {
            method["x-subscription"] = json!({
                "notification": subscription.notification,
                "unsubscribe": subscription.unsubscribe,
                "message": message(schemas),
            });
        }
        method
    }
}

fn subscription_id(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": ["integer", "string"] })
}

/// The parameters in their order, each with a schema that needs no other.
fn describe_params<P: Params>() -> Vec<Value> {
    let settings = SchemaSettings::draft07().for_deserialize().with(|s| {
        s.inline_subschemas = true;
        s.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<P>();
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    field_names::<P>()
        .iter()
        .map(|name| {
            let mut schema = properties.and_then(|p| p.get(*name)).cloned().unwrap_or(json!(true));
            let described = schema.as_object_mut().and_then(|s| s.remove("description"));
            let required = required.is_some_and(|r| r.iter().any(|field| field == name));
            let mut param = json!({ "name": name, "required": required, "schema": schema });
            if let Some(described) = described {
                param["summary"] = described;
            }
            param
        })
        .collect()
}

/// All methods, as they are added.
#[derive(Default)]
pub(crate) struct Document {
    methods: Vec<MethodDoc>,
}

impl Document {
    pub(crate) fn add(&mut self, method: MethodDoc) {
        self.methods.push(method);
    }

    /// The document, methods in the order of their names.
    pub(crate) fn finish(&mut self, described: &Described<'_>) -> Value {
        self.methods.sort_by_key(|method| method.name);
        let settings = SchemaSettings::draft07().for_serialize().with(|s| {
            s.definitions_path = SCHEMAS.into();
            s.meta_schema = None;
        });
        let mut schemas = settings.into_generator();
        let methods: Vec<Value> = self.methods.iter().map(|m| m.describe(&mut schemas)).collect();
        let errors: Map<String, Value> = all_rules()
            .iter()
            .map(|rule| {
                let data = json!({ "rule": rule.name });
                let error = json!({ "code": rule.code, "message": rule.meaning, "data": data });
                (rule.name.to_owned(), error)
            })
            .collect();
        json!({
            "openrpc": OPENRPC,
            "info": {
                "title": described.title,
                "version": described.version,
                "description": described.description,
                "license": { "name": "MIT OR Apache-2.0" },
            },
            "methods": methods,
            "components": { "schemas": schemas.take_definitions(true), "errors": errors },
        })
    }
}

/// The schema of a method's answer as a document of its own, for a validator.
#[must_use]
pub fn answer_schema(document: &Value, method: &str) -> Option<Value> {
    let method = find(document, method)?;
    Some(standalone(document, method.get("result")?.get("schema")?))
}

/// The schema of a subscription's messages as a document of its own, for a validator.
#[must_use]
pub fn message_schema(document: &Value, method: &str) -> Option<Value> {
    let method = find(document, method)?;
    Some(standalone(document, method.get("x-subscription")?.get("message")?))
}

/// The names of all methods in a document.
pub fn method_names(document: &Value) -> impl Iterator<Item = &str> {
    let methods = document.get("methods").and_then(Value::as_array);
    methods.into_iter().flatten().filter_map(|method| method.get("name")?.as_str())
}

fn find<'d>(document: &'d Value, name: &str) -> Option<&'d Value> {
    let methods = document.get("methods")?.as_array()?;
    methods.iter().find(|method| method.get("name").is_some_and(|n| n == name))
}

/// References point into `components`, so those come along.
fn standalone(document: &Value, schema: &Value) -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "allOf": [schema],
        "components": { "schemas": document.get("components").and_then(|c| c.get("schemas")) },
    })
}
