"""The sample's API server: a small shop on HTTP/1.1, standard library only.

It checks credentials for real (bearer token, API key, session cookie, Basic), keeps connections
alive, answers some lists chunked and some compressed, and misbehaves on the timetable of
`schedule.py`. Two of its faults are there all the time, for the inventory to find: customers'
addresses are given to whoever asks, and undocumented operations answer.
"""

import argparse
import base64
import gzip
import hashlib
import json
import random
import re
import socket
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import tokens
from schedule import ERRORS, SLOW, Timetable
from shop import Shop

ADMINISTRATORS = {"backoffice": "Winter-Harbour-7"}
ROUTES = []


def route(method, pattern, *accepts, pause=0.006):
    """Registers an operation: who may call it (nothing = anybody) and how long it usually takes."""
    regex = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern) + "$")

    def register(function):
        ROUTES.append((method, regex, accepts, pause, function))
        return function
    return register


class Answer:
    """What an operation answers."""

    def __init__(self, status, body=None, kind="application/json", headers=(), chunked=False):
        self.status, self.kind, self.headers, self.chunked = status, kind, list(headers), chunked
        if body is None:
            self.body = b""
        elif isinstance(body, bytes):
            self.body = body
        else:
            self.body = json.dumps(body, separators=(",", ":")).encode()


def problem(status, title):
    """An error as RFC 9457 has it."""
    return Answer(status, {"title": title, "status": status}, kind="application/problem+json")


class State:
    """What changes while the server runs."""

    def __init__(self, timetable):
        self.shop = Shop()
        self.timetable = timetable
        self.lock = threading.Lock()
        self.sessions, self.carts, self.payments = {}, {}, {}
        self.next_order = 5000
        self.dice = random.Random(7)


STATE = None


# === Sign-in ===

@route("POST", "/v2/login/token", pause=0.03)
def login_token(call):
    customer = customer_by_email(call.json().get("email"))
    if customer is None or call.json().get("password") != f"pw-{customer['id']}-Lantern":
        return problem(401, "Unknown e-mail or wrong password")
    token = tokens.issue(f"customer-{customer['id']}", "shop")
    return Answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 600})


@route("POST", "/v2/login/session", pause=0.03)
def login_session(call):
    form = dict(urllib.parse.parse_qsl(call.body.decode()))
    customer = customer_by_email(form.get("email"))
    if customer is None or form.get("password") != f"pw-{customer['id']}-Lantern":
        return problem(401, "Unknown e-mail or wrong password")
    session = uuid.uuid4().hex
    with STATE.lock:
        STATE.sessions[session] = customer["id"]
    cookie = f"shop_session={session}; Path=/; HttpOnly; SameSite=Lax"
    return Answer(204, headers=[("Set-Cookie", cookie)])


def customer_by_email(email):
    return next((c for c in STATE.shop.customers.values() if c["email"] == email), None)


# === Products: public ===

@route("GET", "/v2/products", pause=0.012)
def products(call):
    if STATE.timetable.during(SLOW):
        time.sleep(random.uniform(0.35, 0.7))
    found = sorted(STATE.shop.products.values(), key=lambda p: p["slug"])
    term = call.query.get("q")
    if term:
        found = [p for p in found if term in p["slug"]]
    start = (int(call.query.get("page", "1")) - 1) * 5
    page = [{k: p[k] for k in ("slug", "price", "stock")} for p in found[start:start + 5]]
    return Answer(200, {"total": len(found), "items": page}, chunked=True)


@route("GET", "/v2/products/{slug}")
def product(call, slug):
    item = STATE.shop.products.get(slug)
    if item is None:
        return problem(404, "No such product")
    tag = '"' + hashlib.sha256(json.dumps(item).encode()).hexdigest()[:12] + '"'
    if call.headers.get("If-None-Match") == tag:
        return Answer(304, headers=[("ETag", tag)])
    return Answer(200, item, headers=[("ETag", tag), ("Cache-Control", "max-age=60")])


@route("GET", "/v2/products/{slug}/reviews")
def reviews(call, slug):
    if slug not in STATE.shop.products:
        return problem(404, "No such product")
    stars = int(hashlib.sha256(slug.encode()).hexdigest()[:2], 16) % 5 + 1
    return Answer(200, {"product": slug, "stars": stars, "items": [{"stars": stars}]})


