#!/usr/bin/env python3
"""Drift planted in the documents of generated traffic: every planted change must be told, and nothing else.

usage: run.py TAPSCOPE DATASETS [-n REQUESTS] [--seed N] [--list] [API ...]
DATASETS holds gen_traffic.py and specs/dev. For each API: traffic is generated with its usual noise, and a
document is written that says what the generator does (its types, its statuses; formats are left out, for the
generator does not keep to them). Then changes are planted in a copy of that document, one an operation that
has enough traffic, of every kind in turn; the copy is imported with the traffic, after the unchanged document
as an earlier revision; and what `tapscope spec diff` and the labels say is compared with what was planted.
"""
import argparse, collections, copy, json, pathlib, re, subprocess, sys, tempfile

# Calls of an operation that a change is planted in, and calls that must show it: well above the product's
# own thresholds (five exchanges and one in a hundred), so that chance decides nothing.
CALLS_MIN, SHOWN_MIN = 60, 12
DEFAULT_REQUEST = {"name": "string", "description": "string", "enabled": "boolean"}
DEFAULT_RESPONSE = {"id": "string", "name": "string", "created_at": "string", "status": "string"}
BODY_METHODS = ("POST", "PUT", "PATCH")


def structure(template):
    return re.sub(r"\{[^{}]*\}", "{}", template)


def schema(sketch):
    """A sketch of the dataset as JSON Schema, as far as the generator keeps to it."""
    if isinstance(sketch, dict):
        return {"type": "object", "properties": {name: schema(one) for name, one in sketch.items()}}
    if isinstance(sketch, list):
        return {"type": "array", "items": schema(sketch[0]) if sketch else {}}
    kind = str(sketch).split(":")[0]
    return {"type": kind} if kind in ("integer", "number", "boolean") else {} if kind in ("any", "null") else {"type": "string"}


def document(spec):
    paths = collections.defaultdict(dict)
    for one in spec["operations"]:
        parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                      for name in dict.fromkeys(p["name"] for p in one["params"] if p["in"] == "path")]
        known = set()
        for p in one["params"]:
            if p["in"] == "query" and p["name"] not in known:
                known.add(p["name"])
                kind = p.get("type") if p.get("type") in ("integer", "number") and not p.get("enum") else "string"
                parameters.append({"name": p["name"], "in": "query", "schema": {"type": kind}})
        status = str(one.get("ok", 200))
        response = {"description": "usual"}
        if status != "204":
            usual = schema(one.get("resp") or DEFAULT_RESPONSE)
            # The generator gives a field that is called like a path parameter that one's value.
            for name in (p["name"] for p in one["params"] if p["in"] == "path"):
                if name in usual.get("properties", {}):
                    usual["properties"][name] = {}
            response["content"] = {"application/json": {"schema": usual}}
        operation = {"parameters": parameters, "responses": {status: response}}
        for code in ("409", "422"):
            operation["responses"][code] = {"description": "refused"}
        if one["method"] in BODY_METHODS:
            content = {"application/json": {"schema": schema(one.get("req") or DEFAULT_REQUEST)}}
            operation["requestBody"] = {"content": content}
        paths[one["path_template"]][one["method"].lower()] = operation
    return {"openapi": "3.0.3", "info": {"title": spec["api"], "version": "1"},
            "servers": [{"url": f"https://{spec['host']}{spec['base_path']}"}], "paths": paths}


def observed(spec, traffic, labels):
    """Per operation: calls that succeeded, and how many carried each query parameter and body field."""
    seen = {}
    for line, label in zip(open(traffic), open(labels)):
        label = json.loads(label)
        if label["kind"] not in ("ok", "variant"):
            continue
        record = json.loads(line)
        one = seen.setdefault((record["method"], label["tpl"]),
                              {"calls": 0, "query": collections.Counter(), "request": collections.Counter(),
                               "response": collections.Counter(), "words": collections.Counter()})
        one["calls"] += 1
        one["query"].update({part.split("=")[0] for part in record["query"].split("&") if part})
        for side, body in (("request", record["req_body"]), ("response", record["resp_body"])):
            try:
                body = json.loads(body or "null")
            except ValueError:
                continue
            if isinstance(body, dict):
                one[side].update(body.keys())
                if side == "response":
                    words = (name for name, value in body.items() if isinstance(value, str))
                    one["words"].update(words)
    return seen


