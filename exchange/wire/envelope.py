"""CMS envelopes and signatures: what a partner can make and open with ``openssl cms`` alone.

Rules
- A detached signature is verified against the certificate that the agreement pins (certificates.py); certificates that
  travel inside the signature are ignored, and so is any chain. The certificate's own validity is checked against our
  clock.
- A signature counts with SHA-256 or better, an envelope with AES; a signature may also come as PEM.
- Our own copy of a certificate is checked first: that it is damaged is our fault, and no refusal.
- Signature and hash are checked before anything is decrypted: a CBC envelope that was tampered with opens without an
  error.
- Results are encrypted with AES-256-CBC (the library's default is AES-128).
- A missing or unreadable key of our own is a Halt; what a partner sent wrong is Refused.

The ``openssl`` program does what ``cryptography`` does not: it verifies; it encrypts a stream, where the library holds
content and envelope whole; and it opens envelopes in BER, as streaming writers make them, and large ones with less
memory (256 MiB: 0.9 GB beside ours, where the library takes 1.1 GB of ours). Small files are the library's, because a
program takes longer to start than they take.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Timer
from typing import IO, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import pkcs7

from exchange.base.errors import Halt, Refused, Retryable
from exchange.settings import read_secret
from exchange.wire.certificates import read_certificates, valid
from exchange.wire.cms import BEGINNING, STRONG_CIPHERS, STRONG_DIGESTS, as_der, cipher, digests

_VERIFY_SECONDS: Final = 60
_STILL_SECONDS: Final = 600.0
"""Until it has taken one piece, has ended after the last, or has opened one file."""
_OF_THE_FILE: Final = frozenset({2, 3, 4})
"""Exit statuses of ``openssl cms`` that speak of what it was given: not readable, no CMS, not verified or opened
(openssl-cms(1)). With any other it did not come so far: killed, without memory, not runnable. So it is where one of
these is given for what the machine said (``_of_the_machine``)."""

_CODE: Final = re.compile(rb"error:([0-9A-F]{8}):")
_SYSTEM_SAID: Final = 0x8000_0000
_REASON: Final = 0x7F_FFFF
_NO_MEMORY: Final = 0xC_0100
"""What the codes of errors are made of (``openssl/err.h``): one flag says that the rest is the system's ``errno``."""

_IN_MEMORY: Final = 16 * 1024 * 1024
"""Bytes of an envelope up to which the library opens it."""

_PIECE: Final = 1024 * 1024


@dataclass(frozen=True)
class KeyPair:
    """A private key of the office with its certificate."""

    key: RSAPrivateKey
    certificate: x509.Certificate
    files: tuple[Path, Path]
    """Where the two lie: programs are told the place of a key, never the key."""


def load_key_pair(key: Path, certificate: Path) -> KeyPair:
    """The office's key pair; Halt when a file is missing, open to others, not PEM, or the two do not belong
    together.
    """
    try:  # its primes are not proven anew for each task, which takes 0.15 s a key; that a signature holds shows as much
        private = serialization.load_pem_private_key(read_secret(key), None, unsafe_skip_rsa_key_validation=True)
        public = load_certificate(certificate)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        msg = f"{key}: not an unencrypted PEM private key"
        raise Halt(msg) from None
    if not isinstance(private, RSAPrivateKey) or not _belong_together(private, public):
        msg = f"{key}: not the RSA key of {certificate}"
        raise Halt(msg)
    return KeyPair(private, public, (key, certificate))


def _belong_together(private: RSAPrivateKey, certificate: x509.Certificate) -> bool:
    try:
        public = certificate.public_key()
        if not isinstance(public, RSAPublicKey):
            return False
        public.verify(private.sign(b"", PKCS1v15(), hashes.SHA256()), b"", PKCS1v15(), hashes.SHA256())
        if certificate.issuer == certificate.subject:  # of another number, say, no partner's envelope would open
            certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def load_certificate(path: Path) -> x509.Certificate:
    """One PEM certificate; Halt when there is none."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        msg = f"{path}: no readable PEM certificate"
        raise Halt(msg) from None


def sign(content: bytes, identity: KeyPair) -> bytes:
    """A detached CMS signature (DER, SHA-256) over the content."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(identity.certificate, identity.key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    return builder.sign(serialization.Encoding.DER, options)


