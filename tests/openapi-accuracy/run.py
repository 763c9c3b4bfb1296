#!/usr/bin/env python3
"""Learned OpenAPI and CycloneDX against the truth: validity, and how much of it is right.

usage: run.py TAPSCOPE DATASETS [-n REQUESTS] [--seed N] [API ...]
DATASETS holds gen_traffic.py and specs/dev. For each API: traffic is generated, imported and exported;
the exports are validated (openapi-spec-validator and cyclonedx-python-lib, from PyPI, where they are
installed), and what the labelled traffic showed of parameters and response fields is looked up in the
learned document: by name and place, and by type. Endpoints whose template was not learned as it is
count with all they have as wrong. A credential that the specification lists among the query's
parameters is right when it is an apiKey of the query among the operation's security schemes: that is
where OpenAPI has it. With --unseen the share of declared parameters and of operations that never occur
in the traffic is told as well: nobody can learn those.
"""
import argparse, collections, json, pathlib, re, subprocess, sys, tempfile

APIS = ["stripe", "github", "discord", "digitalocean", "spotify", "trello", "circleci", "figshare",
        "google_calendar", "sendgrid"]


def structure(template):
    return re.sub(r"\{[^{}]*\}", "{}", template)


def kinds(sketch):
    """JSON types of a sketch of the true specification; none for any."""
    if isinstance(sketch, dict):
        return {"object"}
    if isinstance(sketch, list):
        return {"array"}
    kind = str(sketch).split(":")[0]
    return {"integer": {"integer"}, "number": {"number"}, "boolean": {"boolean"},
            "any": None}.get(kind, {"string"})


def walk(sketch, value, path, out):
    """The places that a body shows, with the types the specification gives them."""
    if isinstance(value, dict) and isinstance(sketch, dict):
        for name, inner in value.items():
            if name in sketch:
                out[path + (name,)] = kinds(sketch[name])
                walk(sketch[name], inner, path + (name,), out)
    elif isinstance(value, list) and isinstance(sketch, list) and sketch:
        for inner in value:
            walk(sketch[0], inner, path, out)


def place(schema, path):
    """The learned schema of a place; none when it is not there."""
    for name in path:
        for _ in range(4):
            if "items" in schema and name not in schema.get("properties", {}):
                schema = schema["items"]
        if name in schema.get("properties", {}):
            schema = schema["properties"][name]
        else:
            return None
    return schema


def types(schema):
    kind = schema.get("type", [])
    return set([kind] if isinstance(kind, str) else kind) - {"null"}


def truth(spec, traffic, labels):
    """Per operation: query parameters and response fields that successful calls showed."""
    base = spec.get("base_path") or ""
    operations = {(o["method"], base.rstrip("/") + o["path_template"]): o for o in spec["operations"]}
    seen = collections.defaultdict(lambda: ({}, {}))
    for line, label in zip(open(traffic), open(labels)):
        label = json.loads(label)
        if label["kind"] != "ok":
            continue
        record = json.loads(line)
        operation = operations.get((record["method"], label["tpl"]))
        if operation is None:
            continue
        parameters, fields = seen[(record["method"], label["tpl"])]
        declared = {p["name"]: p for p in operation["params"] if p["in"] == "query"}
        for part in filter(None, record["query"].split("&")):
            name = part.split("=")[0]
            if name in declared:
                parameters[name] = declared[name].get("type", "string")
        for name in re.findall(r"\{([^{}]+)\}", operation["path_template"]):
            parameters["path:" + name] = "path"
        if record["resp_body"] and operation.get("resp"):
            try:
                walk(operation["resp"], json.loads(record["resp_body"]), (), fields)
            except ValueError:
                pass
    return seen, operations


