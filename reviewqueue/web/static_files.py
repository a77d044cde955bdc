"""How static files get their names: with a hash of the content where they were collected, plain where they were not."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT_OF_OURS = (r"""(?P<matched>from "(?P<url>\./[^"]+)";)""", 'from "%(url)s";')


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Collected files carry their hash and may be cached for ever. Tests collect nothing and get plain names.

    Our modules import each other by relative names, which have to get their hashes as well. Only ours: packages we
    depend on ship modules that import what is not there, and Django's own setting for this would stumble over them.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", (IMPORT_OF_OURS,)))

    def stored_name(self, name: str) -> str:
        if not self.hashed_files:
            return name
        return str(super().stored_name(name))
