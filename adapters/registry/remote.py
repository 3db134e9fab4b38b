"""Files at a URL, through fsspec: listed, read, written, created, each within a time limit.

Knows protocols and how they fail; knows nothing of personas. What it says of the URL and of a
failure never holds credentials: the libraries' own messages may, so they are not passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .errors import NotWritable, RegistryError, Unreachable

LOOK_SECONDS = 10
"""A store that says nothing for so long is not reachable."""
CHUNK_SECONDS = 60
CHUNK_BYTES = 8 * 1024**2
S3_OPTIONS = {
    "config_kwargs": {"connect_timeout": 3, "read_timeout": 10, "retries": {"max_attempts": 1}},
    "use_listings_cache": False,
    "skip_instance_cache": True,
}
S3_TRIES = 2
OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "hf"}
"""Where folders need not be made, and where a listing that fails says so by itself: fsspec's own
way of listing folder by folder leaves out what it can't read unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as a listing shows it; the token changes whenever its bytes do."""

    size: int
    token: str


class Remote:
    def __init__(self, url: str) -> None:
        self.shown = without_credentials(url)
        self._url = url
        _check(url, self.shown)
        self._stores_objects = url.partition("://")[0] in OBJECT_STORES

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system and the path in it; some protocols connect here. Raises RegistryError."""
        return _opened(self._url, self.shown)

    @property
    def _fs(self) -> Any:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    def listing(self) -> dict[str, Listed]:
        """Every file by its key. Raises Unreachable."""
        try:
            self._fs.invalidate_cache()
            options: dict[str, Any] = {"on_error": "raise"}
            if self._stores_objects:
                options = self._within(LOOK_SECONDS)
            found = self._fs.find(self._root, detail=True, **options)
        except Exception as error:
            raise self._unreachable(error) from None
        begin = self._root + "/"
        return {
            name.removeprefix(begin): Listed(info.get("size") or 0, repr(sorted(info.items())))
            for name, info in found.items()
            if name.startswith(begin) and info.get("type") == "file"
        }

    def size(self, key: str) -> int | None:
        """A file's size in bytes; None where there is no such file. Raises Unreachable."""
        try:
            self._fs.invalidate_cache()
            info = self._fs.info(self._path(key), **self._within(LOOK_SECONDS))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._unreachable(error) from None
        return int(info.get("size") or 0)

    def read(self, key: str) -> bytes | None:
        """A small file's bytes; None where it is gone. Raises Unreachable."""
        try:
            return bytes(self._fs.cat_file(self._path(key), **self._within(LOOK_SECONDS)))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._unreachable(error) from None

    def chunks(self, key: str, size: int) -> Iterator[bytes]:
        """The first `size` bytes of a file, piece by piece. Raises Unreachable."""
        for start in range(0, size, CHUNK_BYTES):
            end = min(start + CHUNK_BYTES, size)
            try:
                limits = self._within(CHUNK_SECONDS)
                chunk = self._fs.cat_file(self._path(key), start=start, end=end, **limits)
            except Exception as error:
                raise self._unreachable(error) from None
            yield chunk

    def write(self, key: str, content: bytes) -> None:
        """Raises Unreachable, NotWritable."""
        try:
            self._make_folder(key)
            self._fs.pipe_file(self._path(key), content, **self._within(LOOK_SECONDS))
        except Exception as error:
            raise self._unwritable(error) from None

    def create(self, key: str, content: bytes) -> bool:
        """Write a file that is not there yet; whether it was this call that made it.

        Of several callers at once one gets True where the store can create exclusively, as S3
        can; elsewhere fsspec looks first, which is nearly as good. Raises Unreachable, NotWritable.
        """
        limits = self._within(LOOK_SECONDS)
        try:
            self._make_folder(key)
            self._fs.pipe_file(self._path(key), content, mode="create", **limits)
        except FileExistsError:
            return False
        except Exception as error:
            # Stores put their refusal in different words; whether the file is there says it all.
            if isinstance(error, OSError) and self.size(key) is not None:
                return False
            raise self._unwritable(error) from None
        return True

    def upload(self, key: str, source: Path) -> None:
        """Raises Unreachable, NotWritable."""
        try:
            self._make_folder(key)
            self._fs.put_file(str(source), self._path(key))
        except Exception as error:
            raise self._unwritable(error) from None

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _make_folder(self, key: str) -> None:
        if not self._stores_objects:
            self._fs.makedirs(self._path(key).rpartition("/")[0], exist_ok=True)

    def _within(self, seconds: float) -> dict[str, Any]:
        """fsspec bounds the calls of its asynchronous protocols; the others bound themselves."""
        return {"timeout": seconds} if self._fs.async_impl else {}

    def _unwritable(self, error: Exception) -> RegistryError:
        if isinstance(error, PermissionError | NotImplementedError):
            return NotWritable(f"the registry {self.shown} can't be written: {_reason(error)}")
        return self._unreachable(error)

    def _unreachable(self, error: Exception) -> RegistryError:
        if isinstance(error, RegistryError):
            return error
        return Unreachable(f"the registry {self.shown} can't be reached: {_reason(error)}")


