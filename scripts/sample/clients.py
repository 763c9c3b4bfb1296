"""The sample's clients: shoppers with a browser, an app, partners, tills, the back office, a
monitor, a crawler and a scanner, each from addresses of its own and with its own credential.
Persistent connections by http.client; the nightly job and the scanner use curl."""

import argparse
import base64
import http.client
import json
import random
import subprocess
import threading
import time
import urllib.parse

from schedule import SPIKE, Timetable
from shop import CARDS, Shop

SERVER4, SERVER6, HOST = "198.51.100.10", "2001:db8:10::10", "api.shop.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SHOP = Shop()
PRODUCTS, ORDERS = sorted(SHOP.products), sorted(SHOP.orders)
GLOBEX = "key_live_globex_5f1c0a9be7d24c83"
INITECH = "key_live_initech_c2b7e8840d1f4f6a"
WAREHOUSE = "key_live_warehouse_90aa1be6734d47c5"
TILL = "key_live_till_17d0b5a2c94e4b38"


class Client(threading.Thread):
    """One client: a connection that is kept, a seeded will of its own, a pace."""

    def __init__(self, timetable, address, pace, agent, seed, server=SERVER4):
        super().__init__(daemon=True)
        self.timetable, self.address, self.pace, self.server = timetable, address, pace, server
        self.dice = random.Random(seed)
        self.headers = {"User-Agent": agent, "Accept": "application/json"}
        self.connection = None

    def call(self, method, path, body=None, headers=None, form=None):
        """One exchange; returns status, headers and body, or None when the connection broke."""
        sent = dict(self.headers, Host=HOST, **(headers or {}))
        if form is not None:
            body = urllib.parse.urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        elif body is not None:
            body = json.dumps(body, separators=(",", ":"))
            sent["Content-Type"] = "application/json"
        for _ in range(2):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection(
                        self.server, 80, timeout=10, source_address=(self.address, 0))
                self.connection.request(method, path, body=body, headers=sent)
                answer = self.connection.getresponse()
                content = answer.read()
                return answer.status, answer.headers, content
            except (OSError, http.client.HTTPException):
                self.connection = None
        return None

    def run(self):
        time.sleep(max(0.0, self.timetable.start - time.time()) + self.dice.random() * 2)
        self.begin()
        while not self.timetable.over():
            self.act()
            time.sleep(self.dice.expovariate(self.speed()) / self.timetable.scale)
        if self.connection:
            self.connection.close()

    def speed(self):
        """Actions a second, now."""
        return self.pace

    def begin(self):
        """What happens once."""

    def act(self):
        """What happens again and again."""
        raise NotImplementedError

    def slug(self):
        return self.dice.choice(PRODUCTS)

    def browse(self):
        """What everybody does: look around."""
        what = self.dice.random()
        if what < 0.45:
            self.call("GET", f"/v2/products?page={self.dice.randint(1, 12)}")
        elif what < 0.85:
            self.call("GET", f"/v2/products/{self.slug()}")
        else:
            self.call("GET", f"/v2/products/{self.slug()}/reviews")


