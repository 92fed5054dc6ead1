//! `GET /api/openapi.json`: what the management API is, for programs and people.

use std::sync::LazyLock;

use axum::{
    http::{Method, header},
    response::{IntoResponse, Response},
};
use utoipa::{
    ToSchema,
    openapi::{
        Components, Content, InfoBuilder, OpenApiBuilder, Paths, RefOr, Required, ResponseBuilder, Schema,
        path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{ObjectBuilder, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{Right, router};

/// What the document says about a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    pub(crate) summary: &'static str,
    /// Names of what the query may say, each with what it means.
    pub(crate) query: &'static [(&'static str, &'static str)],
    /// The body of the request.
    pub(crate) takes: Option<Shape>,
    /// Status and body of the answer.
    pub(crate) gives: (u16, Option<Shape>),
}

/// A shape of JSON: itself, and those that it names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    schema: fn() -> RefOr<Schema>,
    named: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    pub(crate) const fn of<T: ToSchema>() -> Self {
        Self { schema: T::schema, named: T::schemas }
    }

    fn content(self) -> Content {
        Content::new(Some((self.schema)()))
    }
}

static DOCUMENT: LazyLock<String> = LazyLock::new(document);

pub(crate) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

fn document() -> String {
    let mut paths = Paths::new();
    let mut named = Vec::new();
    for route in router::routes() {
        let (Some(about), Some(method)) = (route.about, method(&route.method)) else { continue };
        for shape in [about.takes, about.gives.1].into_iter().flatten() {
            (shape.named)(&mut named);
        }
        paths.add_path_operation(route.path, vec![method], operation(route.path, &route.method, route.right, about));
    }
    let mut components = Components::new();
    components.schemas.extend(named);
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("Access ID and Access Key of a key that has the scope `manage`."));
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description("session", "A person who is signed in to the portal."));
    components.add_security_scheme("access_key", SecurityScheme::Http(key.build()));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let info = InfoBuilder::new().title("Senstation management API").version("1").description(Some(
        "Everything that a page of the portal does. Faults are problems by RFC 9457; lists come in pages, each with \
         the cursor of the next; answers to GET carry an ETag.",
    ));
    let document = OpenApiBuilder::new().info(info.build()).paths(paths).components(Some(components)).build();
    serde_json::to_string(&document).unwrap_or_default()
}

fn method(method: &Method) -> Option<HttpMethod> {
    match *method {
        Method::GET => Some(HttpMethod::Get),
        Method::POST => Some(HttpMethod::Post),
        Method::PUT => Some(HttpMethod::Put),
        Method::PATCH => Some(HttpMethod::Patch),
        Method::DELETE => Some(HttpMethod::Delete),
        _ => None,
    }
}

fn operation(path: &str, method: &Method, right: Right, about: About) -> OperationBuilder {
    let text = || Some(ObjectBuilder::new().schema_type(Type::String).build());
    let right = match right {
        Right::Anyone => "anybody",
        Right::Read => "a viewer",
        Right::Write => "a manager",
        Right::Manage => "an owner, or an access key with the scope `manage`",
        Right::Operate => "an owner who looks after the station",
    };
    let mut operation = OperationBuilder::new()
        .summary(Some(about.summary))
        .description(Some(format!("For {right}.")))
        .operation_id(Some(format!(
            "{}{}",
            method.as_str().to_ascii_lowercase(),
            path.replace(['/', '{', '}', '.'], "_")
        )))
        .security(SecurityRequirement::new::<_, [&str; 0], &str>("access_key", []))
        .security(SecurityRequirement::new::<_, [&str; 0], &str>("session", []));
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
        operation = operation.parameter(parameter.schema(text()));
    }
    for (name, meaning) in about.query {
        let parameter = ParameterBuilder::new().name(*name).parameter_in(ParameterIn::Query).required(Required::False);
        operation = operation.parameter(parameter.description(Some(*meaning)).schema(text()));
    }
    if let Some(shape) = about.takes {
        let body =
            RequestBodyBuilder::new().content("application/json", shape.content()).required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    let (status, shape) = about.gives;
    let mut answer = ResponseBuilder::new().description("done");
    if let Some(shape) = shape {
        answer = answer.content("application/json", shape.content());
    }
    let problem = ResponseBuilder::new().description("why not, as `application/problem+json`").build();
    operation.response(status.to_string(), answer.build()).response("4XX", problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_every_route_and_every_shape_it_points_to() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let text = document.to_string();
        for route in router::routes().iter().filter(|route| route.path.starts_with("/api/")) {
            let method = route.method.as_str().to_ascii_lowercase();
            assert!(document["paths"][route.path][method].is_object(), "{} {}", route.method, route.path);
        }
        for (_, rest) in text.match_indices("#/components/schemas/").map(|(at, found)| text.split_at(at + found.len()))
        {
            let name = rest.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "`{name}` is not there");
        }
    }
}
