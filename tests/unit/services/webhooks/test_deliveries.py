"""Signatures, and the address that a delivery is made to."""

import hashlib
import hmac

from evalsvc.services.webhooks.deliveries import pinned_url, sign
from evalsvc.services.webhooks.ssrf import CheckedAddress


def test_a_signature_is_hmac_of_timestamp_and_body() -> None:
    expected = hmac.new(b"secret", b"17.{}", hashlib.sha256).hexdigest()
    assert sign("secret", 17, b"{}") == f"t=17,v1={expected}"


def test_a_delivery_goes_to_the_checked_address() -> None:
    target = CheckedAddress("https://hooks.example.org/a?b=1", "hooks.example.org", 443, "1.2.3.4")
    assert str(pinned_url(target)) == "https://1.2.3.4/a?b=1"
    over_six = CheckedAddress("http://six.example.org:81/", "six.example.org", 81, "2001:db8::1")
    assert str(pinned_url(over_six)) == "http://[2001:db8::1]:81/"
