//! What a document says of one operation: its parameters, and what bodies it takes and gives.

use serde_json::Value;

use super::flat::follow;

/// What a document says of one operation.
#[derive(Clone, Debug)]
pub(super) struct Contract<'a> {
    pub(super) tree: &'a Value,
    pub(super) parameters: Vec<Declared<'a>>,
    /// Media types of requests with their schemas; none where no body is described.
    pub(super) request: Option<Vec<Content<'a>>>,
    pub(super) responses: Vec<Response<'a>>,
    /// Parameters that carry credentials: location and name in lower case.
    pub(super) credentials: Vec<(&'a str, String)>,
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<'a> {
    /// `path`, `query`, `header`, `cookie`.
    pub(super) location: &'a str,
    pub(super) name: &'a str,
    pub(super) required: bool,
    pub(super) schema: Option<&'a Value>,
    /// Whether any names may come of it: an object whose fields are parameters of their own.
    pub(super) open: bool,
}

/// One media type.
#[derive(Clone, Debug)]
pub(super) struct Content<'a> {
    /// Lower case, without parameters.
    pub(super) media_type: String,
    pub(super) schema: Option<&'a Value>,
}

/// One kind of response.
#[derive(Clone, Debug)]
pub(super) struct Response<'a> {
    /// `200`, `2XX` or `default`.
    pub(super) status: String,
    /// None where no body is described.
    pub(super) content: Option<Vec<Content<'a>>>,
}

impl<'a> Contract<'a> {
    /// Reads the operation in its document; none where it is not there.
    pub(super) fn of(tree: &'a Value, path: &str, method: &str) -> Option<Self> {
        let item = follow(tree, tree.get("paths")?.get(path)?)?;
        let node = item.get(method.to_ascii_lowercase())?;
        let declared = declared(tree, item, node);
        let swagger = tree.get("swagger").is_some();
        let parameters = declared
            .iter()
            .filter(|one| !matches!(text(one, "in"), "body" | "formData"))
            .map(|one| Declared {
                location: text(one, "in"),
                name: text(one, "name"),
                required: one.get("required") == Some(&Value::Bool(true)),
                schema: one.get("schema").or(swagger.then_some(one)),
                open: is_open(tree, one),
            });
        Some(Self {
            tree,
            parameters: parameters.collect(),
            request: match swagger {
                true => swagger_request(tree, node, &declared),
                false => node
                    .get("requestBody")
                    .and_then(|body| content(follow(tree, body)?)),
            },
            responses: responses(tree, node, swagger),
            credentials: credentials(tree),
        })
    }

    /// The response a status stands for: its own, its class's, or the default.
    pub(super) fn response(&self, status: u16) -> Option<&Response<'a>> {
        let class = format!("{}XX", status / 100);
        let named = |name: &str| {
            let mut all = self.responses.iter();
            all.find(|one| one.status.eq_ignore_ascii_case(name))
        };
        named(&status.to_string())
            .or_else(|| named(&class))
            .or_else(|| named("default"))
    }
}

/// Parameters of the operation, and those of its path that it does not name anew.
fn declared<'a>(tree: &'a Value, item: &'a Value, node: &'a Value) -> Vec<&'a Value> {
    let list = |of: &'a Value| {
        let list = of.get("parameters").and_then(Value::as_array);
        let followed = list
            .into_iter()
            .flatten()
            .filter_map(|one| follow(tree, one));
        followed.collect::<Vec<_>>()
    };
    let mut all = list(node);
    for shared in list(item) {
        let same = |one: &&Value| {
            text(one, "in") == text(shared, "in") && text(one, "name") == text(shared, "name")
        };
        if !all.iter().any(same) {
            all.push(shared);
        }
    }
    all
}

/// Whether the parameter is an object whose fields are sent as parameters (style `form`, exploded:
/// the default of a query's).
fn is_open(tree: &Value, parameter: &Value) -> bool {
    let schema = parameter.get("schema").and_then(|one| follow(tree, one));
    let style = text(parameter, "style");
    text(parameter, "in") == "query"
        && schema.is_some_and(|one| text(one, "type") == "object")
        && (style.is_empty() || style == "form")
        && parameter.get("explode") != Some(&Value::Bool(false))
}

fn content(body: &Value) -> Option<Vec<Content<'_>>> {
    let content = body.get("content").and_then(Value::as_object)?;
    Some(
        content
            .iter()
            .map(|(name, media)| Content {
                media_type: essence(name),
                schema: media.get("schema"),
            })
            .collect(),
    )
}

/// Bodies of Swagger 2.0: one schema in the media types that are consumed.
fn swagger_request<'a>(
    tree: &'a Value,
    node: &'a Value,
    declared: &[&'a Value],
) -> Option<Vec<Content<'a>>> {
    let mut bodies = declared
        .iter()
        .filter(|one| matches!(text(one, "in"), "body" | "formData"));
    let body = bodies.next()?;
    let schema = body.get("schema").filter(|_| text(body, "in") == "body");
    Some(media_types(tree, node, "consumes", schema))
}

fn media_types<'a>(
    tree: &'a Value,
    node: &'a Value,
    key: &str,
    schema: Option<&'a Value>,
) -> Vec<Content<'a>> {
    let list = node.get(key).or_else(|| tree.get(key));
    let names = list.and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<Content<'_>> = names
        .filter_map(Value::as_str)
        .map(|name| Content {
            media_type: essence(name),
            schema,
        })
        .collect();
    if all.is_empty() {
        // Nothing is said of media types: any.
        all.push(Content {
            media_type: "*/*".to_owned(),
            schema,
        });
    }
    all
}

fn responses<'a>(tree: &'a Value, node: &'a Value, swagger: bool) -> Vec<Response<'a>> {
    let responses = node.get("responses").and_then(Value::as_object);
    let one = |(status, response): (&String, &'a Value)| {
        let response = follow(tree, response);
        Response {
            status: status.clone(),
            content: response.and_then(|response| match swagger {
                true => {
                    let schema = response.get("schema")?;
                    Some(media_types(tree, node, "produces", Some(schema)))
                }
                false => content(response),
            }),
        }
    };
    responses.into_iter().flatten().map(one).collect()
}

/// Where API keys are sent.
fn credentials(tree: &Value) -> Vec<(&str, String)> {
    let schemes = tree
        .pointer("/components/securitySchemes")
        .or_else(|| tree.get("securityDefinitions"))
        .and_then(Value::as_object);
    let schemes = schemes.into_iter().flatten();
    schemes
        .filter_map(|(_, scheme)| follow(tree, scheme))
        .filter(|scheme| text(scheme, "type") == "apiKey")
        .map(|scheme| {
            (
                text(scheme, "in"),
                text(scheme, "name").to_ascii_lowercase(),
            )
        })
        .collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A media type in lower case, without parameters.
fn essence(media_type: &str) -> String {
    let name = media_type.split(';').next().unwrap_or_default();
    name.trim().to_ascii_lowercase()
}
