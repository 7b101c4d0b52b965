//! The OpenRPC document says what the methods do.

use crate::support::{call, start};
use blocktree_rpc::CallLimits;
use blocktree_rpc::openrpc::{answer_schema, message_schema, method_names};
use blocktree_rpc::server::Limits;
use serde_json::{Value, json};

#[tokio::test]
async fn the_document_describes_every_method() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let addr = fixture.server.addr();
    let document = call(addr, "rpc.discover", json!([])).await["result"].clone();
    assert_eq!(document, fixture.document);
    assert_eq!(document["openrpc"], "1.3.2");
    let names: Vec<&str> = method_names(&document).collect();
    let expected = [
        "admin_greet",
        "test_dear",
        "test_echo",
        "test_missing",
        "test_panic",
        "test_subscribeCount",
        "test_subscribeFlood",
        "test_unsubscribeCount",
        "test_unsubscribeFlood",
        "test_wait",
        "test_work",
    ];
    assert_eq!(names, expected, "all, in order");
    let echo = &document["methods"][2];
    let expected = json!({
        "name": "test_echo",
        "summary": "Says it again.",
        "paramStructure": "either",
        "params": [
            {
                "name": "text",
                "summary": "What to say.",
                "required": true,
                "schema": { "type": "string" },
            },
            {
                "name": "times",
                "summary": "How often; once if not given.",
                "required": false,
                "schema": {
                    "type": ["integer", "null"], "format": "uint32", "minimum": 0, "default": null,
                },
            },
        ],
        "result": { "name": "answer", "schema": { "$ref": "#/components/schemas/Echo" } },
    });
    assert_eq!(echo, &expected);
    let count = &document["methods"][5];
    assert_eq!(count["x-subscription"]["notification"], "test_count");
    assert_eq!(count["x-subscription"]["unsubscribe"], "test_unsubscribeCount");
    assert_eq!(document["components"]["errors"]["rpc.NotFound"]["code"], 1004);
}

#[tokio::test]
async fn answers_fit_their_schemas_and_others_do_not() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let fits = |method: &str, answer: &Value| {
        let schema = answer_schema(&fixture.document, method).unwrap();
        jsonschema::draft7::is_valid(&schema, answer)
    };
    let echo = call(fixture.server.addr(), "test_echo", json!(["ab", 2])).await["result"].clone();
    assert!(fits("test_echo", &echo), "{echo}");
    for (field, value) in
        [("said", json!("ab")), ("totalLen", json!(-1)), ("totalLen", Value::Null)]
    {
        let mut wrong = echo.clone();
        wrong[field] = value;
        assert!(!fits("test_echo", &wrong), "{wrong}");
    }
    let mut missing = echo.clone();
    missing.as_object_mut().unwrap().remove("said");
    assert!(!fits("test_echo", &missing));
    assert!(fits("test_unsubscribeCount", &json!(true)));
    let message = message_schema(&fixture.document, "test_subscribeCount").unwrap();
    assert!(jsonschema::draft7::is_valid(&message, &json!(7)));
    assert!(!jsonschema::draft7::is_valid(&message, &json!("7")));
    assert!(answer_schema(&fixture.document, "test_none").is_none());
    assert!(message_schema(&fixture.document, "test_echo").is_none());
}