class Planter:
    """Plants one change in an operation; each method gives the place it is told at, or none."""

    def __init__(self, method, operation, seen):
        self.method, self.operation, self.seen = method, operation, seen
        self.status = next(iter(operation["responses"]))

    def content(self, side):
        holder = self.operation.get("requestBody") if side == "request" else self.operation["responses"][self.status]
        return (holder or {}).get("content")

    def fields(self, side):
        one = (self.content(side) or {}).get("application/json", {}).get("schema", {})
        return one, one.get("properties", {})

    def undocumented_parameter(self):
        for at, p in enumerate(self.operation["parameters"]):
            if p["in"] == "query" and p["name"].lower() not in CREDENTIALS and self.seen["query"][p["name"]] >= SHOWN_MIN:
                del self.operation["parameters"][at]
                return f"query {p['name']}"

    def missing_parameter(self):
        self.operation["parameters"].append({"name": "planted", "in": "query", "required": True, "schema": {}})
        return "query planted"

    def undocumented_field(self, side="response"):
        _, fields = self.fields(side)
        for name in list(fields):
            if self.seen[side][name] >= SHOWN_MIN and fields[name].get("type") not in ("object", "array"):
                del fields[name]
                return self.place(side, name)

    def undocumented_request_field(self):
        return self.undocumented_field("request")

    def missing(self, side):
        one, fields = self.fields(side)
        if not fields or not self.seen[side]:
            return None
        one["required"] = ["planted"]
        return self.place(side, "planted")

    def missing_response_field(self):
        return self.missing("response")

    def missing_request_field(self):
        return self.missing("request")

    def changed_type(self):
        _, fields = self.fields("response")
        for name, field in fields.items():
            if field.get("type") == "string" and self.seen["words"][name] >= SHOWN_MIN:
                field["type"] = "boolean"
                return self.place("response", name)

    def undocumented_status(self):
        self.operation["responses"]["299"] = self.operation["responses"].pop(self.status)
        return f"status {self.status}"

    def undocumented_response_type(self):
        content = self.content("response")
        if content and self.seen["response"]:
            content["application/xml"] = content.pop("application/json")
            return f"response {self.status} application/json"

    def undocumented_request_type(self):
        content = self.content("request")
        if content and self.seen["request"]:
            content["application/xml"] = content.pop("application/json")
            return "request application/json"

    def place(self, side, name):
        return f"request application/json {name}" if side == "request" else f"response {self.status} application/json {name}"


# Parameters that carry credentials: documents describe them as security schemes, and so does the product.
CREDENTIALS = {"key", "token", "api_key", "apikey", "access_token", "auth_token", "client_secret"}

KINDS = ["undocumented_parameter", "missing_parameter", "undocumented_field", "undocumented_request_field",
         "missing_response_field", "missing_request_field", "changed_type", "undocumented_status",
         "undocumented_response_type", "undocumented_request_type", "deprecated_called", "removed_called"]


