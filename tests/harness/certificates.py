"""Keys and certificates made for tests."""
import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def write_key(key, path):
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    path.chmod(0o600)
    return path


def self_signed(folder, name, host="127.0.0.1"):
    """(certificate file, key file) of a server that nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    try:
        alternative = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=2))
                   .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                   .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
                   .sign(key, hashes.SHA256()))
    file = folder / f"{name}.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file, write_key(key, folder / f"{name}.key")


class authority:
    """An authority for tests; its certificate is in `file`."""

    def __init__(self, folder, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = _builder(self.name, self.name, self.key.public_key(), True).sign(self.key, hashes.SHA256())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _builder(subject, issuer, public_key, is_authority):
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True))


def signed(folder, name, by):
    """(certificate file, key file) by an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = _builder(subject, by.name, key.public_key(), False).sign(by.key, hashes.SHA256())
    file = folder / f"{name}.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file, write_key(key, folder / f"{name}.key")


def forged(file, like):
    """Writes a certificate that says the same as another one, down to issuer and serial number, but is signed by a key of
    nobody's; and its own key."""
    key, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    builder = (x509.CertificateBuilder().subject_name(like.subject).issuer_name(like.issuer).public_key(key.public_key())
               .serial_number(like.serial_number).not_valid_before(like.not_valid_before).not_valid_after(like.not_valid_after))
    for one in like.extensions:
        builder = builder.add_extension(one.value, one.critical)
    certificate = builder.sign(theirs, hashes.SHA256())
    write_key(key, file)
    with open(file, "ab") as out:
        out.write(certificate.public_bytes(serialization.Encoding.PEM))
    return file


def server_context(certificate_file, key_file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(certificate_file), str(key_file))
    return context


def own_certificate(state):
    """The certificate in a state folder, whatever its file is called."""
    for file in sorted(state.iterdir()):
        if file.is_file() and b"BEGIN CERTIFICATE" in file.read_bytes():
            certificate = x509.load_pem_x509_certificate(file.read_bytes())
            try:
                if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
                    return certificate
            except x509.ExtensionNotFound:
                return certificate
    raise AssertionError(f"no certificate in {list(state.iterdir())}")
