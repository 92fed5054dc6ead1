//! The OpenAPI document of the public API: [`calls`] says what there is, [`schema`] in which shapes,
//! and here it is put together.

mod calls;
mod schema;

use serde_json::{Map, Value, json};

use self::{
    calls::{Call, Parameter, calls},
    schema::{named, reference, schemas},
};

/// Answers that the calls of the document really give; a test asks for them again.
const EXAMPLES: &str = include_str!("examples.json");

/// The OpenAPI 3.1 document of the public API, examples included.
pub fn document() -> Value {
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let mut paths = Map::new();
    for call in calls() {
        for method in call.methods {
            let example = examples.get(&format!("{} {}", method.to_uppercase(), call.path));
            let methods = paths.entry(call.path).or_insert_with(|| json!({}));
            methods[*method] = operation(&call, method, example);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "SenseCAP OpenAPI, as Senstation answers it",
            "version": "2",
            "description": "What programs written for SenseCAP's cloud call, on a station of one's own. Every call \
                takes HTTP Basic authentication: the Access ID is the user, the Access Key the password. Parameters \
                may stand in the query, in a JSON body or in a form. What a rule of the contract refuses is answered \
                with HTTP 200 and a `code` other than `0`; what HTTP itself refuses has its own status and the same \
                envelope. Every path below `/1.0` answers below `/openapi/1.0` as well.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "accessKey": [] }],
        "tags": calls::TAGS.map(|name| json!({ "name": name })),
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "headers": {
                "Seconds": { "description": "How long the call took, in seconds.", "schema": { "type": "string" } },
                "Consumed": { "description": "How many readings were read: the call's dm.", "schema": { "type": "string" } },
                "Tag": { "description": "Names the answer, for `If-None-Match`.", "schema": { "type": "string" } },
                "Version": { "description": "Which version of the API answered.", "schema": { "enum": ["1", "1.5", "2"] } },
            },
            "responses": {
                "Unchanged": {
                    "description": "The answer is the one that `If-None-Match` names; it is not sent again, and costs nothing.",
                },
                "Stranger": refused("The Access ID or the Access Key is wrong (11104) or disabled (11105)."),
                "Limited": refused("A limit of the organization or of the key is reached; `Retry-After` says for how long."),
                "Refused": refused("HTTP itself refuses it: the path, the method, the size or the form."),
            },
            "securitySchemes": { "accessKey": { "type": "http", "scheme": "basic" } },
        },
    })
}

/// What the document says of a call that is sent by one method.
fn operation(call: &Call, method: &str, example: Option<&Value>) -> Value {
    let mut operation = json!({
        "tags": [call.tag],
        "summary": call.summary,
        "operationId": format!("{method}_{}", call.path.trim_matches('/').replace(['/', '.'], "_").replace(['{', '}'], "")),
        "responses": responses(call, method, example),
    });
    let mut notes = Vec::new();
    if call.changes {
        notes.push("Takes a key with the scope `write`.".to_owned());
    }
    if !call.refuses.is_empty() {
        let refuses: Vec<_> = call.refuses.iter().map(|code| format!("{code} ({})", calls::meaning(*code))).collect();
        notes.push(format!("Refuses with {}.", refuses.join(", ")));
    }
    if !notes.is_empty() {
        operation["description"] = notes.join(" ").into();
    }
    if call.is_open {
        operation["security"] = json!([]);
    }
    let in_query = matches!(method, "get" | "delete");
    let place = |parameter: &Parameter| parameter.at(if in_query { "query" } else { "body" });
    let all = call.in_path.iter().map(|parameter| parameter.at("path"));
    let parameters: Vec<_> = all.chain(call.takes.iter().filter(|_| in_query).map(place)).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if !in_query && !call.takes.is_empty() {
        operation["requestBody"] = body(&call.takes);
    }
    operation
}

fn body(takes: &[Parameter]) -> Value {
    let properties: Map<_, _> =
        takes.iter().map(|parameter| (parameter.name.to_owned(), parameter.described())).collect();
    let needed: Vec<_> = takes.iter().filter(|parameter| parameter.is_needed).map(|parameter| parameter.name).collect();
    let examples = takes.iter().filter_map(|parameter| Some((parameter.name.to_owned(), parameter.example.clone()?)));
    let example: Map<_, _> = examples.collect();
    let schema = json!({ "type": "object", "properties": properties, "required": needed });
    json!({
        "required": !needed.is_empty(),
        "content": {
            "application/json": { "schema": schema, "example": example },
            "application/x-www-form-urlencoded": { "schema": schema },
        },
    })
}

fn responses(call: &Call, method: &str, example: Option<&Value>) -> Value {
    let mut media = json!({ "schema": answer(call) });
    if let Some(example) = example {
        media["example"] = example.clone();
    }
    let content = json!({ "application/json": media });
    if call.is_open {
        return json!({ "200": { "description": "The definitions.", "content": content } });
    }
    let mut headers = headers();
    let has_versions = call.has_versions && method == "get";
    if has_versions {
        headers["ETag"] = named("headers", "Tag");
    }
    let mut responses = json!({
        "200": { "description": "Done, or refused with a code of its own.", "headers": headers, "content": content },
        "401": named("responses", "Stranger"),
        "429": named("responses", "Limited"),
        "default": named("responses", "Refused"),
    });
    if has_versions {
        responses["304"] = named("responses", "Unchanged");
    }
    responses
}

/// The envelope of a call's answers.
fn answer(call: &Call) -> Value {
    let Some(data) = &call.gives else { return reference("Failure") };
    if call.is_open {
        return data.clone();
    }
    let mut success = json!({
        "type": "object",
        "properties": { "code": { "const": "0" }, "data": data },
        "required": ["code", "data"],
    });
    if call.is_first {
        success["properties"]["time"] = json!({ "type": "number", "description": "How many seconds it took." });
        success["required"] = json!(["code", "data", "time"]);
    }
    json!({ "anyOf": [success, reference("Failure")] })
}

fn refused(description: &str) -> Value {
    let content = json!({ "application/json": { "schema": reference("Failure") } });
    json!({ "description": description, "headers": headers(), "content": content })
}

fn headers() -> Value {
    json!({
        "api-gateway-excute-second": named("headers", "Seconds"),
        "api-gateway-mpuo-consume": named("headers", "Consumed"),
        "API-VERSION": named("headers", "Version"),
    })
}