@route("PUT", "/v2/stock", "key", pause=0.02)
def stock(call):
    changes = call.json()
    with STATE.lock:
        for change in changes["items"]:
            STATE.shop.products[change["sku"]]["stock"] = change["stock"]
    return Answer(200, {"updated": len(changes["items"])})


# === Carts ===

@route("POST", "/v2/carts", "session", "bearer")
def cart_create(call):
    number = str(uuid.uuid4())
    with STATE.lock:
        STATE.carts[number] = []
    return Answer(201, {"id": number, "items": []}, headers=[("Location", f"/v2/carts/{number}")])


@route("GET", "/v2/carts/{id}", "session", "bearer")
def cart(call, id):
    if id not in STATE.carts:
        return problem(404, "No such cart")
    return Answer(200, {"id": id, "items": STATE.carts[id]})


@route("PUT", "/v2/carts/{id}/items", "session", "bearer")
def cart_items(call, id):
    if id not in STATE.carts:
        return problem(404, "No such cart")
    STATE.carts[id] = call.json()["items"]
    return Answer(200, {"id": id, "items": STATE.carts[id]})


@route("DELETE", "/v2/carts/{id}", "session", "bearer")
def cart_delete(call, id):
    with STATE.lock:
        gone = STATE.carts.pop(id, None)
    return Answer(204) if gone is not None else problem(404, "No such cart")


# === Orders ===

@route("POST", "/v2/orders", "session", "bearer", pause=0.025)
def order_create(call):
    if STATE.timetable.during(ERRORS) and random.random() < 0.8:
        return problem(503, "Payment provider unavailable")
    wanted = call.json()
    with STATE.lock:
        STATE.next_order += 1
        number = f"SO-2026-{STATE.next_order:06d}"
        STATE.shop.orders[number] = {"number": number, "customer_id": call.customer,
                                     "state": "paid", "lines": wanted["lines"], "total": "59.00"}
    return Answer(201, {"number": number, "state": "paid"},
                  headers=[("Location", f"/v2/orders/{number}")])


@route("GET", "/v2/orders/{number}", "session", "bearer", "key")
def order(call, number):
    found = STATE.shop.orders.get(number)
    return Answer(200, found) if found else problem(404, "No such order")


@route("GET", "/v2/orders", "session", "bearer", "key", pause=0.01)
def orders(call):
    newest = sorted(STATE.shop.orders.values(), key=lambda o: o["number"], reverse=True)[:4]
    page = [{k: o[k] for k in ("number", "state", "total")} for o in newest]
    return Answer(200, {"items": page})


@route("POST", "/v2/orders/{number}/payments", "session", "bearer", pause=0.03)
def payment(call, number):
    if number not in STATE.shop.orders:
        return problem(404, "No such order")
    card = call.json()["card_number"]
    return Answer(201, {"id": str(uuid.uuid4()), "order": number, "last4": card[-4:]})


# === Customers ===

@route("GET", "/v2/me", "session", "bearer")
def me(call):
    return Answer(200, public(STATE.shop.customers[call.customer]))


@route("GET", "/v2/customers", "basic", pause=0.012)
def customers(call):
    start = (int(call.query.get("page", "1")) - 1) * 4
    page = list(STATE.shop.customers.values())[start:start + 4]
    return Answer(200, {"items": [public(c) for c in page]})


@route("GET", "/v2/customers/{id}", "basic", "bearer")
def customer(call, id):
    found = STATE.shop.customers.get(int(id)) if id.isdigit() else None
    return Answer(200, public(found)) if found else problem(404, "No such customer")


@route("PATCH", "/v2/customers/{id}", "basic", pause=0.015)
def customer_change(call, id):
    found = STATE.shop.customers.get(int(id)) if id.isdigit() else None
    if found is None:
        return problem(404, "No such customer")
    found.update({k: v for k, v in call.json().items() if k in ("phone", "email")})
    return Answer(200, public(found))


@route("GET", "/v2/customers/{id}/addresses")  # The fault: nobody is asked who they are.
def addresses(call, id):
    found = STATE.shop.customers.get(int(id)) if id.isdigit() else None
    if found is None:
        return problem(404, "No such customer")
    keys = ("given_name", "family_name", "street", "postcode", "city", "phone", "email")
    return Answer(200, {"items": [{k: found[k] for k in keys}]})


def public(customer):
    return {k: v for k, v in customer.items() if k not in ("card", "street", "postcode")}


