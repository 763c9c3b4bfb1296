//! Parameters that take the rest of a path.

use super::*;

fn host() -> HostTemplates {
    HostTemplates::new("api.example.com", &TemplateSettings::default())
}

#[test]
fn what_is_alike_at_any_depth_is_one_endpoint_that_takes_the_rest() {
    let mut requests = Vec::new();
    for n in 0..120 {
        let depth = n % 6 + 1;
        let key: Vec<String> = (0..depth).map(|d| invented(n * 7 + d)).collect();
        requests.push(get(
            format!("/objects/{}", key.join("/")),
            &["etag", "size"],
        ));
        requests.push(get("/objects".to_owned(), &["keys"]));
        // Consecutive parameters of which each level is something else.
        let (owner, repository, branch) = (invented(n), invented(n + 300), invented(n + 600));
        requests.push(get(format!("/owners/{owner}"), &["owner"]));
        requests.push(get(
            format!("/owners/{owner}/{repository}"),
            &["repository"],
        ));
        requests.push(get(
            format!("/owners/{owner}/{repository}/{branch}"),
            &["branch"],
        ));
    }
    let mut host = host();
    feed(&mut host, &requests);
    host.settle();
    let expected = [
        "GET /objects",
        "GET /objects/{}",
        "GET /owners/{}",
        "GET /owners/{}/{}",
        "GET /owners/{}/{}/{}",
    ];
    assert_eq!(templates(&host), set(&expected));
    let known = host.endpoints().count();
    let deep = segments("/objects/a/new/key/far/below/any/seen/before");
    let sighting = Sighting {
        path: &deep,
        ..template_sighting()
    };
    let found = host.find(&sighting).and_then(|id| host.describe(id));
    let template = found.map(|view| view.template);
    assert_eq!(template.as_deref(), Some("/objects/{object*}"));
    assert_eq!(host.endpoints().count(), known);
}

#[test]
fn a_documented_proxy_takes_all_that_is_below_it() {
    let mut host = host();
    host.set_documented(&[("GET".to_owned(), "/proxy/{proxy+}".to_owned())]);
    let mut requests = Vec::new();
    for n in 0..60 {
        let parts: Vec<String> = (0..n % 4 + 1).map(|d| invented(n * 5 + d)).collect();
        // Each depth answers with something else: nothing but the document makes them one.
        let fields: &[&str] = [&["a"][..], &["b"], &["c"], &["d"]][n % 4];
        requests.push(get(format!("/proxy/{}", parts.join("/")), fields));
    }
    feed(&mut host, &requests);
    host.settle();
    assert_eq!(templates(&host), set(&["GET /proxy/{}"]));
}

fn template_sighting<'a>() -> Sighting<'a> {
    Sighting {
        method: "GET",
        path: &[],
        trailing_slash: false,
        status: Some(200),
        request_content_type: None,
        response_content_type: Some("application/json"),
        response_shape: None,
        response_passed: true,
        response_len: 200,
        consumer: 1,
        time: 1,
    }
}