class Shopper(Client):
    """Signed in: browses, fills a cart, orders and pays."""

    def __init__(self, timetable, address, pace, agent, customer):
        super().__init__(timetable, address, pace, agent, customer)
        self.customer = SHOP.customers[customer]
        self.cart, self.order = None, None

    def credentials(self):
        return {"email": self.customer["email"],
                "password": f"pw-{self.customer['id']}-Lantern"}

    def act(self):
        what = self.dice.random()
        if what < 0.52:
            self.browse()
        elif what < 0.58:
            self.call("GET", "/v2/me")
        elif what < 0.64:
            self.call("GET", "/v2/orders")
        elif what < 0.72:
            number = self.order or self.dice.choice(ORDERS)
            self.call("GET", f"/v2/orders/{number}")
        elif self.cart is None:
            answer = self.call("POST", "/v2/carts", body={})
            if answer and answer[0] == 201:
                self.cart = json.loads(answer[2])["id"]
        elif what < 0.82:
            items = [{"sku": self.slug(), "quantity": self.dice.randint(1, 3)}]
            self.call("PUT", f"/v2/carts/{self.cart}/items", body={"items": items})
        elif what < 0.86:
            self.call("GET", f"/v2/carts/{self.cart}")
        elif what < 0.88:
            self.call("DELETE", f"/v2/carts/{self.cart}")
            self.cart = None
        else:
            self.checkout()

    def checkout(self):
        """Orders, and pays when the order was taken."""
        lines = [{"sku": self.slug(), "quantity": 1}]
        answer = self.call("POST", "/v2/orders", body={"cart": self.cart, "lines": lines})
        if not answer or answer[0] != 201:
            return
        self.order = json.loads(answer[2])["number"]
        if self.dice.random() < 0.4:
            name = f"{self.customer['given_name']} {self.customer['family_name']}"
            self.call("POST", f"/v2/orders/{self.order}/payments", body={
                "card_number": self.dice.choice(CARDS), "holder": name,
                "expires": "11/29", "email": self.customer["email"]})


class Browser(Shopper):
    """A shopper with a session cookie."""

    def begin(self):
        self.headers["Accept-Encoding"] = "gzip, deflate"
        answer = self.call("POST", "/v2/login/session", form=self.credentials())
        self.headers["Cookie"] = answer[1]["Set-Cookie"].partition(";")[0] if answer else ""


class App(Shopper):
    """A shopper with a bearer token that is fetched again when it is half used up."""

    def begin(self):
        answer = self.call("POST", "/v2/login/token", body=self.credentials())
        if answer and answer[0] == 200:
            token = json.loads(answer[2])["access_token"]
            self.headers["Authorization"] = f"Bearer {token}"

    def act(self):
        what = self.dice.random()
        number = self.customer["id"]
        if what < 0.06:
            self.call("GET", f"/v2/customers/{number}")
        elif what < 0.14:
            # The app's fault and the server's: no token is sent, none is asked for.
            kept = self.headers.pop("Authorization", None)
            self.call("GET", f"/v2/customers/{number}/addresses")
            if kept:
                self.headers["Authorization"] = kept
        elif what < 0.20:
            self.call("GET", f"/v2/orders/{self.order or self.dice.choice(ORDERS)}/timeline")
        elif what < 0.205:
            self.begin()
        else:
            super().act()


class Visitor(Client):
    """Looks around without signing in; sometimes follows a dead link."""

    def act(self):
        if self.dice.random() < 0.05:
            self.call("GET", f"/v2/products/{self.slug()}-{self.dice.randint(2, 9)}")
        elif self.dice.random() < 0.03:
            self.call("GET", "/v2/me")
        else:
            self.browse()


class Globex(Client):
    """A partner that follows orders; one day its job runs wild."""

    def begin(self):
        self.headers["X-API-Key"] = GLOBEX

    def speed(self):
        return 36.0 if self.timetable.during(SPIKE) else self.pace

    def act(self):
        self.call("GET", f"/v2/orders/{self.dice.choice(ORDERS)}")


class Initech(Client):
    """A partner that reads the catalogue, compressed."""

    def begin(self):
        self.headers.update({"X-API-Key": INITECH, "Accept-Encoding": "gzip"})

    def act(self):
        self.call("GET", f"/v2/products?page={self.dice.randint(1, 28)}&q=linen")


class Till(Client):
    """A till in a branch that was never moved off the first version; its key is in the query."""

    def act(self):
        if self.dice.random() < 0.3:
            self.call("GET", f"/v1/orders?api_key={TILL}")
        else:
            self.call("GET", f"/v1/orders/{self.dice.randint(4000, 4599)}?api_key={TILL}")