def verify(content: bytes, signature: bytes, pinned: Path, now: datetime) -> None:
    """Refused unless this detached signature (DER or PEM) over the content is by a pinned certificate, valid now (two
    are pinned during a change); Halt where a pinned certificate itself is damaged.
    """
    certificates = read_certificates(pinned)
    for certificate in certificates:
        _check_sound(certificate, pinned)
    signature = as_der(signature)
    if not (accepted := valid(certificates, now)):
        raise Refused("certificate_expired")
    if not (named := digests(signature)) <= STRONG_DIGESTS:
        raise Refused("signature_digest")
    trusted = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in accepted)
    with _in_memory(content, signature, trusted) as descriptors:
        signed, signed_by, certfile = (f"/dev/fd/{descriptor}" for descriptor in descriptors)
        # -nointern with -certfile: only what is pinned can have signed; -noverify: no chain is built for it, and the
        # machine's own list of authorities, which takes six times as long as the signature, need not be read.
        no_authorities = ["-no-CAfile", "-no-CApath", "-no-CAstore"]
        pinned_only = ["-nointern", "-noverify", *no_authorities, "-certfile", certfile]
        detached = ["-in", signed_by, "-content", signed, "-out", "/dev/null"]
        status, said = _openssl(["cms", "-verify", "-binary", "-inform", "DER", *pinned_only, *detached], descriptors)
    if _of_the_file(status, said) or not named:
        raise Refused("signature_invalid")


def _check_sound(certificate: x509.Certificate, path: Path) -> None:
    """Halt where a certificate's key cannot be read, or where it signed itself and was altered since."""
    try:
        certificate.public_key()
        if certificate.issuer == certificate.subject:
            certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        msg = f"{path}: the pinned certificate is damaged"
        raise Halt(msg) from None


@contextmanager
def _in_memory(*contents: bytes) -> Iterator[list[int]]:
    """Descriptors of files in memory that hold these: whatever ends this process, nothing is left on a disk."""
    with ExitStack() as stack:
        files = [stack.enter_context(os.fdopen(os.memfd_create("verify"), "wb")) for _ in contents]
        for file, content in zip(files, contents, strict=True):
            file.write(content)
            file.flush()
        yield [file.fileno() for file in files]