def plant(spec, doc, seen):
    """Plants changes; gives what must be told, as (kind, method, template, place)."""
    expected, at = set(), 0
    busy = sorted(((one["calls"], key) for key, one in seen.items() if one["calls"] >= CALLS_MIN), reverse=True)
    alike = collections.Counter((o["method"], structure(o["path_template"])) for o in spec["operations"])
    for _, (method, template) in busy:
        # Of two operations that differ in names only nobody can tell which one is called.
        if alike[(method, structure(template[len(spec["base_path"]):]))] > 1:
            continue
        path = template[len(spec["base_path"]):]
        operation = doc["paths"][path][method.lower()]
        for turn in range(len(KINDS)):
            kind = KINDS[(at + turn) % len(KINDS)]
            place = ""
            if kind == "deprecated_called":
                operation["deprecated"] = True
            elif kind == "removed_called":
                del doc["paths"][path][method.lower()]
            else:
                place = getattr(Planter(method, operation, seen[(method, template)]), kind)()
                if place is None:
                    continue
            told = kind.replace("undocumented_request_field", "undocumented_field")
            expected.add((told, method, template, place))
            at += turn + 1
            break
    doc["paths"]["/planted/never/called"] = {"get": {"responses": {"200": {"description": "never"}}}}
    expected.add(("unseen", "GET", spec["base_path"] + "/planted/never/called", ""))
    # The product drops a final slash.
    expected = {(kind, method, template.rstrip("/") or "/", place) for kind, method, template, place in expected}
    return expected


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tapscope")
    parser.add_argument("datasets", type=pathlib.Path)
    parser.add_argument("-n", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="tell each change that was missed or made up")
    parser.add_argument("apis", nargs="*")
    arguments = parser.parse_args()
    apis = arguments.apis or sorted(path.stem for path in (arguments.datasets / "specs/dev").glob("*.json"))
    total, kinds = collections.Counter(), collections.defaultdict(collections.Counter)
    print("%-22s %8s %8s %8s %8s %8s %8s" % ("api", "planted", "found", "missed", "else", "labels", "wrong"))
    for api in apis:
        source = arguments.datasets / "specs/dev" / f"{api}.json"
        spec = json.load(open(source))
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            traffic, labels, store, config = (folder / name for name in ("t.jsonl", "l.jsonl", "s.db", "c.toml"))
            run = lambda *command: subprocess.run([str(c) for c in command], check=True, capture_output=True).stdout
            run(sys.executable, arguments.datasets / "gen_traffic.py", source, "-n", arguments.n, "--seed",
                arguments.seed, "--out", traffic, "--labels", labels)
            seen = observed(spec, traffic, labels)
            true = document(spec)
            planted = copy.deepcopy(true)
            expected = plant(spec, planted, seen)
            for name, doc in (("before", true), ("after", planted)):
                (folder / name).mkdir()
                (folder / name / "api.json").write_text(json.dumps(doc))
            config.write_text("[lifecycle]\nsuperseded_grace_hours = 87600\n")
            common = ["--config", config, "--key-file", folder / "key"]
            run(arguments.tapscope, *common, "spec", "add", folder / "before/api.json", "--store", store)
            run(arguments.tapscope, *common, "import", "--format", "traffic", traffic, "--store", store, "--spec",
                folder / "after")
            rows = json.loads(run(arguments.tapscope, *common, "spec", "diff", "--store", store, "--format", "json"))
            inventory = json.loads(run(arguments.tapscope, *common, "inventory", "--store", store, "--format", "json"))
        called = {(m, t.rstrip("/")) for (m, t) in seen}
        told = {(r["difference"], r["method"], r["template"], r["place"] or "") for r in rows}
        # What was never called in truth is rightly told to be unseen.
        told = {r for r in told if not (r[0] == "unseen" and (r[1], r[2]) not in called and r not in expected)}
        missed, extra = expected - told, told - expected
        label = {(r["method"], r["template"]): [one["label"] for one in r["labels"]] for r in inventory}
        wanted = {"deprecated_called": "zombie", "removed_called": "zombie", "unseen": "orphan"}
        wrong = [(e, label.get((e[1], e[2]))) for e in expected
                 if wanted.get(e[0], "drifted") not in (label.get((e[1], e[2])) or [])]
        marked = {e[1:3] for e in expected}
        wrong += [(key, names) for key, names in label.items()
                  if key not in marked and {"drifted", "zombie", "shadow"} & set(names)]
        total.update(planted=len(expected), found=len(expected & told), extra=len(extra), wrong=len(wrong))
        for e in expected:
            kinds[e[0]].update(planted=1, found=e in told)
        for e in extra:
            kinds[e[0]].update(extra=1)
        print("%-22s %8d %8d %8d %8d %8d %8d" % (api, len(expected), len(expected & told), len(missed), len(extra),
                                                 len(expected) - len([w for w in wrong if w[0] in expected]), len(wrong)), flush=True)
        if arguments.list:
            for name, found in (("missed", missed), ("else", extra)):
                for one in sorted(found):
                    row = next((r for r in rows if (r["difference"], r["method"], r["template"], r["place"] or "") == one), {})
                    print("   ", name, *one, row.get("documented") or "", row.get("observed") or "", row.get("seen"), row.get("of"))
            for one in wrong:
                print("    label", *one)
    print("%-22s %8d %8d %8d %8d %8s %8d" % ("all", total["planted"], total["found"],
                                             total["planted"] - total["found"], total["extra"], "", total["wrong"]))
    for kind, count in sorted(kinds.items()):
        print("  %-30s planted %4d, found %4d, else %4d" % (kind, count["planted"], count["found"], count["extra"]))
    return 0 if total["planted"] == total["found"] and not total["extra"] else 1


if __name__ == "__main__":
    sys.exit(main())
