"""JSON Web Tokens signed with HS256, by the standard library alone."""

import base64
import hashlib
import hmac
import json
import time

SECRET = b"a secret of the sample and of nothing else"


def _encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def issue(subject, scope, seconds=600):
    """A signed token for a subject."""
    now = int(time.time())
    header = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    claims = {"iss": "https://login.shop.example", "sub": subject, "scope": scope,
              "iat": now, "exp": now + seconds}
    body = _encode(json.dumps(claims, separators=(",", ":")).encode())
    signature = hmac.new(SECRET, f"{header}.{body}".encode(), hashlib.sha256).digest()
    return f"{header}.{body}.{_encode(signature)}"


def subject(token):
    """The subject of a token that is signed by us and has not expired, else None."""
    try:
        header, body, signature = token.split(".")
        wanted = hmac.new(SECRET, f"{header}.{body}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(_encode(wanted), signature):
            return None
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, KeyError):
        return None
    return claims["sub"] if claims["exp"] > time.time() else None