class BackOffice(Client):
    """Staff: Basic credentials, customers' records."""

    def begin(self):
        secret = base64.b64encode(b"backoffice:Winter-Harbour-7").decode()
        self.headers["Authorization"] = f"Basic {secret}"

    def act(self):
        what, number = self.dice.random(), self.dice.randint(10000, 10299)
        if what < 0.3:
            self.call("GET", f"/v2/customers?page={self.dice.randint(1, 70)}")
        elif what < 0.8:
            self.call("GET", f"/v2/customers/{number}")
        else:
            self.call("PATCH", f"/v2/customers/{number}",
                      body={"phone": f"+1-202-555-01{number % 100:02d}"})


class Monitor(Client):
    """Asks for health, by HEAD every third time."""

    def act(self):
        self.call("HEAD" if self.dice.random() < 0.33 else "GET", "/v2/health")


class Crawler(Client):
    """Compares prices over IPv6 and honours entity tags."""

    def begin(self):
        self.tags = {}

    def act(self):
        slug = self.dice.choice(PRODUCTS[:40])
        headers = {"If-None-Match": self.tags[slug]} if slug in self.tags else None
        answer = self.call("GET", f"/v2/products/{slug}", headers=headers)
        if answer and answer[1].get("ETag"):
            self.tags[slug] = answer[1]["ETag"]


def curl(address, path, *options):
    """One call by curl, as scripts do."""
    subprocess.run(["curl", "-sS", "-o", "/dev/null", "--max-time", "10", "--interface", address,
                    "--resolve", f"{HOST}:80:{SERVER4}", *options, f"http://{HOST}{path}"],
                   check=False)


class Jobs(Client):
    """Scheduled scripts: the export, the stock upload with 100-continue, a forgotten debug page."""

    def act(self):
        what = self.dice.random()
        key = f"X-API-Key: {WAREHOUSE}"
        if what < 0.4:
            curl(self.address, "/internal/export/customers", "-H", key)
        elif what < 0.75:
            items = [{"sku": self.slug(), "stock": self.dice.randint(0, 90)} for _ in range(12)]
            curl(self.address, "/v2/stock", "-X", "PUT", "-H", key, "-H", "Expect: 100-continue",
                 "-H", "Content-Type: application/json", "-d", json.dumps({"items": items}))
        else:
            curl(self.address, "/v1/debug/config")


class Scanner(Client):
    """Tries paths that are often left open."""

    PATHS = ["/.env", "/.git/config", "/wp-login.php", "/admin", "/phpmyadmin/", "/server-status",
             "/actuator/env", "/v2/admin/users", "/backup.zip", "/v3/orders", "/swagger.json"]

    def act(self):
        curl(self.address, self.dice.choice(self.PATHS), "-A", "Mozilla/5.0 zgrab/0.x")


def cast(timetable):
    """Everybody who takes part."""
    people = [Browser(timetable, f"203.0.113.{10 + n}", 0.38, BROWSER, 10010 + n)
              for n in range(12)]
    people += [App(timetable, f"203.0.113.{40 + n}", 0.34, "ShopApp/5.2 (iOS 19.1)", 10040 + n)
               for n in range(14)]
    people += [Visitor(timetable, f"203.0.113.{70 + n}", 0.2, BROWSER, 70 + n) for n in range(5)]
    people += [
        Globex(timetable, "192.0.2.20", 1.1, "globex-sync/1.8", 1),
        Initech(timetable, "192.0.2.30", 0.6, "initech-feed/3.0 (Java 21)", 2),
        Till(timetable, "203.0.113.130", 0.3, "till/1.2", 3),
        Till(timetable, "203.0.113.131", 0.3, "till/1.2", 4),
        BackOffice(timetable, "203.0.113.120", 0.5, BROWSER, 5),
        Monitor(timetable, "192.0.2.5", 0.4, "uptime/2", 6),
        Crawler(timetable, "2001:db8:20::7", 0.6, "pricebot/0.9", 7, server=SERVER6),
        Jobs(timetable, "203.0.113.140", 0.12, "curl", 8),
        Scanner(timetable, "192.0.2.66", 0.1, "curl", 9),
    ]
    return people


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--start", type=float, required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    people = cast(Timetable(options.start, options.scale))
    for person in people:
        person.start()
    for person in people:
        person.join()


if __name__ == "__main__":
    main()
