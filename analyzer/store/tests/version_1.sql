-- A store of version 1 as it was released, with a row in every table. Written by hand; it must
-- not change.
CREATE TABLE meta (key TEXT NOT NULL UNIQUE, value TEXT NOT NULL);
CREATE TABLE endpoints (
    row INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, host TEXT NOT NULL,
    method TEXT NOT NULL, template TEXT NOT NULL, lifecycle TEXT NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, requests INTEGER NOT NULL,
    snapshot TEXT NOT NULL);
CREATE TABLE aliases (gone INTEGER NOT NULL UNIQUE, survivor INTEGER NOT NULL);
CREATE INDEX aliases_survivor ON aliases (survivor);
CREATE TABLE hosts (
    row INTEGER PRIMARY KEY, host TEXT NOT NULL UNIQUE, requests INTEGER NOT NULL,
    snapshot TEXT NOT NULL);
CREATE TABLE findings (
    row INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, kind TEXT NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, snapshot TEXT NOT NULL);
CREATE TABLE consumers (
    row INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, label TEXT NOT NULL,
    last_seen INTEGER NOT NULL, requests INTEGER NOT NULL, snapshot TEXT NOT NULL);
CREATE TABLE specifications (
    row INTEGER PRIMARY KEY, name TEXT NOT NULL, revision INTEGER NOT NULL,
    added INTEGER NOT NULL, source TEXT NOT NULL, UNIQUE (name, revision));
CREATE TABLE minutes (
    endpoint INTEGER NOT NULL, minute INTEGER NOT NULL, requests INTEGER NOT NULL,
    client_errors INTEGER NOT NULL, server_errors INTEGER NOT NULL, latency_p50_ns INTEGER,
    latency_p99_ns INTEGER, response_bytes INTEGER NOT NULL, UNIQUE (endpoint, minute));

INSERT INTO meta VALUES ('now', '1700000000000000000');
INSERT INTO endpoints VALUES (1, -1, 'shop.example', 'GET', '/users/{id}', 'shadow', 5, 9, 3,
'{"id":18446744073709551615,"method":"GET","host":"shop.example","template":"/users/{id}",
"template_confidence":0.75,"examples":["/users/7"],"lifecycle":"shadow",
"lifecycle_reason":"In no specification.","facts":{"covered_by_specification":true,
"documented_in":[],"documented_template":null,"deprecated":false,"removed":false,
"deprecation_header":null,"sunset_header":null},"first_seen":5,"last_seen":9,"requests":3,
"statuses":{"0":1,"200":2},"authentication":{"none":3},"authentication_successful":{"none":2},
"request_content_types":{},"response_content_types":{"application/json":2},"parameters":[],
"request_data_classes":{},"response_data_classes":{},"consumers":1,
"top_consumers":[[18446744073709551614,3]],"servers":{},"protocols":{"http1":3},
"completeness":{"complete":2,"response_missing":1},
"latency":{"count":2,"min":1,"p50":1,"p90":2,"p99":2,"max":2,"buckets":[[1,1],[2,1]]},
"request_size":{"count":0,"min":0,"p50":0,"p90":0,"p99":0,"max":0,"buckets":[]},
"response_size":{"count":0,"min":0,"p50":0,"p90":0,"p99":0,"max":0,"buckets":[]},
"minutes":[],"state":{"any":1}}');
INSERT INTO aliases VALUES (7, -1);
INSERT INTO hosts VALUES (1, 'shop.example', 3,
'{"host":"shop.example","requests":3,"complete":2,"candidates":0,"state":null}');
INSERT INTO findings VALUES (1, 4, 'shadow_endpoint', 5, 9,
'{"id":4,"kind":"shadow_endpoint","severity":"high","endpoint":null,"actors":[],"first_seen":5,
"last_seen":9,"occurrences":3,"title":"t","explanation":"e","owasp":[],"confidence":1.0,
"coverage":0.5,"evidence":[],"status":"false_positive","history":[]}');
INSERT INTO consumers VALUES (1, -2, 'jwt 3f2a', 9, 3,
'{"id":18446744073709551614,"identified_by":"subject","label":"jwt 3f2a","first_seen":5,
"last_seen":9,"requests":3,"client_errors":0,"addresses":[],"user_agents":[],"endpoints":[]}');
INSERT INTO specifications VALUES (1, 'shop', 1, 8, 'openapi: 3.0.0');
INSERT INTO minutes VALUES (-1, 60000000000, 3, 0, 0, NULL, 2, 10);

PRAGMA application_id = 1415671923;
PRAGMA user_version = 1;
