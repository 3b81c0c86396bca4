"""Makes an authority, and a server certificate of each kind, valid and invalid. Usage: certificates.py FOLDER

Each kind is a pair of files, KIND.pem (the certificate) and KIND.key. `authority.pem` signs all but `self-signed`.
"""

import datetime
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
LOOPBACK_NAMES = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
OTHER_NAMES = [x509.DNSName("elsewhere.example.com")]

# Kind: common name, alternative names, first and last day of validity relative to today.
KINDS = {
    "good": ("pfscim test server", LOOPBACK_NAMES, -1, 30),
    "self-signed": ("localhost", LOOPBACK_NAMES, -1, 30),
    "expired": ("pfscim test server", LOOPBACK_NAMES, -30, -1),
    "not-yet-valid": ("pfscim test server", LOOPBACK_NAMES, 5, 30),
    "wrong-name": ("elsewhere.example.com", OTHER_NAMES, -1, 30),
    "cn-only": ("localhost", [], -1, 30),
}


def x509_name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def builder(common_name: str, key: ec.EllipticCurvePrivateKey, first: int, last: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509_name(common_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + first * DAY)
        .not_valid_after(NOW + last * DAY)
    )


def write(folder: Path, kind: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    (folder / f"{kind}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{kind}.key").write_bytes(private_key)


def main(folder: Path) -> None:
    authority_name = x509_name("pfscim test authority")
    authority_key = ec.generate_private_key(ec.SECP256R1())
    unused = "content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only"
    usage = dict.fromkeys(unused.split(), False)
    authority = (
        builder("pfscim test authority", authority_key, -31, 31)
        .issuer_name(authority_name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    write(folder, "authority", authority, authority_key)
    for kind, (common_name, names, first, last) in KINDS.items():
        key = ec.generate_private_key(ec.SECP256R1())
        is_self_signed = kind == "self-signed"
        signer = key if is_self_signed else authority_key
        certificate = (
            builder(common_name, key, first, last)
            .issuer_name(x509_name(common_name) if is_self_signed else authority_name)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if names:
            certificate = certificate.add_extension(x509.SubjectAlternativeName(names), critical=False)
        write(folder, kind, certificate.sign(signer, hashes.SHA256()), key)


main(Path(sys.argv[1]))