# === Health, and what no document tells of ===

@route("GET", "/v2/health", pause=0.001)
def health(call):
    return Answer(200, {"status": "ok"})


@route("GET", "/internal/export/customers", "key", pause=0.05)
def export(call):
    rows = ["id,name,email,phone,card"]
    for c in list(STATE.shop.customers.values())[:25]:
        rows.append(f"{c['id']},{c['given_name']} {c['family_name']},{c['email']},"
                    f"{c['phone']},{c['card']}")
    return Answer(200, "\n".join(rows).encode(), kind="text/csv", chunked=True)


@route("GET", "/v1/debug/config")
def debug(call):
    return Answer(200, {"environment": "production", "debug": True, "build": "5e1f0c2",
                        "database": "postgres://shop@db.shop.example/shop"})


@route("GET", "/v2/orders/{number}/timeline", "bearer")
def timeline(call, number):
    if number not in STATE.shop.orders:
        return problem(404, "No such order")
    return Answer(200, {"events": [{"state": "paid"}, {"state": "packed"}]})


# === The retired version, still answering ===

SUNSET = [("Deprecation", "@1767225600"), ("Sunset", "Wed, 01 Jul 2026 00:00:00 GMT")]


@route("GET", "/v1/orders", "key", pause=0.02)
def orders_v1(call):
    page = [{"id": int(n[-6:]), "state": STATE.shop.orders[n]["state"]}
            for n in sorted(STATE.shop.orders)[:4]]
    return Answer(200, page, headers=SUNSET)


@route("GET", "/v1/orders/{id}", "key", pause=0.02)
def order_v1(call, id):
    found = STATE.shop.orders.get(f"SO-2026-{int(id):06d}") if id.isdigit() else None
    return Answer(200, found, headers=SUNSET) if found else problem(404, "No such order")


# === HTTP ===

class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 75
    wbufsize = 65536

    def version_string(self):
        return "shop/2.4"

    def log_message(self, *arguments):
        pass

    def json(self):
        return json.loads(self.body)

    def answer(self):
        """Reads the call, finds its operation and writes the answer."""
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query))
        self.customer = None
        self.write(self.find(parts.path))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def find(self, path):
        method = "GET" if self.command == "HEAD" else self.command
        known = False
        for wanted, regex, accepts, pause, function in ROUTES:
            match = regex.match(path)
            if not match:
                continue
            known = True
            if wanted != method:
                continue
            time.sleep(pause * random.lognormvariate(0, 0.35))
            if accepts and not any(getattr(self, f"by_{a}")() for a in accepts):
                return problem(401, "Sign in first")
            try:
                return function(self, **match.groupdict())
            except (ValueError, KeyError, TypeError):
                return problem(400, "The request cannot be understood")
        return problem(405, "Not this way") if known else problem(404, "Nothing here")

    def by_bearer(self):
        kind, _, token = (self.headers.get("Authorization") or "").partition(" ")
        subject = tokens.subject(token) if kind == "Bearer" else None
        if subject:
            self.customer = int(subject.rpartition("-")[2])
        return subject

    def by_basic(self):
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if kind != "Basic":
            return False
        user, _, password = base64.b64decode(value).decode().partition(":")
        return ADMINISTRATORS.get(user) == password

    def by_session(self):
        for pair in (self.headers.get("Cookie") or "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == "shop_session" and value in STATE.sessions:
                self.customer = STATE.sessions[value]
                return True
        return False

    def by_key(self):
        key = self.headers.get("X-API-Key") or self.query.get("api_key")
        return STATE.shop.keys.get(key)

    def write(self, answer):
        body = answer.body
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status in (204, 304):
            self.end_headers()
            self.wfile.flush()
            return
        self.send_header("Content-Type", answer.kind)
        if len(body) > 400 and "gzip" in (self.headers.get("Accept-Encoding") or ""):
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        if random.random() < 0.004:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(chunks(body) if answer.chunked else body)
        self.wfile.flush()


def chunks(body):
    """A body in chunks of at most 300 bytes."""
    parts = [body[i:i + 300] for i in range(0, len(body), 300)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


class Server(ThreadingHTTPServer):
    """IPv4 and IPv6 on one socket."""

    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def main():
    global STATE
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--start", type=float, required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    STATE = State(Timetable(options.start, options.scale))
    Server(("::", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
