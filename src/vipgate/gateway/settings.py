"""All settings with limits and units. Precedence: flags, `VIPGATE_*` variables, the TOML file, these defaults."""

from __future__ import annotations

import tomllib
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from vipgate.errors import UsageError
from vipgate.gateway.group_commit import CommitLimits
from vipgate.gateway.http.messages import HttpLimits
from vipgate.protocol.envelope import BODY_BYTES_MAX
from vipgate.protocol.nesting import toml_nesting_fault
from vipgate.protocol.signature_hmac import WINDOW_S
from vipgate.store.interfaces.ledger import Retention

CONFIG_NAME: Final = "vipgate.toml"
CONFIG_BYTES_MAX: Final = 1024 * 1024
MASKED_SEARCHES_PER_HOUR: Final = 20
# The defaults of what is kept stand in Retention alone.
KEPT: Final = Retention()
MIB: Final = 1024 * 1024


class Settings(BaseSettings):
    """All settings, validated. Field names are the TOML names; the variable is `VIPGATE_` and the name in upper case."""

    model_config = SettingsConfigDict(env_prefix="VIPGATE_", extra="forbid", frozen=True, hide_input_in_errors=True)

    home: Path = Field(default_factory=lambda: user_data_path("vipgate", appauthor=False), description="data folder")
    database: str = Field(
        "", description="sqlite:///path or postgresql://user@host/database; default: vipgate.db in the data folder"
    )
    master_key: SecretStr | None = Field(
        None, description="encrypts secrets; default: the file master.key in the data folder"
    )

    host: str = Field("127.0.0.1", description="public address: where car parks push")
    port: int = Field(8080, ge=0, le=65535, description="public port; 0: any free one")
    tls_cert: Path | None = Field(
        None, description="PEM file with the public port's certificate chain; the port then accepts TLS only"
    )
    tls_key: Path | None = Field(None, description="PEM file with the key of tls_cert")
    trusted_proxies: str = Field(
        "",
        description="addresses or networks of trusted proxies, separated by commas; only their X-Forwarded-For is used",
    )
    hmac_window_s: int = Field(
        WINDOW_S,
        ge=10,
        le=3600,
        description="largest accepted clock difference of an HMAC timestamp, in seconds",
    )
    admin: bool = Field(True, description="whether to open the admin port")
    admin_host: str = Field("127.0.0.1", description="admin address: console and API for staff")
    admin_port: int | None = Field(
        None, ge=0, le=65535, description="admin port; default: public port + 1, or any free one"
    )
    admin_url: str = Field(
        "", pattern=r"^(https?://\S+)?$", description="URL of the admin port behind a proxy, for links"
    )
    admin_https: bool = Field(False, description="the admin port is reached over HTTPS only: cookies are Secure")
    admin_db_connections: int = Field(3, ge=1, le=32, description="database connections for pages and API requests")
    masked_searches_per_hour: int = Field(
        MASKED_SEARCHES_PER_HOUR,
        ge=1,
        le=100_000,
        description="searches by plate or card per hour for an account or token with masked plates; burst: three hours' worth",
    )
    charge_types_allow_private: bool = Field(
        False, description="allow private addresses (10.…, 192.168.…) for a park's own gateway; never loopback"
    )
    workers: int = Field(1, ge=1, le=64, description="server processes; more than one only on PostgreSQL")
    always_200: bool = Field(
        False, description="HTTP status 200 even for errors, for clients that cannot read error bodies"
    )

    body_bytes_max: int = Field(BODY_BYTES_MAX, ge=1024, le=BODY_BYTES_MAX, description="largest body of a push")
    total_body_bytes_max: int = Field(256 * MIB, ge=BODY_BYTES_MAX, description="total size of all bodies in memory")
    request_timeout_s: float = Field(120.0, gt=0, le=3600, description="time to receive a complete request")
    keepalive_timeout_s: float = Field(75.0, gt=0, le=3600, description="idle time between requests on one connection")
    shutdown_timeout_s: float = Field(20.0, ge=0, le=600, description="time to finish requests in flight when stopping")
    connections_max: int = Field(20_000, ge=1, description="open connections, TLS handshakes included")
    queue_requests_max: int = Field(4096, ge=1, description="pushes waiting for commit")
    queue_rows_max: int = Field(100_000, ge=1, description="rows waiting for commit")

    generation_days: int = Field(
        KEPT.generation_days, ge=1, description="how long a replaced generation can be restored"
    )
    request_log_days: int = Field(
        KEPT.request_log_days,
        ge=1,
        description="how long the request log is kept; --hold-replaces recognises a repeated replace for as long",
    )
    rejected_days: int = Field(KEPT.rejected_days, ge=1, description="how long rejected bodies are kept")
    rejected_bodies_max: int = Field(KEPT.rejected_bodies_max, ge=0, description="rejected bodies kept per park")
    rejected_bytes_max: int = Field(
        KEPT.rejected_bytes_max, ge=0, description="bytes of rejected bodies kept per park, compressed"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Orders the sources: flags, variables, then the file read by `load_settings`."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, _file.get())

    @property
    def database_url(self) -> str:
        """The database URL; by default a SQLite file in the data folder."""
        return self.database or f"sqlite:///{quote(str(self.home / 'vipgate.db'))}"

    @property
    def key_file(self) -> Path:
        """The file with the master key, used unless `master_key` is set."""
        return self.home / "master.key"

    @property
    def http_limits(self) -> HttpLimits:
        """The limits of the HTTP server."""
        return HttpLimits(
            body_bytes_max=self.body_bytes_max,
            total_body_bytes_max=self.total_body_bytes_max,
            request_timeout_s=self.request_timeout_s,
            keepalive_timeout_s=self.keepalive_timeout_s,
            connections_max=self.connections_max,
        )

    @property
    def commit_limits(self) -> CommitLimits:
        """The limits of the commit queue."""
        # The other half is for bodies being received.
        bytes_max = self.total_body_bytes_max // 2
        return CommitLimits(
            queue_requests_max=self.queue_requests_max, queue_rows_max=self.queue_rows_max, queue_bytes_max=bytes_max
        )

    @property
    def retention(self) -> Retention:
        """How long and how much to keep."""
        return Retention(
            generation_days=self.generation_days,
            request_log_days=self.request_log_days,
            rejected_days=self.rejected_days,
            rejected_bodies_max=self.rejected_bodies_max,
            rejected_bytes_max=self.rejected_bytes_max,
        )


_file: ContextVar[dict[str, Any]] = ContextVar("settings file")


def read_file(named: Path | None) -> dict[str, Any]:
    """Reads the settings file `named`, or vipgate.toml in the current folder if it exists. Raises UsageError."""
    path = named or Path(CONFIG_NAME)
    try:
        with path.open("rb") as file:
            text = file.read(CONFIG_BYTES_MAX)
        too_deep = toml_nesting_fault(text)
        if too_deep is not None:
            raise UsageError(f"The settings file {path} is {too_deep.en}.")
        return tomllib.loads(text.decode("utf-8"))
    except FileNotFoundError:
        if named is not None:
            raise UsageError(f"There is no settings file {path}; fix --config or VIPGATE_CONFIG.") from None
        return {}
    except OSError as error:
        raise UsageError(f"Cannot read the settings file {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The settings file {path} is not valid TOML: {error}.") from None


def load_settings(config: Path | None = None, **flags: Any) -> Settings:
    """Loads all settings; `flags` that are None were not given. Raises UsageError that names each invalid one."""
    _file.set(read_file(config))
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        lines = [_settings_error(".".join(map(str, one["loc"])), one["type"], one["msg"]) for one in error.errors()]
        raise UsageError("\n".join(lines)) from None


def _settings_error(name: str, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return f"Setting {name}: there is no such setting; see docs/settings.md for all names."
    flag = name.replace("_", "-")
    return f"Setting {name}: {message}; fix --{flag}, VIPGATE_{name.upper()} or {name} in the settings file."
