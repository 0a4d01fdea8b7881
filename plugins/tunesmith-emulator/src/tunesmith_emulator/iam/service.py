"""Tokens: JWTs that the emulator signs. If API keys are set, it accepts only these tokens.

IBM's clients read ``exp`` and ``iat`` from the token and renew it by the clock alone, so a token
must be a JWT that can be decoded. Only this service checks its signature.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from pathlib import Path
from typing import Any

import jwt

from tunesmith.atomic import write_atomically
from tunesmith_emulator.envelope import ServiceError, Target
from tunesmith_emulator.files import unusable
from tunesmith_emulator.settings import Settings

_ALGORITHM = "HS256"
_CLOUD, _CPD = "tunesmith-emulator", "tunesmith-emulator-cpd"
# A foreign token may claim anything, and PyJWT does not wrap all errors that this causes.
_UNREADABLE = (jwt.InvalidTokenError, ArithmeticError, RecursionError, TypeError, ValueError)


class Iam:
    """Issues and checks tokens."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._keys = settings.api_keys
        self.token_seconds = settings.token_seconds
        self._secret = _secret(None if settings.temporary else folder / "token.key")

    def token(self, api_key: str) -> dict[str, Any]:
        """Return a token for an API key.

        Raises:
            ServiceError: 400, the key is not accepted.
        """
        if not self._accepts(api_key):
            raise ServiceError(400, "BXNIM0415E", "Provided API key could not be found.")
        now = int(time.time())
        return {
            "access_token": self._signed(now),
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
            "expiration": now + self.token_seconds,
            "scope": "ibm openid",
        }

    def platform_token(self, api_key: str) -> str:
        """Return a token of Cloud Pak for Data's sign-in.

        Raises:
            ServiceError: 401, the key or password is not accepted.
        """
        if not self._accepts(api_key):
            raise _unauthorized("not_valid", "The username, password or API key is not accepted.")
        return self._signed(int(time.time()), issuer=_CPD)

    def service_token(self) -> str:
        """Return a token for code that is deployed here."""
        return self._signed(int(time.time()))

    def is_platform_token(self, authorization: str | None) -> bool:
        """Whether the token is Cloud Pak for Data's. Its clients need relative upload URLs."""
        token = (authorization or "").partition(" ")[2]
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except _UNREADABLE:
            return False
        return bool(claims.get("iss") == _CPD)

    def check(self, authorization: str | None) -> None:
        """Check the token of a request.

        If no keys are set, every token is accepted that does not claim to have expired.

        Raises:
            ServiceError: 401, there is no token, or it is wrong or expired.
        """
        kind, _, token = (authorization or "").partition(" ")
        if not token.strip():
            raise _unauthorized("missing", "The request has no token; send Authorization: Bearer.")
        try:
            if self._keys:
                # ``iat`` may be in the future, because a clock can be set back.
                jwt.decode(
                    token, self._secret, algorithms=[_ALGORITHM], options={"verify_iat": False}
                )
            elif kind == "Bearer":
                jwt.decode(token, options={"verify_signature": False, "verify_exp": True})
        except jwt.ExpiredSignatureError:
            raise _unauthorized("expired", "The token has expired; ask for a new one.") from None
        except _UNREADABLE:
            if self._keys:
                raise _unauthorized("not_valid", "The token was not issued here.") from None

    def sign(self, text: str) -> str:
        """Return a signature of ``text`` for a URL that is used without a token."""
        return hmac.new(self._secret.encode(), text.encode(), "sha256").hexdigest()

    def check_signature(self, text: str, signature: str) -> None:
        """Check a signed URL.

        Raises:
            ServiceError: 403, it was not signed here.
        """
        if not hmac.compare_digest(self.sign(text).encode(), signature.encode()):
            raise ServiceError(403, "signature_does_not_match", "The URL was not signed here.")

    def _accepts(self, api_key: str) -> bool:
        if not self._keys:
            return True
        given = api_key.encode()
        return any(hmac.compare_digest(given, key.encode()) for key in self._keys)

    def _signed(self, now: int, issuer: str = _CLOUD) -> str:
        claims = {
            "iss": issuer,
            "sub": "emulator-user",
            "iam_id": "IBMid-emulator",
            "iat": now,
            "exp": now + self.token_seconds,
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)


def _secret(file: Path | None) -> str:
    # Kept, so that a token outlives a restart of the emulator.
    if file is None:
        return secrets.token_hex(32)
    if not file.is_file():
        write_atomically(file, secrets.token_hex(32))
        file.chmod(0o600)
    secret = file.read_bytes()
    if not re.fullmatch(rb"[0-9a-f]{64}", secret):
        raise unusable(file, "holds no key that signs tokens")
    return secret.decode()


def _unauthorized(why: str, message: str) -> ServiceError:
    target = Target("header", "Authorization")
    return ServiceError(401, f"authentication_token_{why}", message, target)