def score(spec, document, seen, operations, count):
    learned = {}
    schemes = document.get("components", {}).get("securitySchemes", {})
    for path, item in document["paths"].items():
        for method, operation in item.items():
            learned[(method.upper(), structure(path))] = operation
    for (method, template), (parameters, fields) in seen.items():
        operation = learned.get((method, structure(template)))
        count["operations"] += 1
        count["operations found"] += operation is not None
        known = {(p["in"], p["name"]): p for p in (operation or {}).get("parameters", [])}
        for alternative in (operation or {}).get("security", []):
            for scheme in (schemes[name] for name in alternative):
                if scheme["type"] == "apiKey" and scheme["in"] == "query":
                    known[("query", scheme["name"])] = {"schema": {"type": "string"}}
        paths = [p for p in (operation or {}).get("parameters", []) if p["in"] == "path"]
        for name, kind in parameters.items():
            count["parameters"] += 1
            if kind == "path":
                right = operation is not None and bool(paths)
                count["parameters named"] += right
                count["parameters right"] += right
                continue
            one = known.get(("query", name))
            count["parameters named"] += one is not None
            if one is not None:
                wanted = {"integer", "number", "boolean"} & {kind} or {"string", "array"}
                got = types(one["schema"])
                count["parameters right"] += bool(got) and got <= wanted
        status = str(operations[(method, template)].get("ok", 200))
        content = (operation or {}).get("responses", {}).get(status, {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        for path, wanted in fields.items():
            count["fields"] += 1
            one = place(schema, path)
            count["fields named"] += one is not None
            if one is not None:
                got = types(one)
                count["fields right"] += wanted is None or (bool(got) and got <= wanted)


def validate(document, bom):
    """Sentences about what is invalid; none when a validator is missing."""
    wrong = []
    try:
        from openapi_spec_validator import validate as check
        check(document)
    except ImportError:
        wrong.append("openapi-spec-validator is not installed")
    except Exception as error:  # noqa: BLE001, the validators have no common ancestor
        wrong.append(f"OpenAPI: {str(error)[:200]}")
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(bom)
        if error:
            wrong.append(f"CycloneDX: {str(error)[:200]}")
    except ImportError:
        wrong.append("cyclonedx-python-lib is not installed")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tapscope")
    parser.add_argument("datasets", type=pathlib.Path)
    parser.add_argument("-n", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unseen", action="store_true")
    parser.add_argument("apis", nargs="*")
    arguments = parser.parse_args()
    total, failures = collections.Counter(), 0
    share = lambda c, what, of: f"{c[what] / max(1, c[of]):6.1%}"
    head = ("api", "ops", "found", "params", "named", "right", "fields", "named", "right", "valid")
    print("%-18s %5s %6s %6s %6s %6s %6s %6s %6s %s" % head)
    for api in arguments.apis or APIS:
        source = arguments.datasets / "specs/dev" / f"{api}.json"
        spec = json.load(open(source))
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            traffic, labels, store = folder / "t.jsonl", folder / "l.jsonl", folder / "s.db"
            run = lambda *command: subprocess.run([str(c) for c in command], check=True, capture_output=True).stdout
            run(sys.executable, arguments.datasets / "gen_traffic.py", source, "-n", arguments.n,
                "--seed", arguments.seed, "--out", traffic, "--labels", labels)
            run(arguments.tapscope, "import", "--format", "traffic", traffic, "--store", store,
                "--key-file", folder / "key")
            export = lambda form: run(arguments.tapscope, "export", "--store", store, "--format", form,
                                      "--host", spec["host"])
            document, bom = json.loads(export("openapi")), export("cyclonedx").decode()
            wrong = validate(document, bom)
            count = collections.Counter()
            seen, operations = truth(spec, traffic, labels)
            score(spec, document, seen, operations, count)
        for operation, (parameters, _) in seen.items():
            count["declared"] += sum(p["in"] in ("path", "query") for p in operations[operation]["params"])
        count["all operations"] = len(operations)
        total.update(count)
        failures += bool(wrong)
        print("%-18s %5d %s %6d %s %s %6d %s %s %s" % (
            api, count["operations"], share(count, "operations found", "operations"),
            count["parameters"], share(count, "parameters named", "parameters"),
            share(count, "parameters right", "parameters"), count["fields"],
            share(count, "fields named", "fields"), share(count, "fields right", "fields"),
            "; ".join(wrong) or "yes"), flush=True)
    print("%-18s %5d %s %6d %s %s %6d %s %s %d of %d" % (
        "all", total["operations"], share(total, "operations found", "operations"),
        total["parameters"], share(total, "parameters named", "parameters"),
        share(total, "parameters right", "parameters"), total["fields"],
        share(total, "fields named", "fields"), share(total, "fields right", "fields"),
        len(arguments.apis or APIS) - failures, len(arguments.apis or APIS)))
    if arguments.unseen:
        print("in the traffic: %d of %d operations; of those operations' %d declared path and query parameters %d" % (
            total["operations"], total["all operations"], total["declared"], total["parameters"]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
