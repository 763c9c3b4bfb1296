"""The shop's fictional data. Names and addresses use RFC 2606 domains, telephone numbers reserved
for fiction, and card numbers that payment providers publish for tests. Nobody is meant."""

import random

GIVEN = """Alma Bruno Carla Dario Edda Felix Greta Hugo Ines Jonas Karla Leon Mira Nils Olga Paul
Rosa Sven Tilda Uwe Vera Wim Xenia Yann Zora Amir Bela Chloe Dina Emil""".split()
FAMILY = """Ahlers Brandt Castro Dahl Engel Falk Grimm Hansen Ivarsson Jansen Keller Lindner Moser
Novak Olsen Petrov Quist Richter Sommer Thorn Ullrich Vogel Winter Young Ziegler""".split()
STREETS = "Harbour Street,Mill Lane,Station Road,Elm Avenue,Castle Hill,Market Square".split(",")
CITIES = "Lindau,Eastport,Northwick,Salzheim,Oakridge,Marlow".split(",")
CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "4012888888881881",
         "5105105105105100", "6011111111111117"]
MATERIAL = "linen cotton merino denim leather canvas cord silk".split()
GARMENT = "shirt jacket scarf trousers belt cap dress coat gloves bag".split()
COLOUR = "navy olive sand black".split()


class Shop:
    """Everything the API serves, the same on both sides for the same seed."""

    def __init__(self, seed=20260907):
        dice = random.Random(seed)
        self.customers = {10000 + n: self._customer(dice, 10000 + n) for n in range(300)}
        names = [f"{m}-{g}-{c}" for m in MATERIAL for g in GARMENT for c in COLOUR]
        dice.shuffle(names)
        self.products = {name: self._product(dice, name) for name in names[:140]}
        self.orders = {}
        for n in range(600):
            number = f"SO-2026-{4000 + n:06d}"
            self.orders[number] = self._order(dice, number)
        self.keys = {
            "key_live_globex_5f1c0a9be7d24c83": "globex",
            "key_live_initech_c2b7e8840d1f4f6a": "initech",
            "key_live_warehouse_90aa1be6734d47c5": "warehouse",
            "key_live_till_17d0b5a2c94e4b38": "till",
        }

    @staticmethod
    def _customer(dice, number):
        given, family = dice.choice(GIVEN), dice.choice(FAMILY)
        return {
            "id": number,
            "given_name": given,
            "family_name": family,
            "email": f"{given}.{family}{number % 100}@mail.example".lower(),
            "phone": f"+1-202-555-01{number % 100:02d}",
            "date_of_birth": f"{dice.randint(1950, 2004)}-{dice.randint(1, 12):02d}-"
                             f"{dice.randint(1, 28):02d}",
            "street": f"{dice.choice(STREETS)} {dice.randint(1, 120)}",
            "city": dice.choice(CITIES),
            "postcode": f"{dice.randint(10000, 99999)}",
            "card": dice.choice(CARDS),
        }

    @staticmethod
    def _product(dice, slug):
        return {
            "slug": slug,
            "title": slug.replace("-", " ").title(),
            "price": f"{dice.randint(900, 24900) / 100:.2f}",
            "currency": "EUR",
            "stock": dice.randint(0, 90),
        }

    def _order(self, dice, number):
        lines = [{"sku": slug, "quantity": dice.randint(1, 3)}
                 for slug in dice.sample(sorted(self.products), dice.randint(1, 3))]
        return {"number": number, "customer_id": dice.choice(sorted(self.customers)),
                "state": dice.choice(["paid", "packed", "shipped", "delivered"]),
                "lines": lines, "total": f"{dice.randint(1900, 49900) / 100:.2f}"}