def _openssl(arguments: Sequence[str], descriptors: Sequence[int]) -> tuple[int, bytes]:
    """The program's exit status, and what it printed, which may quote the file: it is told nobody."""
    try:
        done = subprocess.run(
            ["openssl", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,  # its end is waited for; without a pipe the program is asked every few milliseconds
            pass_fds=descriptors,
            timeout=_VERIFY_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise _not_installed() from None
    except subprocess.TimeoutExpired:
        msg = f"openssl did not answer within {_VERIFY_SECONDS} seconds"
        raise Retryable(msg) from None
    return done.returncode, done.stderr


def _of_the_file(status: int, said: bytes) -> bool:
    """Whether ``openssl cms`` says that the partner's file does not hold; Retryable where it says nothing of it."""
    if status != 0 and (status not in _OF_THE_FILE or _of_the_machine(said)):
        msg = f"openssl ended with {status} on this machine; is there memory, and is the key there?"
        raise Retryable(msg)
    return status != 0


def _of_the_machine(said: bytes) -> bool:
    """Whether a code among what it printed is the system's (no such key, too many open files) or says that no memory is
    left: it gives the same exit status for these as for a file that is no CMS.
    """
    codes = [int(code, 16) for code in _CODE.findall(said)]
    return any(code & _SYSTEM_SAID or code & _REASON == _NO_MEMORY for code in codes)


def _not_installed() -> Halt:
    return Halt("the program openssl is not installed on this machine")


def encrypt(content: bytes, recipient: x509.Certificate) -> bytes:
    """A CMS envelope (DER, AES-256-CBC) that only the recipient's key opens."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(recipient)
    builder = builder.set_content_encryption_algorithm(AES256)
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def encrypt_into(file: IO[bytes], pieces: Iterable[bytes], recipient: x509.Certificate) -> None:
    """Writes the envelope of these pieces into an empty file while they come, so that it is never whole in memory: BER,
    AES-256-CBC. An error of whoever makes the pieces is raised as it is, what was written until then is no envelope.
    Retryable where the program does not take them all, or not in time.
    """
    options = ["-binary", "-stream", "-aes-256-cbc", "-outform", "DER"]
    with ExitStack() as stack:
        (to,) = stack.enter_context(_in_memory(recipient.public_bytes(serialization.Encoding.PEM)))
        command = ["openssl", "cms", "-encrypt", *options, f"/dev/fd/{to}"]
        try:
            program = subprocess.Popen(
                command, bufsize=0, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.DEVNULL, pass_fds=[to]
            )
        except FileNotFoundError:
            raise _not_installed() from None
        with program, ThreadPoolExecutor(1) as beside, _ended(program):
            size = _feed(program, pieces, beside)
            if size is None:
                program.kill()  # it reads no more, but may not have ended
    if program.returncode != 0 or size is None or os.fstat(file.fileno()).st_size <= size:
        msg = "openssl could not encrypt a result; is there room on the disk?"
        raise Retryable(msg)


def _feed(program: subprocess.Popen[bytes], pieces: Iterable[bytes], beside: ThreadPoolExecutor) -> int | None:
    """Gives the pieces to the program and waits for its end: their octets, None where it ended before it had all. While
    one is encrypted the next one is made.
    """
    assert program.stdin is not None
    _widen(program.stdin)
    size, taken = 0, beside.submit(int)
    for piece in pieces:
        if not _is_taken(taken):
            return None
        size, taken = size + len(piece), beside.submit(_write, program.stdin, piece)
    if not _is_taken(taken):
        return None
    program.stdin.close()
    with _in_time(program):  # a wait with a limit of its own looks every few milliseconds
        program.wait()
    return size


def _is_taken(written: Future[int]) -> bool:
    """Not where the pipe broke: the program ended early. That is no error of whoever makes the pieces, who may have
    pipes of their own.
    """
    try:
        written.result(_STILL_SECONDS)
    except BrokenPipeError:
        return False
    except TimeoutError:
        raise _stands_still() from None
    return True


def _write(pipe: IO[bytes], piece: bytes) -> int:
    rest = memoryview(piece)
    while rest:
        rest = rest[pipe.write(rest) :]
    return len(piece)


@contextmanager
def _ended(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever ends the block early, also ends the program: nobody waits for one that stands still."""
    try:
        yield
    except BaseException:
        program.kill()
        raise


@contextmanager
def _in_time(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """A program that is not done after this long is killed, which its exit status says."""
    timer = Timer(_STILL_SECONDS, program.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _stands_still() -> Retryable:
    return Retryable(f"openssl stood still for {_STILL_SECONDS:g} seconds")


def _widen(pipe: IO[bytes]) -> None:
    """Lets more wait in it than 64 KiB, so that the two at its ends wake each other less often, where that is allowed
    (F_SETPIPE_SZ, fcntl(2)).
    """
    with suppress(OSError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIECE)


def decrypt(envelope: Path, identity: KeyPair) -> bytes:
    """The content of an envelope to the office; Refused when it is none or not for this key. Its hash was checked
    before.
    """
    with envelope.open("rb") as file:
        if cipher(file.read(BEGINNING)) not in (*STRONG_CIPHERS, None):
            raise Refused("envelope_cipher")
    if envelope.stat().st_size <= _IN_MEMORY:
        with suppress(ValueError, UnsupportedAlgorithm):
            return pkcs7.pkcs7_decrypt_der(envelope.read_bytes(), identity.certificate, identity.key, [])
    key, certificate = map(str, identity.files)
    ours = ["-recip", certificate, "-inkey", key]
    command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", str(envelope), *ours]
    with _in_memory(b"") as (complaints,):
        try:
            program = subprocess.Popen(
                command, bufsize=0, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
            )
        except FileNotFoundError:
            raise _not_installed() from None
        content = io.BytesIO()
        with _in_time(program), program, _ended(program):
            assert program.stdout is not None
            _widen(program.stdout)
            shutil.copyfileobj(program.stdout, content, _PIECE)
        if _of_the_file(program.returncode, os.pread(complaints, _PIECE, 0)):
            raise Refused("data_envelope")
    return content.getvalue()


def is_whole_der(content: bytes) -> bool:
    """Whether a DER (or BER) object is there to its end, by its outer length alone: a half-written signature is not."""
    if len(content) < 2 or content[0] != 0x30:
        return False
    first = content[1]
    if first == 0x80:  # indefinite length, as a streaming writer makes it: ends with two zero bytes
        return content.endswith(b"\x00\x00")
    octets = first & 0x7F if first & 0x80 else 0
    length = int.from_bytes(content[2 : 2 + octets], "big") if octets else first
    return octets <= 4 and len(content) == 2 + octets + length
