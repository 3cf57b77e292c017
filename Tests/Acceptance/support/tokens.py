"""Keys and tokens made by other programs: PyJWT and jwcrypto."""

import json
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwcrypto import jwk
from jwcrypto import jwt as jwcrypto_jwt

SECRET = "a secret of at least sixty-four bytes, so that it is for HS512 as well"
MAKERS = {
    "RS": lambda: rsa.generate_private_key(65537, 2048),
    "PS": lambda: rsa.generate_private_key(65537, 3072),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "EdDSA-448": ed448.Ed448PrivateKey.generate,
}
ALGORITHMS = [f"{family}{bits}" for family in ("HS", "RS", "PS", "ES") for bits in (256, 384, 512)] + [
    "EdDSA",
    "EdDSA-448",
]


class Key:
    """A key for an algorithm, and the file that a server verifies its tokens with."""

    def __init__(self, directory, algorithm, kid=None):
        self.algorithm, self.kid = algorithm.partition("-")[0], kid
        name = f"{algorithm}-{kid}" if kid else algorithm
        if algorithm.startswith("HS"):
            self.private = SECRET
            self.jwk = jwk.JWK(kty="oct", k=jwk.base64url_encode(SECRET))
            self.file = directory / f"{name}.secret"
            self.file.write_text(SECRET + "\n")
            self.options = ("--token-secret-file", str(self.file))
            return
        self.private = (MAKERS.get(algorithm) or MAKERS[algorithm[:2]])()
        self.private_pem = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.jwk = jwk.JWK.from_pem(self.private_pem)
        self.public = public
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(public)
        self.options = ("--token-key", str(self.file))

    def public_jwk(self, **members):
        exported = self.jwk.export_public(as_dict=True) if self.algorithm[:2] != "HS" else self.jwk.export(as_dict=True)
        return exported | ({"kid": self.kid} if self.kid else {}) | members

    def by_pyjwt(self, **claims):
        return jwt.encode(with_times(claims), self.private, self.algorithm, self.headers())

    def by_jwcrypto(self, **claims):
        header = {"alg": self.algorithm, "typ": "JWT"} | (self.headers() or {})
        token = jwcrypto_jwt.JWT(header=header, claims=with_times(claims))
        token.make_signed_token(self.jwk)
        return token.serialize()

    def headers(self):
        return {"kid": self.kid} if self.kid else None

    token = by_pyjwt


def with_times(claims):
    """Tokens end after an hour unless they say otherwise; None leaves a claim out."""
    claims = {"sub": "42", "exp": int(time.time()) + 3600} | claims
    return {name: value for name, value in claims.items() if value is not None}


def key_set(*keys):
    return json.dumps({"keys": list(keys)})
