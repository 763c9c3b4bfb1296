//! Values of each class and values that look like them, from a seeded generator. Check digits are
//! computed here on their own, mostly by trying, so that the recognisers are not their own judges.

/// SplitMix64.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(crate) fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn of(&mut self, alphabet: &str, count: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..count)
            .map(|_| letters[self.below(letters.len())])
            .collect()
    }

    pub(crate) fn digits(&mut self, count: usize) -> String {
        self.of("0123456789", count)
    }

    fn day(&mut self) -> (usize, usize, usize) {
        (
            self.between(1940, 2006),
            self.between(1, 12),
            self.between(1, 28),
        )
    }
}

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const URL64: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

const FIRST: [&str; 16] = [
    "Ada", "Grace", "Linus", "Édouard", "Yuki", "Noor", "Ivan", "Maria", "Chen", "Fatima", "Jo",
    "Zoë", "Anders", "Lakshmi", "Siobhan", "Tomás",
];
const LAST: [&str; 14] = [
    "Lovelace",
    "Hopper",
    "O'Brien",
    "García",
    "Yamamoto",
    "Haddad",
    "Petrov",
    "Rossi",
    "Li",
    "van Dijk",
    "Müller",
    "Andersson",
    "Iyer",
    "Smith-Jones",
];

fn group(text: &str, sizes: &[usize], between: &str) -> String {
    let mut rest = text;
    let mut parts = Vec::new();
    for size in sizes {
        let (part, after) = rest.split_at(*size);
        parts.push(part);
        rest = after;
    }
    parts.join(between)
}

fn value(text: &str) -> Vec<i64> {
    text.bytes().map(|b| i64::from(b) - 48).collect()
}

/// Completes `body` with what makes `valid` true.
fn complete(
    body: &str,
    tails: impl Iterator<Item = String>,
    valid: impl Fn(&str) -> bool,
) -> Option<String> {
    tails
        .map(|tail| format!("{body}{tail}"))
        .find(|all| valid(all))
}

fn two() -> impl Iterator<Item = String> {
    (0..100).map(|n| format!("{n:02}"))
}

fn one() -> impl Iterator<Item = String> {
    (0..10).map(|n| n.to_string())
}

pub(crate) fn luhn(text: &str) -> bool {
    let mut sum = 0;
    for (at, digit) in value(text).into_iter().rev().enumerate() {
        let twice = digit * 2;
        sum += if at % 2 == 1 {
            twice / 10 + twice % 10
        } else {
            digit
        };
    }
    sum % 10 == 0
}

fn dot(text: &str, weights: &[i64]) -> i64 {
    value(text).iter().zip(weights).map(|(a, b)| a * b).sum()
}

pub(crate) fn email(r: &mut Rng) -> String {
    let user = r.pick(&[
        "jo",
        "ada.lovelace",
        "x_y",
        "bob+news",
        "m.rossi",
        "li",
        "support2",
    ]);
    let n = r.below(1000);
    let domain = r.pick(&[
        "example.com",
        "mail.example.org",
        "uni-bonn.de",
        "corp.co.uk",
        "xn--bcher-kva.example",
    ]);
    format!("{user}{n}@{domain}")
}

pub(crate) fn phone(r: &mut Rng) -> String {
    let n = r.digits(7);
    match r.below(5) {
        0 => format!("+1415{}{}", r.between(2, 9), &n[..6]),
        1 => format!("+49 30 {n}"),
        2 => format!("+44 20 7{} {}", &n[..3], &n[3..7]),
        3 => format!("+91{}{}", r.between(70, 99), r.digits(8)),
        _ => format!("(415) 5{}-{}", &n[..2], &n[2..6]),
    }
}

pub(crate) fn national_phone(r: &mut Rng) -> String {
    let n = r.digits(8);
    match r.below(3) {
        0 => format!("030 {n}"),
        1 => format!("415{}{}", r.between(2, 9), &n[..6]),
        _ => format!("0171/{}", &n[..7]),
    }
}

pub(crate) fn card(r: &mut Rng) -> String {
    let (prefix, length) = *r.pick(&[
        &("4", 16),
        &("51", 16),
        &("2221", 16),
        &("37", 15),
        &("6011", 16),
        &("3530", 16),
    ]);
    let body = format!("{prefix}{}", r.digits(length - 1 - prefix.len()));
    let number = complete(&body, one(), luhn).unwrap();
    match (length, r.below(3)) {
        (16, 0) => group(&number, &[4, 4, 4, 4], " "),
        (16, 1) => group(&number, &[4, 4, 4, 4], "-"),
        _ => number,
    }
}

