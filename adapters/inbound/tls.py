"""The TLS files of a listener, whichever protocol it speaks."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from gem_integration.errors import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files of a TLS listener; with ``client_ca``, clients must show a certificate it signed."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    client_certificate_required: bool = True

    def context(self) -> ssl.SSLContext:
        """Return the server's TLS context, TLS 1.2 or later; ``Rejected`` if the files cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
        except (OSError, ssl.SSLError) as error:
            reason = "the TLS certificate, its key or the clients' CA cannot be read: give PEM files"
            raise Rejected(reason) from error
        if self.client_ca is not None:
            required = self.client_certificate_required
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        return context