def without_credentials(url: str) -> str:
    """The URL as it may be shown: without user, password and query."""
    if not url.startswith("hf://"):  # where an @ stands before a revision
        url = re.sub(r"://.*@", "://", url)
    return url.partition("?")[0].partition("#")[0].rstrip("/")


def _check(url: str, shown: str) -> None:
    """Raises RegistryError for a URL that can never be opened; connects to nothing."""
    protocol, _, rest = url.partition("://")
    if not rest.strip("/"):
        raise RegistryError(f"REGISTRY_URL: {shown}// names no bucket or folder")
    if protocol in ("s3", "s3a"):
        _check_bucket(url)
    try:
        from fsspec import get_filesystem_class

        get_filesystem_class(protocol)
    except ImportError:
        raise RegistryError(
            f"REGISTRY_URL: {protocol}:// needs a Python package that is not installed; "
            f"install {PACKAGES.get(protocol, 'the one that fsspec names for it')}"
        ) from None
    except ValueError:
        raise RegistryError(
            f"REGISTRY_URL: {protocol}:// is not known; use a folder, s3://bucket/prefix, "
            "hf://owner/repository or another protocol of fsspec"
        ) from None


def _opened(url: str, shown: str) -> tuple[Any, str]:
    """fsspec's file system for the URL and the path in it. Raises RegistryError."""
    from fsspec.core import url_to_fs

    protocol = url.partition("://")[0]
    try:
        fs, root = url_to_fs(url.rstrip("/"), **(S3_OPTIONS if protocol in ("s3", "s3a") else {}))
    except ValueError:
        raise RegistryError(f"REGISTRY_URL: {shown} can't be understood") from None
    except Exception as error:
        raise Unreachable(f"the registry {shown} can't be reached: {_reason(error)}") from None
    if protocol in ("s3", "s3a"):
        fs.retries = S3_TRIES
    return fs, root.rstrip("/")


PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "hf": "huggingface_hub", "gs": "gcsfs", "gcs": "gcsfs",
            "az": "adlfs", "abfs": "adlfs", "sftp": "paramiko", "ssh": "paramiko"}  # fmt: skip


def _check_bucket(url: str) -> None:
    bucket = url.partition("://")[2].partition("/")[0]
    if ("@" in bucket or ":" in bucket) and not bucket.startswith("arn:"):
        raise RegistryError(
            "REGISTRY_URL: an s3:// URL holds no credentials; put them into AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, and write s3://bucket/prefix"
        )


def _reason(error: Exception) -> str:
    if known := REASONS.get(type(error).__name__):
        return known
    match error:
        case FileNotFoundError():
            return "there is no such bucket, repository or folder"
        case PermissionError():
            return "access is denied; check the credentials"
        case TimeoutError():
            return "no answer in time"
        case ConnectionError():
            return "no connection"
    return f"it answers with an error ({type(error).__name__})"


REASONS = {
    "NoCredentialsError": "no credentials were found; set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY",
    "PartialCredentialsError": "half of the credentials are missing",
    "EndpointConnectionError": "no connection",
    "ConnectTimeoutError": "no answer in time",
    "ReadTimeoutError": "no answer in time",
    "ConnectionClosedError": "the connection broke off",
    "ConnectError": "no connection",
    "OfflineModeIsEnabled": "HF_HUB_OFFLINE is set",
    "RepositoryNotFoundError": "there is no such repository, or it is private; check HF_TOKEN",
}
"""By the name of the exception, as the libraries that own them are not imported for it."""
