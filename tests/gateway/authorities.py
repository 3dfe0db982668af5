"""Because certificates must be real: a province's authority in a temporary folder, and what it issued."""

from datetime import datetime, timedelta
from pathlib import Path

from gateway.pki import authority as pki
from gateway.pki.authority import Authority
from gateway.pki.names import Kind, bearer

COMMUNE = "18562"


class Made:
    """An authority with short words for what a test wants of it."""

    def __init__(self, folder: Path, province: str = "42") -> None:
        self.folder = folder
        self.authority = Authority.create(folder, province, f"CA {province}", 7300, 400)
        self.ca = folder / "ca.pem"
        self.crl = folder / "crl.pem"

    def issue(
        self, kind: Kind, name: str = "", commune: str = COMMUNE, hosts: tuple[str, ...] = (), days: int = 30
    ) -> dict[str, Path]:
        """Issue, and return the three files as the tables of a configuration name them."""
        whom = bearer(kind, self.authority.index.province, commune, name)
        self.authority.issue(whom, hosts, days)
        return self.files(whom.cn)

    def files(self, cn: str) -> dict[str, Path]:
        there = self.folder / "issued"
        return {"ca_file": self.ca, "cert_file": there / f"{cn}.pem", "key_file": there / f"{cn}.key"}

    def expire(self, cn: str) -> None:
        """Let a certificate have ended an hour ago, under the same key."""
        self._in_the_past(lambda: self.authority.renew(cn, 1))

    def expire_crl(self) -> None:
        """Let the revocation list have ended."""
        days, self.authority.index.crl_days = self.authority.index.crl_days, 1
        self._in_the_past(self.authority.publish_crl)
        self.authority.index.crl_days = days
        self.authority._save()

    def _in_the_past(self, act) -> None:
        class Then(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) - timedelta(days=1, hours=1)

        pki.datetime = Then
        try:
            act()
        finally:
            pki.datetime = datetime