pub(crate) fn iban(r: &mut Rng) -> String {
    let bank = r.of(UPPER, 4);
    let (country, account) = match r.below(5) {
        0 => ("DE", r.digits(18)),
        1 => ("GB", format!("{bank}{}", r.digits(14))),
        2 => ("NL", format!("{bank}{}", r.digits(10))),
        3 => ("FR", r.digits(23)),
        _ => ("NO", r.digits(11)),
    };
    let remainder = |text: &str| {
        text.chars().fold(0_u32, |sum, c| {
            let d = c.to_digit(36).unwrap();
            (if d > 9 { sum * 100 + d } else { sum * 10 + d }) % 97
        })
    };
    let check = 98 - remainder(&format!("{account}{country}00"));
    let iban = format!("{country}{check:02}{account}");
    if r.chance(30) {
        iban.as_bytes()
            .chunks(4)
            .map(|c| core::str::from_utf8(c).unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    } else {
        iban
    }
}

pub(crate) fn us_ssn(r: &mut Rng) -> String {
    let area = r.between(100, 665);
    format!("{area}-{:02}-{:04}", r.between(1, 99), r.between(1, 9999))
}

pub(crate) fn uk_nino(r: &mut Rng) -> String {
    format!(
        "{}{}{}{}",
        r.of("ABCEHJLMPRST", 1),
        r.of("ABCEHJLMPRSTX", 1),
        r.digits(6),
        r.of("ABCD", 1)
    )
}

pub(crate) fn uk_nhs(r: &mut Rng) -> String {
    loop {
        let body = r.digits(9);
        let found = complete(&body, one(), |all| {
            let rest = 11 - dot(all, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            let check = value(all)[9];
            rest == check || (rest == 11 && check == 0)
        });
        if let Some(found) = found {
            return found;
        }
    }
}

pub(crate) fn de_tax_id(r: &mut Rng) -> String {
    loop {
        let mut digits: Vec<char> = "0123456789".chars().collect();
        for at in (1..10).rev() {
            digits.swap(at, r.below(at + 1));
        }
        let from = r.below(9);
        digits[from + 1] = digits[from];
        if digits[0] == '0' {
            continue;
        }
        let body: String = digits.iter().collect();
        let mut p = 10;
        for d in value(&body) {
            let s = (d + p) % 10;
            p = (if s == 0 { 10 } else { s }) * 2 % 11;
        }
        return format!("{body}{}", (11 - p) % 10);
    }
}

pub(crate) fn fr_nir(r: &mut Rng) -> String {
    let (year, month, _) = r.day();
    let body = format!(
        "{}{:02}{month:02}{:02}{}",
        r.between(1, 2),
        year % 100,
        r.between(1, 95),
        r.digits(6)
    );
    let key = 97 - body.parse::<u64>().unwrap() % 97;
    format!("{body}{key:02}")
}

pub(crate) fn es_nif(r: &mut Rng) -> String {
    let letters = "TRWAGMYFPDXBNJZSQVHLCKE".as_bytes();
    if r.chance(50) {
        let n = r.digits(8);
        let check = letters[n.parse::<usize>().unwrap() % 23] as char;
        format!("{n}{check}")
    } else {
        let (first, n) = (r.below(3), r.digits(7));
        let check = letters[format!("{first}{n}").parse::<usize>().unwrap() % 23] as char;
        format!("{}{n}{check}", ['X', 'Y', 'Z'][first])
    }
}

pub(crate) fn it_fiscal_code(r: &mut Rng) -> String {
    let consonants = "BCDFGLMNPRSTVZ";
    let (year, _, day) = r.day();
    let body = format!(
        "{}{:02}{}{day:02}{}{}",
        r.of(consonants, 6),
        year % 100,
        r.of("ABCDEHLMPRST", 1),
        r.of("ABCDEFGHIL", 1),
        r.digits(3)
    );
    let odd = "1 0 5 7 9 13 15 17 19 21 1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23";
    let odd: Vec<usize> = odd.split(' ').map(|n| n.parse().unwrap()).collect();
    let sum: usize = body
        .chars()
        .enumerate()
        .map(|(at, c)| {
            let index = c.to_digit(36).unwrap() as usize;
            if at % 2 == 0 {
                odd[index]
            } else if index > 9 {
                index - 10
            } else {
                index
            }
        })
        .sum();
    format!("{body}{}", UPPER.as_bytes()[sum % 26] as char)
}

pub(crate) fn pl_pesel(r: &mut Rng) -> String {
    let (year, month, day) = r.day();
    let month = if year >= 2000 { month + 20 } else { month };
    let body = format!("{:02}{month:02}{day:02}{}", year % 100, r.digits(4));
    complete(&body, one(), |all| {
        dot(all, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 == 0
    })
    .unwrap()
}

pub(crate) fn nl_bsn(r: &mut Rng) -> String {
    loop {
        let body = r.digits(8);
        if let Some(found) = complete(&body, one(), |all| {
            dot(all, &[9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 == 0
        }) {
            return found;
        }
    }
}

pub(crate) fn se_personnummer(r: &mut Rng) -> String {
    let (year, month, day) = r.day();
    let body = format!("{:02}{month:02}{day:02}{}", year % 100, r.digits(3));
    let all = complete(&body, one(), luhn).unwrap();
    format!("{}-{}", &all[..6], &all[6..])
}

pub(crate) fn fi_hetu(r: &mut Rng) -> String {
    let (year, month, day) = r.day();
    let date = format!("{day:02}{month:02}{:02}", year % 100);
    let serial = r.digits(3);
    let n = format!("{date}{serial}").parse::<usize>().unwrap() % 31;
    let century = if year >= 2000 { 'A' } else { '-' };
    format!(
        "{date}{century}{serial}{}",
        "0123456789ABCDEFHJKLMNPRSTUVWXY".as_bytes()[n] as char
    )
}

pub(crate) fn br_cpf(r: &mut Rng) -> String {
    let all = loop {
        let body = r.digits(9);
        let check = |all: &str, from: i64| {
            let weights: Vec<i64> = (2..=from).rev().collect();
            let rest = dot(all, &weights) * 10 % 11 % 10;
            rest == value(all)[weights.len()]
        };
        if let Some(found) = complete(&body, two(), |all| check(all, 10) && check(all, 11)) {
            break found;
        }
    };
    if r.chance(60) {
        format!("{}-{}", group(&all[..9], &[3, 3, 3], "."), &all[9..])
    } else {
        all
    }
}

pub(crate) fn in_aadhaar(r: &mut Rng) -> String {
    // The dihedral group as rotations and reflections instead of its table.
    let multiply = |a: i64, b: i64| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b) % 5 + 5,
        (false, true) => (a - b).rem_euclid(5) + 5,
        (false, false) => (a - b).rem_euclid(5),
    };
    let once = [1_i64, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permute = |mut digit: i64, times: usize| {
        for _ in 0..times % 8 {
            digit = once[usize::try_from(digit).unwrap()];
        }
        digit
    };
    let body = format!("{}{}", r.between(2, 9), r.digits(10));
    let all = complete(&body, one(), |all| {
        let digits = value(all);
        let placed = digits.iter().rev().enumerate();
        placed.fold(0, |c, (at, digit)| multiply(c, permute(*digit, at))) == 0
    })
    .unwrap();
    if r.chance(50) {
        group(&all, &[4, 4, 4], " ")
    } else {
        all
    }
}

pub(crate) fn in_pan(r: &mut Rng) -> String {
    format!(
        "{}P{}{}{}",
        r.of(UPPER, 3),
        r.of(UPPER, 1),
        r.digits(4),
        r.of(UPPER, 1)
    )
}

pub(crate) fn cn_resident_id(r: &mut Rng) -> String {
    let (year, month, day) = r.day();
    let region = r.pick(&["110105", "310101", "440305", "510104"]);
    let body = format!("{region}{year}{month:02}{day:02}{}", r.digits(3));
    let sum: i64 = value(&body)
        .iter()
        .enumerate()
        .map(|(at, d)| d * (0..17 - at).fold(1, |w, _| w * 2 % 11))
        .sum();
    format!(
        "{body}{}",
        "10X98765432".as_bytes()[usize::try_from(sum % 11).unwrap()] as char
    )
}

pub(crate) fn mac(r: &mut Rng) -> String {
    let hex = format!("0{}", r.of("0123456789abcdef", 11));
    group(&hex, &[2; 6], ":")
}

pub(crate) fn ip(r: &mut Rng) -> String {
    if r.chance(20) {
        return format!("2001:db8::{}", r.of("123456789abcdef", 4));
    }
    format!(
        "{}.{}.{}.{}",
        r.between(11, 223),
        r.below(256),
        r.below(256),
        r.between(1, 254)
    )
}

pub(crate) fn date(r: &mut Rng) -> String {
    let (year, month, day) = r.day();
    match r.below(3) {
        0 => format!("{day:02}/{month:02}/{year}"),
        _ => format!("{year}-{month:02}-{day:02}"),
    }
}

pub(crate) fn person(r: &mut Rng) -> String {
    format!("{} {}", r.pick(&FIRST), r.pick(&LAST))
}

pub(crate) fn first_name(r: &mut Rng) -> String {
    (*r.pick(&FIRST)).to_owned()
}

pub(crate) fn street(r: &mut Rng) -> String {
    let n = r.between(1, 999);
    match r.below(3) {
        0 => format!(
            "{n} {} Street",
            r.pick(&["Baker", "High", "Long Acre", "Market"])
        ),
        1 => format!("{n} {} Road", r.pick(&["Abbey", "Green Hill", "Mill"])),
        _ => format!("{n} {} Avenue", r.pick(&["Fifth", "Ocean", "Park"])),
    }
}

pub(crate) fn latitude(r: &mut Rng) -> String {
    format!("{}.{}", r.between(1, 89), r.digits(5))
}

pub(crate) fn jwt(r: &mut Rng) -> String {
    format!(
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI{}.{}",
        r.of(BASE62, 20),
        r.of(URL64, 43)
    )
}

fn crc_token(prefix: &str, body: &str) -> String {
    let mut crc = u32::MAX;
    for byte in body.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    let (mut n, mut check) = (u64::from(!crc), String::new());
    for _ in 0..6 {
        check.insert(
            0,
            BASE62.as_bytes()[usize::try_from(n % 62).unwrap()] as char,
        );
        n /= 62;
    }
    format!("{prefix}{body}{check}")
}

pub(crate) fn api_key(r: &mut Rng) -> String {
    match r.below(6) {
        0 => format!("AKIA{}", r.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
        1 => {
            let body = r.of(BASE62, 30);
            crc_token("ghp_", &body)
        }
        2 => format!("sk_live_{}", r.of(BASE62, 24)),
        3 => format!("AIza{}", r.of(URL64, 35)),
        4 => format!(
            "xoxb-{}-{}-{}",
            r.digits(12),
            r.digits(12),
            r.of(BASE62, 24)
        ),
        _ => format!("glpat-{}", r.of(URL64, 20)),
    }
}

pub(crate) fn secret(r: &mut Rng) -> String {
    r.of(BASE62, 40)
}

pub(crate) fn passport(r: &mut Rng) -> String {
    format!("{}{}", r.of(UPPER, 1), r.digits(8))
}

pub(crate) fn imei(r: &mut Rng) -> String {
    let body = format!("35{}", r.digits(12));
    complete(&body, one(), luhn).unwrap()
}

pub(crate) fn vin(r: &mut Rng) -> String {
    let worth = |c: char| match c {
        '0'..='9' => c as usize - 48,
        _ => "ABCDEFGH.JKLMN.P.R..STUVWXYZ"
            .find(c)
            .map_or(0, |at| match c {
                'A'..='H' => at + 1,
                'J'..='N' => at - 8,
                'P' => 7,
                'R' => 9,
                _ => at - 18,
            }),
    };
    let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let allowed = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789";
    let mut all: Vec<char> = format!(
        "1{}0{}{}",
        r.of(allowed, 7),
        r.of("ABCDEFGH", 2),
        r.digits(6)
    )
    .chars()
    .collect();
    let sum: usize = all.iter().zip(weights).map(|(c, w)| worth(*c) * w).sum();
    all[8] = "0123456789X".chars().nth(sum % 11).unwrap();
    all.into_iter().collect()
}

pub(crate) fn code3(r: &mut Rng) -> String {
    r.digits(3)
}

pub(crate) fn routing(r: &mut Rng) -> String {
    let body = format!("0{}", r.digits(7));
    complete(&body, one(), |all| {
        dot(all, &[3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 == 0
    })
    .unwrap()
}

pub(crate) fn diagnosis(r: &mut Rng) -> String {
    format!(
        "{}{}.{}",
        r.of("ABCDEFGHIJKLM", 1),
        r.digits(2),
        r.digits(1)
    )
}

pub(crate) fn salary(r: &mut Rng) -> String {
    format!("{}000", r.between(20, 250))
}

pub(crate) fn password(r: &mut Rng) -> String {
    format!(
        "{}{}!",
        r.pick(&["hunter", "Sommer", "letmein", "Tr0ub4dor"]),
        r.below(1000)
    )
}

// Look-alikes.

pub(crate) fn order_number(r: &mut Rng) -> String {
    let prefix = r.pick(&["4", "5", "6011", "1000", "2025", "34"]);
    format!("{prefix}{}", r.digits(16 - prefix.len()))
}

pub(crate) fn snowflake(r: &mut Rng) -> String {
    format!("{}{}", r.between(1, 9), r.digits(17))
}

pub(crate) fn version4(r: &mut Rng) -> String {
    format!(
        "{}.{}.{}.{}",
        r.below(20),
        r.below(40),
        r.below(250),
        r.below(250)
    )
}

pub(crate) fn version3(r: &mut Rng) -> String {
    format!(
        "{}.{}.{}-{}",
        r.below(20),
        r.below(40),
        r.below(250),
        r.below(9)
    )
}

pub(crate) fn moment(r: &mut Rng) -> String {
    format!("17{}", r.digits(8))
}

pub(crate) fn moment_ms(r: &mut Rng) -> String {
    format!("17{}", r.digits(11))
}

pub(crate) fn moment_us(r: &mut Rng) -> String {
    format!("17{}", r.digits(14))
}

pub(crate) fn uuid(r: &mut Rng) -> String {
    let hex = r.of("0123456789abcdef", 32);
    group(&hex, &[8, 4, 4, 4, 12], "-")
}

pub(crate) fn sha256(r: &mut Rng) -> String {
    r.of("0123456789abcdef", 64)
}

pub(crate) fn digest64(r: &mut Rng) -> String {
    format!("{}=", r.of(BASE62, 43))
}

pub(crate) fn invoice(r: &mut Rng) -> String {
    let country = r.pick(&["DE", "GB", "FR", "NL", "IN"]);
    format!("{country}{}{}", r.between(10, 99), r.digits(18))
}

pub(crate) fn part_number(r: &mut Rng) -> String {
    format!(
        "{}-{}-{}",
        r.between(200, 999),
        r.between(200, 999),
        r.digits(4)
    )
}

pub(crate) fn sku(r: &mut Rng) -> String {
    format!("{}{}{}", r.of(UPPER, 2), r.digits(6), r.of(UPPER, 1))
}

pub(crate) fn ean(r: &mut Rng) -> String {
    format!("40{}", r.digits(11))
}

pub(crate) fn number9(r: &mut Rng) -> String {
    format!("{}{}", r.between(1, 9), r.digits(8))
}

pub(crate) fn number11(r: &mut Rng) -> String {
    format!("{}{}", r.between(1, 9), r.digits(10))
}

pub(crate) fn file(r: &mut Rng) -> String {
    format!(
        "{}@{}x.png",
        r.pick(&["logo", "hero", "icon-home"]),
        r.between(2, 3)
    )
}

pub(crate) fn package(r: &mut Rng) -> String {
    format!(
        "@acme/{}@{}.{}.{}",
        r.pick(&["core", "ui"]),
        r.below(9),
        r.below(30),
        r.below(9)
    )
}

pub(crate) fn price(r: &mut Rng) -> String {
    format!("{}.{}", r.between(1, 900), r.digits(2))
}

pub(crate) fn product(r: &mut Rng) -> String {
    format!(
        "{} {}",
        r.pick(&["Blue", "Heavy", "Smart", "Mini"]),
        r.pick(&["Widget", "Chair", "Lamp"])
    )
}

pub(crate) fn slug(r: &mut Rng) -> String {
    format!(
        "{}-{}-{}-release-notes",
        r.pick(&["how-to", "why", "sk-learn"]),
        r.pick(&["ship", "test"]),
        r.below(99)
    )
}

pub(crate) fn cursor(r: &mut Rng) -> String {
    format!("eyJpZCI6{}", r.of(BASE62, 32))
}

pub(crate) fn bad_token(r: &mut Rng) -> String {
    format!("ghp_{}", r.of(BASE62, 8))
}

pub(crate) fn serial(r: &mut Rng) -> String {
    r.of("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 16)
}

pub(crate) fn made_on(r: &mut Rng) -> String {
    format!(
        "20{}-{:02}-{:02}",
        r.between(10, 26),
        r.between(1, 12),
        r.between(1, 28)
    )
}

pub(crate) fn ratio(r: &mut Rng) -> String {
    format!("0.{}", r.digits(6))
}

pub(crate) fn crypto(r: &mut Rng) -> String {
    format!("0x{}", r.of("0123456789abcdef", 40))
}

pub(crate) fn hash_colons(r: &mut Rng) -> String {
    let hex = r.of("0123456789abcdef", 32);
    group(&hex, &[2; 16], ":")
}

pub(crate) fn small(r: &mut Rng) -> String {
    r.between(1, 9999).to_string()
}
