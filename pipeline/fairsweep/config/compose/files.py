"""The files that Hydra composes, each parsed once in a process.

Hydra parses all of them again for every config, and a sweep composes one for each arm. In: Hydra's
search path. Out: what its own repository gives. A file that was changed is parsed again.
"""

from __future__ import annotations

from copy import copy, deepcopy
from pathlib import Path
from typing import Any

from hydra._internal.config_repository import ConfigRepository
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.config_source import ConfigResult, ConfigSource

_PARSED: dict[Path, tuple[bytes, ConfigResult]] = {}
"""What stood in a file when it was parsed, and what that gave."""


class _File(FileConfigSource):  # type: ignore[misc]
    def load_config(self, config_path: str) -> ConfigResult:
        path = Path(self.path, self._normalize_file_name(config_path))
        content = path.read_bytes()
        known = _PARSED.get(path)
        if known is None or known[0] != content:
            known = _PARSED[path] = content, super().load_config(config_path)
        return deepcopy(known[1])  # composing changes it


class Files(ConfigRepository):  # type: ignore[misc]
    """Hydra's repository over a search path."""

    sources: list[ConfigSource]

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        super().initialize_sources(config_search_path)
        self.sources = [
            _File(source.provider, source.full_path()) if source.scheme() == "file" else source
            for source in self.sources
        ]

    def __deepcopy__(self, _: dict[int, Any]) -> Files:
        """Hydra copies it for every config, to give the copy other sources."""
        return copy(self)
